"""Stopped at any moment, with little memory, or with a reader that goes away: a sentence, a code."""

from __future__ import annotations

import json
import random
import resource
import signal
import subprocess
import sys
import time

import pytest

from command_line import COMMAND, TINY, environment, mlplab, mlplab_here

STOPS = 6
LATEST_SECONDS = 8.0
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder in which the tiny study has been run."""
    folder = tmp_path_factory.mktemp("shop")
    small = {**TINY, "seeds": 2, "training": {"steps": 4, "batch_size": 32, "evaluate_every": 2}}
    (folder / "tiny.json").write_text(json.dumps(small))
    assert mlplab_here("run", "tiny.json", "--no-report", cwd=folder).returncode == 0
    return folder


@pytest.mark.slow
@needs_signals
def test_stopped_at_random_moments_it_says_so_and_ends_with_130(tmp_path):
    long = {**TINY, "training": {"steps": 2000, "batch_size": 32, "evaluate_every": 20}}
    (tmp_path / "long.json").write_text(json.dumps(long))
    chance = random.Random(19)
    for name in ["SIGINT", "SIGTERM", "SIGHUP"] * (STOPS // 3):
        process = subprocess.Popen(
            [*COMMAND, "run", "long.json"], cwd=tmp_path, env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            # Python itself takes a tenth of a second to start, before which nobody hears.
            process.wait(chance.uniform(0.5, LATEST_SECONDS))
        except subprocess.TimeoutExpired:
            process.send_signal(getattr(signal, name))
        _, told = process.communicate(timeout=120)
        assert process.returncode in (0, 130), (name, told)
        assert process.returncode == 0 or "Stopped" in told.splitlines()[-1], told
        assert "Traceback" not in told
        assert "fault of mlplab" not in told


@needs_signals
def test_a_second_stop_ends_at_once(tmp_path):
    long = {**TINY, "training": {"steps": 10**6, "batch_size": 32, "evaluate_every": 10**6}}
    (tmp_path / "long.json").write_text(json.dumps(long))
    process = subprocess.Popen(
        [*COMMAND, "run", "long.json", "wide", "--json"], cwd=tmp_path,
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stdout:
        if json.loads(line)["event"] == "stack_started":
            break
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=4)
    assert process.returncode == 130, told
    assert "Begins again: wide" in told


@needs_signals
def test_a_run_whose_reader_goes_away_keeps_what_is_finished(tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    process = subprocess.Popen(
        [*COMMAND, "run", "tiny.json", "--json"], cwd=tmp_path,
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.readline()
    process.stdout.close()
    told = process.stderr.read()
    assert process.wait(timeout=120) == 130
    assert "Stopped" in told
    assert "Traceback" not in told


@needs_signals
def test_the_first_line_of_a_status_is_enough(shop):
    ended = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" "$@" | head -1', *COMMAND, "status", "runs/tiny"],
        cwd=shop, env=environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert ended.stdout.count("\n") == 1


@needs_signals
@pytest.mark.parametrize("megabytes", [300, 700, 1200])
def test_too_little_memory_is_a_sentence(megabytes, tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20))

    ended = subprocess.run(
        [*COMMAND, "run", "tiny.json"], cwd=tmp_path, env=environment(), preexec_fn=limit,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    (refusal,) = [line for line in ended.stderr.splitlines() if not line.startswith("note: ")]
    assert "ulimit -v" in refusal


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("libx.so: failed to map segment from shared object"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("can't start new thread"),
    ],
)
def test_libraries_that_get_no_memory_are_no_fault(error, capsys):
    from mlplab.commands.failure import explained

    with pytest.raises(SystemExit) as ended, explained():
        raise error
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "not enough memory" in told
    assert told.count("\n") == 1


def test_a_lock_that_is_a_link_is_refused_and_its_target_kept(shop, tmp_path):
    (tmp_path / "tiny.json").write_text((shop / "tiny.json").read_text())
    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / "runs" / "tiny" / ".lock").symlink_to(target)
    ended = mlplab_here("run", "tiny.json", cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert "symbolic link" in ended.stderr
    assert target.read_text() == "kept"


def test_names_that_spreadsheets_would_compute_are_exported_as_text(tmp_path):
    names = ["=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "plain"]
    study = {
        **TINY,
        "seeds": 1,
        "training": {"steps": 2, "batch_size": 32, "evaluate_every": 1},
        "networks": dict.fromkeys(names, TINY["networks"]["wide"]),
    }
    (tmp_path / "formulas.json").write_text(json.dumps(study))
    assert mlplab_here("run", "formulas.json", "--no-report", cwd=tmp_path).returncode == 0
    ended = mlplab_here(
        "export", "runs/tiny", "--curves", "c.csv", "--summary", "s.csv", cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    import csv

    for file in ("c.csv", "s.csv"):
        with (tmp_path / file).open(newline="") as text:
            rows = list(csv.DictReader(text))
        found = {row["network"] for row in rows}
        assert found == {"'" + name for name in names[:-1]} | {"plain"}
        cells = [cell for row in rows for cell in row.values()]
        assert not any(cell[:1] in ("=", "+", "@") for cell in cells)


def test_numbers_below_zero_are_exported_as_they_are():
    import pandas as pd

    from mlplab.records.export import without_formulas

    table = pd.DataFrame({"-x": [-1.5], "value": ["-0.25"], "text": ["-a"]})
    plain = without_formulas(table)
    assert list(plain.columns) == ["'-x", "value", "text"]
    assert plain.iloc[0].tolist() == [-1.5, "-0.25", "'-a"]


def test_a_run_by_name_joins_what_is_there(shop):
    before = mlplab("status", "runs/tiny", cwd=shop).stdout
    ended = mlplab_here("run", "tiny.json", "wide", "--no-report", cwd=shop)
    assert ended.returncode == 0, ended.stderr
    assert "deep" in ended.stdout
    assert mlplab("status", "runs/tiny", cwd=shop).stdout == before


def test_a_run_by_name_with_other_settings_does_not_replace_what_is_there(shop):
    before = mlplab("status", "runs/tiny", cwd=shop).stdout
    ended = mlplab_here("run", "tiny.json", "wide", "--set", "training.steps=6", cwd=shop)
    assert ended.returncode == 2
    assert "--out" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert mlplab("status", "runs/tiny", cwd=shop).stdout == before


def test_more_seeds_of_a_network_by_name_leave_the_others_theirs(tmp_path, shop):
    import shutil

    shutil.copytree(shop, tmp_path / "copy")
    folder = tmp_path / "copy"
    ended = mlplab_here("run", "tiny.json", "wide", "--seeds", "3", "--no-report", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    status = mlplab("status", "runs/tiny", cwd=folder).stdout
    assert "7 of 7" in status


def test_nothing_to_do_is_known_without_numerical_libraries(shop):
    from test_startup import HEAVY, imported_by

    for _ in range(2):
        assert mlplab_here("run", "tiny.json", "--no-report", cwd=shop).returncode == 0
    modules = imported_by("run", "tiny.json", "--no-report", cwd=shop)
    assert not modules & HEAVY


def test_what_was_changed_is_run_again(shop, tmp_path):
    import shutil

    shutil.copytree(shop, tmp_path / "copy")
    folder = tmp_path / "copy"
    assert mlplab_here("run", "tiny.json", "--no-report", cwd=folder).returncode == 0
    again = mlplab_here("run", "tiny.json", "--no-report", "--json", cwd=folder)
    assert "phase_started" not in again.stdout
    next((folder / "runs" / "tiny" / "weights").glob("*.safetensors")).unlink()
    mended = mlplab_here("run", "tiny.json", "--no-report", "--json", cwd=folder)
    assert "stack_finished" in mended.stdout


def test_doctor_says_what_this_machine_has(tmp_path):
    ended = mlplab_here("doctor", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 10
    facts = json.loads(mlplab_here("doctor", "--json", cwd=tmp_path).stdout)
    assert facts["versions"].startswith("mlplab ")
    assert "digits" in facts["data"]


@pytest.mark.parametrize("options", [["--question"], ["--choice"], ["--question", "--open-set"]])
def test_a_started_study_with_more_in_it_is_fine(options, tmp_path):
    assert mlplab_here("init", "mine.json", *options, cwd=tmp_path).returncode == 0
    checked = mlplab_here("check", "mine.json", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    keys = json.loads((tmp_path / "mine.json").read_text()).keys()
    assert ("questions" in keys) == ("--question" in options)
    assert ("choice" in keys) == ("--choice" in options)
