"""Downloads against a small server on the loopback: mirrors, sums, cuts and kills."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlplab.data import known_files
from mlplab.data.download import NoMirrorError, download
from mlplab.data.mirrors import SOURCES, Source, SourceFile
from mlplab.declarations.problems import BadInput

CONTENT = bytes(range(256)) * 2000
"""Of the file that all mirrors should serve."""


class Server:
    """Serves /NAME/file.gz, NAME being how the mirror behaves; `asked` lists what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.packed = gzip.compress(CONTENT, mtime=0)
        self.failures_left = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror = self.path.split("/")[1]
                outer.asked.append(mirror)
                outer.answer(self, mirror)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, mirror: str) -> None:
        if mirror == "missing":
            return request.send_error(404)
        if mirror == "busy" or (mirror == "flaky" and self.failures_left > 0):
            self.failures_left -= 1
            return request.send_error(503)
        body = self.packed if mirror != "wrong" else gzip.compress(b"another file")
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        if mirror == "unpacking":
            request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        if mirror == "cut":
            body = body[: len(body) // 2]
        if mirror == "slow":
            request.wfile.write(body[:1000])
            time.sleep(30)
        request.wfile.write(body)

    def urls(self, *mirrors: str) -> list[str]:
        return [f"{self.address}/{mirror}/file.gz" for mirror in mirrors]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = Server()
    yield running
    running.close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "file.gz"


def fetch(urls: list[str], target: Path, said: list[str] | None = None, rounds: int = 3) -> str:
    right = hashlib.md5(gzip.compress(CONTENT, mtime=0)).hexdigest()

    def wrong(path: Path) -> str | None:
        return None if hashlib.md5(path.read_bytes()).hexdigest() == right else "wrong sum"

    announce = (lambda line: None) if said is None else said.append
    return download(urls, target, wrong=wrong, announce=announce, rounds=rounds, pause=0.01)


def nowhere() -> str:
    """An address of this machine where nobody listens."""
    idle = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    idle.server_close()
    return f"http://127.0.0.1:{idle.server_port}/file.gz"


def test_the_first_mirror_serves_and_no_other_is_asked(server: Server, target: Path) -> None:
    said: list[str] = []
    urls = server.urls("first", "second")
    assert fetch(urls, target, said) == urls[0]
    assert target.read_bytes() == server.packed
    assert server.asked == ["first"]
    assert os.listdir(target.parent) == ["file.gz"]
    assert said[-1].startswith("file.gz: 100% of ")


@pytest.mark.parametrize("bad", ["missing", "busy", "wrong", "cut"])
def test_a_mirror_that_fails_is_followed_by_the_next(
    bad: str, server: Server, target: Path
) -> None:
    said: list[str] = []
    urls = server.urls(bad, "good")
    assert fetch(urls, target, said) == urls[1]
    assert target.read_bytes() == server.packed
    assert server.asked == [bad, "good"]
    assert sum("failed" in line for line in said) == 1
    assert os.listdir(target.parent) == ["file.gz"]


def test_a_mirror_where_nobody_listens_is_followed_by_the_next(
    server: Server, target: Path
) -> None:
    (good,) = server.urls("good")
    assert fetch([nowhere(), good], target) == good


def test_passing_failures_are_tried_again_and_missing_files_are_not(
    server: Server, target: Path
) -> None:
    server.failures_left = 2
    fetch(server.urls("missing", "flaky"), target)
    assert server.asked == ["missing", "flaky", "flaky", "flaky"]


def test_the_bytes_are_those_that_are_published(server: Server, target: Path) -> None:
    # A client that unpacks "Content-Encoding: gzip" would end with other bytes than the sum's;
    # such a mirror is passed over, and nothing false is kept.
    urls = server.urls("unpacking", "good")
    assert fetch(urls, target) == urls[1]
    assert target.read_bytes() == server.packed


@pytest.mark.parametrize("bad", ["missing", "busy", "wrong", "cut"])
def test_when_none_serves_nothing_is_left_and_each_reason_is_told(
    bad: str, server: Server, target: Path
) -> None:
    dead = nowhere()
    with pytest.raises(NoMirrorError) as failure:
        fetch([*server.urls(bad), dead], target, rounds=2)
    reasons = {attempt.url: attempt.reason for attempt in failure.value.attempts}
    assert "refused" in reasons[dead]
    expected = {"missing": "HTTP 404", "busy": "HTTP 503", "wrong": "wrong sum"}
    assert expected.get(bad, "") in reasons[server.urls(bad)[0]]
    assert os.listdir(target.parent) == []


def test_a_file_that_is_there_survives_a_failed_download(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(NoMirrorError):
        fetch(server.urls("cut"), target, rounds=1)
    assert target.read_bytes() == b"old"


def test_a_download_that_is_killed_leaves_no_file_of_that_name(
    server: Server, target: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from mlplab.data.download import download; "
        "download([sys.argv[1]], Path(sys.argv[2]), wrong=lambda p: None, announce=print)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, *server.urls("slow"), str(target)])
    limit = time.monotonic() + 20
    while not server.asked and time.monotonic() < limit:
        time.sleep(0.02)
    time.sleep(0.1)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert server.asked == ["slow"]
    assert not target.exists()
    fetch(server.urls("good"), target)
    assert target.read_bytes() == server.packed


@pytest.fixture
def published(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SourceFile:
    """kmnist with one file, served by one good mirror after one that is missing it."""
    file = SourceFile("file", hashlib.md5(server.packed).hexdigest())
    mirrors = (f"{server.address}/missing/", f"{server.address}/good/")
    monkeypatch.setitem(SOURCES, "kmnist", Source((file,), mirrors))
    monkeypatch.setattr("mlplab.data.download.time.sleep", lambda seconds: None)
    monkeypatch.delenv("MLPLAB_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return file


def test_a_missing_file_is_fetched_into_the_cache_once(
    server: Server, published: SourceFile
) -> None:
    for _ in range(2):
        (found,) = known_files.fetch_missing("kmnist", lambda line: None)
        assert found.path == known_files.cache_folder("kmnist") / "file.gz"
        assert known_files.read(found, lambda line: None) == CONTENT
    assert server.asked == ["missing", "good"]


@pytest.mark.parametrize(
    "kept",
    [b"", b"\x1f\x8b", gzip.compress(b"another file", mtime=0)],
    ids=["empty", "cut off", "another file"],
)
def test_a_damaged_file_in_the_cache_is_fetched_anew_with_a_word(
    kept: bytes, server: Server, published: SourceFile
) -> None:
    (found,) = known_files.fetch_missing("kmnist", lambda line: None)
    found.path.write_bytes(kept)
    said: list[str] = []
    assert known_files.read(found, said.append) == CONTENT
    assert found.path.read_bytes() == server.packed
    assert "is damaged" in said[0]


def test_a_sum_of_the_uncompressed_bytes_holds_however_a_mirror_packed_them(
    server: Server, published: SourceFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    file = SourceFile("file", "0" * 32, sha256)
    for mirror, fits in (("wrong", False), ("good", True)):
        source = Source((file,), (f"{server.address}/{mirror}/",))
        monkeypatch.setitem(SOURCES, "kmnist", source)
        if fits:
            (found,) = known_files.fetch_missing("kmnist", lambda line: None)
            assert known_files.read(found, print) == CONTENT
        else:
            with pytest.raises(BadInput, match="unpacked its SHA-256 is"):
                known_files.fetch_missing("kmnist", lambda line: None)
