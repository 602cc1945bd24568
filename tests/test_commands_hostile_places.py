"""Disks that fill up, folders and pipes that go away, while a command is at work."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from command_line import COMMAND, TINY, environment, mlplab_here
from mlplab.commands.failure import explained
from mlplab.declarations.problems import BadInput
from mlplab.records.atomic import replacing, writable
from mlplab.records.weights import write_tensors
from mlplab.user_folders import cache_folder

FULL = Path("/dev/full")
"""A device on which every write fails as on a full disk."""
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder in which the tiny study has been run."""
    folder = tmp_path_factory.mktemp("shop")
    small = {**TINY, "seeds": 1, "training": {"steps": 4, "batch_size": 32, "evaluate_every": 2}}
    (folder / "tiny.json").write_text(json.dumps(small))
    assert mlplab_here("run", "tiny.json", cwd=folder).returncode == 0
    return folder


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Have the operating system refuse larger files, as it does when a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def said(folder: Path, *arguments: str | Path) -> str:
    """What a command says that must be refused: one line."""
    ended = mlplab_here(*arguments, cwd=folder)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "fault of mlplab" not in ended.stderr
    return ended.stderr


def test_a_report_that_cannot_be_written_is_a_sentence_and_leaves_nothing_half(shop):
    results = shop / "runs" / "tiny"
    assert mlplab_here("report", results, "--png", cwd=shop).returncode == 0
    figures = sorted((results / "figures").iterdir())
    page = (results / "report.html").read_bytes()
    # A folder in the place of a figure, which no user's rights help to overwrite.
    victim = next(path for path in figures if path.suffix == ".png")
    kept = victim.read_bytes()
    victim.unlink()
    victim.mkdir()
    try:
        told = said(shop, "report", results, "--png")
        assert "a place that can be written to" in told
        assert sorted((results / "figures").iterdir()) == figures
        assert (results / "report.html").read_bytes() == page
    finally:
        victim.rmdir()
        victim.write_bytes(kept)


@needs_signals
def test_weights_that_cannot_be_written_are_an_error_with_its_number(tmp_path):
    path = tmp_path / "w.safetensors"
    with files_no_larger_than(1000), pytest.raises(OSError, match="large") as caught:
        write_tensors(path, {"a": np.zeros(100_000, np.float32)})
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


@needs_signals
def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    refused = pytest.raises(BadInput, match="too large")
    with files_no_larger_than(1000), refused as told, writable(path), replacing(path) as temporary:
        temporary.write_bytes(b"x" * 100_000)
    assert str(path) in str(told.value)
    assert path.read_text() == "before"


@needs_full
@pytest.mark.parametrize("call", [("--version",), ("check", "tiny.json"), ("init", "--explain")])
def test_output_that_cannot_be_written_is_a_sentence(call, tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    with FULL.open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *call], cwd=tmp_path, env=environment(), stdout=full,
            stderr=subprocess.PIPE, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "no space left" in ended.stderr


def test_devices_and_links_are_written_to_not_replaced(shop, tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("before")
    link.symlink_to(target)
    for place in (link, Path(os.devnull)):
        ended = mlplab_here("export", shop / "runs" / "tiny", "--choice", place, cwd=shop)
        assert ended.returncode == 0, ended.stderr
    assert link.is_symlink()
    assert "chosen" in target.read_text()
    assert not Path(os.devnull).is_file()
    assert sorted(tmp_path.iterdir()) == [link, target]


def test_a_block_that_fails_leaves_a_linked_file_as_it_was(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)

    def fail() -> None:
        with replacing(link) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "before"


def test_exports_into_places_that_are_none_are_refused(shop, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    results = shop / "runs" / "tiny"
    for option, place in (
        ("--weights", tmp_path / "file"),
        ("--weights", tmp_path / "file" / "within"),
        ("--choice", tmp_path / "file" / "choice.json"),
        ("--choice", tmp_path),
        ("--curves", tmp_path / "folder.csv"),
        ("--summary", tmp_path / "file" / "s.csv"),
    ):
        assert "a place that can be written to" in said(shop, "export", results, option, place)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder.csv"]


def test_a_study_cannot_be_started_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").touch()
    for place in ("file/study.json", "x" * 300 + ".json"):
        assert "a place that can be written to" in said(tmp_path, "init", place)


@pytest.mark.parametrize("name", ["<script>.json", "con.json", "a:b.json", "sp ace.json"])
def test_a_study_that_was_started_under_any_name_is_fine(name, tmp_path):
    assert mlplab_here("init", name, cwd=tmp_path).returncode == 0
    checked = mlplab_here("check", name, cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr


def test_a_file_is_no_results_folder(shop):
    assert "but got a file" in said(shop, "status", "tiny.json")


@needs_signals
@pytest.mark.parametrize("streams", ["out", "err", "both"])
def test_closed_streams_are_no_fault(streams, shop):
    """`mlplab status ... >&- 2>&-`"""
    closed = {"out": ">&-", "err": "2>&-", "both": ">&- 2>&-"}[streams]
    ended = subprocess.run(
        ["sh", "-c", f'"$0" "$@" {closed}', *COMMAND, "status", "runs/tiny"],
        cwd=shop, env=environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""


@needs_signals
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_to_end_says_what_is_kept(name, tmp_path):
    long = {**TINY, "training": {"steps": 100_000, "batch_size": 32, "evaluate_every": 10}}
    (tmp_path / "long.json").write_text(json.dumps(long))
    process = subprocess.Popen(
        [*COMMAND, "run", "long.json", "wide", "deep", "--json"], cwd=tmp_path,
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stdout:
        if json.loads(line)["event"] == "stack_progressed":
            break
    process.send_signal(getattr(signal, name))
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "are finished and kept in" in told
    assert "Traceback" not in told


@needs_signals
def test_under_nohup_a_run_outlives_its_terminal(tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps({**TINY, "seeds": 1}))
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$0" "$@"', *COMMAND, "run", "tiny.json", "--json"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told


@pytest.fixture
def homeless(monkeypatch):
    """As under a bare number in a container: nothing says where the user's folders are."""
    import pwd

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "MLPLAB_DATA", "MLPLAB_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@needs_signals
def test_a_user_without_a_home_does_without_a_cache(homeless, shop, tmp_path):
    assert cache_folder() is None
    for call in (("plan", "tiny.json"), ("report", "runs/tiny"), ("data", "list")):
        ended = mlplab_here(*call, cwd=shop)
        assert ended.returncode == 0, ended.stderr
    assert "a user without a home" in said(tmp_path, "data", "fetch", "kmnist")
    assert list(tmp_path.iterdir()) == []


@needs_signals
def test_a_fault_is_logged_without_a_home_too(homeless, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SystemExit), explained():
        raise RuntimeError("a fault")
    (log,) = tmp_path.iterdir()
    assert str(log) in capsys.readouterr().err


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to this user"
)
def test_a_study_that_may_not_be_read_is_not_called_missing(tmp_path):
    dark = tmp_path / "dark"
    dark.mkdir()
    (dark / "tiny.json").write_text(json.dumps(TINY))
    dark.chmod(0)
    try:
        assert "ermission denied" in said(tmp_path, "check", "dark/tiny.json")
    finally:
        dark.chmod(0o700)
