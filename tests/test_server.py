"""The live page's server: what it shows, and that nobody gets more out of it than they may."""

import json
import os
import socket
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mlplab.records.lock import only_run
from mlplab.records.results import Results
from mlplab.runner.events import RunPlanned, StackProgressed, StackStarted
from mlplab.runner.live import (
    LIVE_FILE,
    STOP_FILE,
    Cursor,
    ask_to_stop,
    lines_after,
    stop_is_asked,
    watched,
)
from mlplab.runner.run import run
from mlplab.server.app import application
from mlplab.server.guard import Access
from small_studies import network, study

TOKEN = "a-token-that-is-long-enough"
OWN = "http://127.0.0.1:8765"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A folder with a finished study, a damaged one, an empty one, and ways out."""
    root = tmp_path_factory.mktemp("serve")
    outside = root / "outside"
    runs = root / "runs"
    declared = study(
        {
            "narrow": network(hidden=[4], seeds=[0, 1]),
            "wild": network(optimizer={"name": "sgd", "learning_rate": 1e30}),
        }
    )
    run(declared, runs / "small")
    run(study(own=network()), outside)
    (outside / "secret.txt").write_text("secret")
    (runs / "damaged").mkdir()
    (runs / "damaged" / "records.sqlite").write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    (runs / "begun").mkdir()
    (runs / "begun" / ".lock").touch()
    (runs / "linked").symlink_to(outside)
    (runs / "linked-records").mkdir()
    (runs / "linked-records" / "records.sqlite").symlink_to(outside / "records.sqlite")
    (runs / "small" / "report.html").write_text("<script>1</script>")
    return runs


def client(runs: Path, base: str = OWN, **access) -> TestClient:
    return TestClient(
        application(runs, Access(TOKEN, 8765, **access)), base, raise_server_exceptions=False,
        follow_redirects=False,
    )  # fmt: skip


def streamed(runs: Path, query: str = "", events: int = 2) -> list[dict]:
    """The data of the first events of a stream after its greeting, from a server that is real."""
    with serving(runs) as port, closing(socket.create_connection(("127.0.0.1", port))) as stream:
        stream.sendall(
            f"GET /api/events{query} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
        )
        stream.settimeout(5)
        text = b""
        while text.count(b"\ndata: ") < events + 1 or not text.endswith(b"\n\n\r\n"):
            text += received(stream)
        lines = text.decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")][1:]


def received(stream: socket.socket) -> bytes:
    data = stream.recv(2**16)
    assert data, "the server ended the stream"
    return data


@contextmanager
def serving(runs: Path):
    import uvicorn

    from mlplab.server import serving as own

    opened = own.listen("127.0.0.1", 0)
    servers = []
    real = uvicorn.Server
    started = threading.Event()

    class Noted(real):
        def __init__(self, config):
            super().__init__(config)
            servers.append(self)

    own.uvicorn.Server, niceness = Noted, os.nice
    own.os.nice = lambda more: 0
    try:
        thread = threading.Thread(
            target=own.serve, args=(runs, opened, TOKEN, lambda address: started.set()), daemon=True
        )
        thread.start()
        assert started.wait(10)
        yield opened.getsockname()[1]
    finally:
        own.uvicorn.Server, own.os.nice = real, niceness
        servers[0].should_exit = True
        thread.join(10)
        assert not thread.is_alive()


def test_the_list_has_every_folder_and_nothing_outside(runs):
    states = {state["name"]: state for state in streamed(runs, events=1)[0]["states"]}
    assert set(states) == {"small", "damaged", "begun"}
    assert states["small"]["status"] == "finished"
    assert (states["small"]["finished"], states["small"]["total"]) == (3, 3)
    assert states["small"]["diverged"] == 1
    assert states["damaged"]["status"] == "damaged"
    assert "records" in states["damaged"]["problem"]
    assert states["begun"]["status"] == "nothing recorded"


def test_a_study_is_as_its_records_say(runs):
    found = client(runs).get("/api/study?study=small").json()
    narrow, wild = found["networks"]
    results = Results.open(runs / "small")
    accuracies = [results.run("narrow", seed).curves["test", "accuracy"][-1] for seed in (0, 1)]
    assert narrow["values"]["test_accuracy"][0] == pytest.approx(sum(accuracies) / 2, rel=1e-5)
    assert (narrow["finished"], wild["diverged"]) == (2, 1)
    assert narrow["settings"]["hidden"] == "4"
    assert found["diverged"] == [["wild", 0, results.run("wild", 0).diverged_at]]
    curves = client(runs).get("/api/curves?study=small&name=test_accuracy").json()
    own = {
        (name, seed): (curves["steps"][at], values) for name, seed, at, values in curves["curves"]
    }
    assert own["narrow", 1][0] == [10, 20]
    assert own["narrow", 1][1] == pytest.approx(
        results.run("narrow", 1).curves["test", "accuracy"], rel=1e-5
    )
    assert "answers" in client(runs).get("/api/outcome?study=small").json()


def test_a_damaged_folder_is_told_of_and_not_a_failure(runs):
    for path in ("study", "outcome", "curves"):
        answer = client(runs).get(f"/api/{path}?study=damaged")
        assert answer.status_code == 200
        assert "records" in answer.json()["problem"]


@pytest.mark.parametrize(
    "name",
    [
        "../outside", "..", ".", "", "/", "small/..", "linked", "linked/secret.txt", "linked-records",
        "small/../../outside", "%2e%2e/outside", "..%2foutside", "small%00", "\x00", "small/weights",
        "..\\outside", "C:\\", "a" * 3000, "small/report.html", "/etc", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(runs, name):
    for path in ("/api/study", "/api/curves", "/api/outcome", "/report"):
        answer = client(runs).get(path, params={"study": name or "x"})
        assert answer.status_code == 404, (path, answer.text)
    assert client(runs).post("/api/stop", params={"study": name}, headers=BEARER).status_code == 404
    assert not list(runs.parent.rglob(STOP_FILE))


@pytest.mark.parametrize(
    "path",
    [
        "/../outside/secret.txt", "/%2e%2e/outside/secret.txt", "/..%2f..%2fetc/passwd", "//etc/passwd",
        "/small/records.sqlite", "/page.js/../../app.py", "/page.html", "/web/page.js", "/api", "/docs",
        "/openapi.json", "/%00", "/page.css%00.html", "/report/../api",
    ],
)  # fmt: skip
def test_no_path_leads_to_a_file(runs, path):
    answer = client(runs).get(path)
    assert answer.status_code in (404, 405)
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost", True), ("127.0.0.1:1", True), ("[::1]:8765", True), ("LOCALHOST:80", True),
        ("evil.example", False), ("127.0.0.1.evil.example", False), ("localhost.evil.example:8765", False),
        ("evil.example:8765", False), ("10.0.0.1", False), ("", False), ("[::1", False),
        ("evil@127.0.0.1", True), ("127.0.0.1@evil.example", False), ("localhost, evil.example", False),
    ],
)  # fmt: skip
def test_only_names_that_no_site_can_own(runs, host, is_own):
    status = client(runs).get("/", headers={"host": host}).status_code
    assert status == (200 if is_own else 421)


def test_beyond_loopback_everything_needs_the_token(runs):
    away = client(runs, "http://192.168.1.7:8765", is_local=False)
    for path in ("/", "/page.js", "/api/study?study=small", "/api/events", "/report?study=small"):
        assert away.get(path).status_code == 401
        assert away.get(path, headers={"authorization": "Bearer no"}).status_code == 401
    assert away.get("/", headers={"host": "evil.example", **BEARER}).status_code == 421
    assert away.get("/api/study?study=small", headers=BEARER).status_code == 200


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({}, True),
        ({"origin": OWN}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://127.0.0.1:9999"}, False),
        ({"origin": "http://127.0.0.1"}, False),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, False),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
    ],
)
def test_pages_of_other_sites_are_not_answered(runs, headers, is_let_in):
    found = client(runs).get("/api/study?study=small", headers=headers).status_code
    assert found == (200 if is_let_in else 403)
    stop = client(runs).post("/api/stop?study=small", headers={**headers, **BEARER})
    # With the token it is only that no run is at work.
    is_visit = headers.get("sec-fetch-mode") == "navigate"
    assert stop.status_code == (409 if is_let_in and not is_visit else 403)


def test_the_token_becomes_a_cookie_that_scripts_do_not_see(runs):
    browser = client(runs)
    assert browser.post("/api/stop?study=small").status_code == 401
    assert browser.get("/?token=wrong").status_code == 200
    assert "set-cookie" not in browser.get("/?token=wrong").headers
    answer = browser.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert browser.post("/api/stop?study=small").status_code == 409
    other_port = {"cookie": f"mlplab-1={TOKEN}"}
    assert client(runs).post("/api/stop?study=small", headers=other_port).status_code == 401
    assert (
        client(runs)
        .post("/api/stop?study=small", headers={"cookie": b"mlplab-8765=\xff"})
        .status_code
        == 401
    )


def test_nothing_but_stopping_can_be_done(runs):
    for method in ("put", "delete", "patch", "options"):
        answer = getattr(client(runs), method)("/api/stop?study=small", headers=BEARER)
        assert answer.status_code == 405
    assert client(runs).get("/api/stop?study=small", headers=BEARER).status_code == 405
    assert client(runs).post("/api/study?study=small", headers=BEARER).status_code == 405


def test_large_bodies_and_addresses_are_refused(runs):
    own = client(runs)
    assert own.post("/api/stop?study=small", content=b"x" * 2000, headers=BEARER).status_code == 413
    chunks = (b"x" * 1000 for _ in range(3))
    assert own.post("/api/stop?study=small", content=chunks, headers=BEARER).status_code == 413
    huge = {"content-length": "9" * 400, **BEARER}
    assert own.post("/api/stop?study=small", headers=huge).status_code == 413
    assert own.get("/api/study", params={"study": "a" * 5000}).status_code == 414


def test_a_report_asks_nothing_of_the_server(runs):
    answer = client(runs).get("/report?study=small")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox ")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    page = client(runs).get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


def test_a_run_is_asked_to_stop(runs, tmp_path):
    (tmp_path / "one").mkdir()
    own = client(tmp_path)
    with only_run(tmp_path / "one", lambda pid: None):
        assert own.post("/api/stop?study=one", headers=BEARER).status_code == 202
        assert stop_is_asked(tmp_path / "one")
        assert own.post("/api/stop?study=one", headers=BEARER).status_code == 202


def test_training_heeds_the_request_and_the_next_run_forgets_it(tmp_path):
    declared = study(
        long=network(training={"steps": 200_000, "batch_size": 32, "evaluate_every": 20})
    )

    def stop(event):
        if isinstance(event, StackProgressed):
            ask_to_stop(tmp_path)

    with pytest.raises(KeyboardInterrupt):
        run(declared, tmp_path, on_event=stop)
    assert len(run(study(short=network()), tmp_path).runs) == 1
    assert not stop_is_asked(tmp_path)


def test_every_evaluation_of_every_network_is_told(tmp_path):
    declared = study(
        a=network(seeds=[0, 1]),
        b=network(),
        wild=network(optimizer={"name": "sgd", "learning_rate": 1e30}),
    )
    told = []
    results = run(declared, tmp_path, on_event=told.append)
    progress = [event for event in told if isinstance(event, StackProgressed)]
    for one in results.runs:
        own = {
            event.step: event.values.get("test_accuracy", [None] * 9)[
                event.members.index((one.network, one.seed))
            ]
            for event in progress
            if (one.network, one.seed) in event.members
        }
        assert list(own) == one.steps.tolist()
        if one.diverged_at is None:
            assert list(own.values()) == one.curves["test", "accuracy"].tolist()
    assert {member for event in progress for member in event.diverged} == {("wild", 0)}
    lines, _ = lines_after(tmp_path, Cursor())
    written = [json.loads(line) for line in lines]
    assert [line["event"] for line in written].count("stack_progressed") == len(progress)
    assert written[-1]["event"] == "run_ended"


def test_half_a_line_is_not_read_and_a_cursor_goes_on(tmp_path):
    with watched(tmp_path, lambda event: None) as tell:
        tell(RunPlanned(3, 0, 1, 0, 10))
        lines, cursor = lines_after(tmp_path, Cursor())
        assert len(lines) == 2
        with open(tmp_path / LIVE_FILE, "ab") as file:
            file.write(b'{"event": "half')
        assert lines_after(tmp_path, cursor) == ([], cursor)
        with open(tmp_path / LIVE_FILE, "ab") as file:
            file.write(b'"}\n')
        lines, later = lines_after(tmp_path, Cursor.of(str(cursor)))
        assert lines == [b'{"event": "half"}']
    with watched(tmp_path, lambda event: None):
        # Another run's file is read from its beginning, whatever the cursor.
        lines, now = lines_after(tmp_path, later)
        assert len(lines) == 1
        assert now.file != later.file


def test_a_live_file_that_grows_too_long_begins_again_with_what_is_in_training(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("mlplab.runner.live._MOST_BYTES", 2000)
    with watched(tmp_path, lambda event: None) as tell:
        tell(RunPlanned(3, 0, 1, 0, 10))
        tell(StackStarted("s", (("a", 0),), 10, 10))
        for step in range(200):
            tell(StackProgressed("s", step, 200, 0.5, (("a", 0),), {"test_accuracy": [0.5]}))
            assert (tmp_path / LIVE_FILE).stat().st_size < 3000
    kinds = [json.loads(line)["event"] for line in lines_after(tmp_path, Cursor())[0]]
    assert kinds[:3] == ["live_started", "run_planned", "stack_started"]


@pytest.mark.parametrize("made", ["link", "pipe", "garbage", "folder"])
def test_a_live_file_that_is_none_is_passed_over(tmp_path, made):
    own = tmp_path / "runs" / "odd"
    own.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret\n")
    path = own / LIVE_FILE
    match made:
        case "link":
            path.symlink_to(tmp_path / "secret")
        case "pipe":
            os.mkfifo(path)
        case "garbage":
            path.write_bytes(b"\xff\x00[1]\n{}\n" + b'{"event": 3}\n[[[[\n' * 100)
        case "folder":
            path.mkdir()
    states = streamed(tmp_path / "runs", events=1)[0]["states"]
    assert all(state["status"] == "nothing recorded" for state in states)
    assert lines_after(own, Cursor())[0][:1] in ([], [b"\xff\x00[1]"])


def test_a_stream_gives_what_is_new_to_many_readers(runs):
    assert "lines" not in json.dumps(streamed(runs, "?study=..%2Foutside", events=1))
    first = streamed(runs, "?study=small")[1]
    assert first["lines"][0]["event"] == "live_started"
    with serving(runs) as port:
        streams = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
        ask = f"GET /api/events?study=small HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"
        for stream in streams:
            stream.settimeout(20)
            stream.sendall(ask.encode())
        for stream in streams:
            text = b""
            while b"run_ended" not in text:
                text += received(stream)
        began = time.monotonic()
        with open(runs / "small" / LIVE_FILE, "ab") as file:
            file.write(b'{"event": "phase_started", "name": "new", "at": 1}\n')
        for stream in streams:
            text = b""
            while b"phase_started" not in text:
                text += received(stream)
        assert time.monotonic() - began < 5
        for stream in streams:
            stream.close()


def test_clients_that_stand_still_are_let_go(runs, monkeypatch):
    monkeypatch.setattr("mlplab.server.serving._PATIENCE_SECONDS", 0.3)
    with serving(runs) as port:
        slow = socket.create_connection(("127.0.0.1", port))
        slow.settimeout(5)
        slow.sendall(b"GET / HTTP/1.1\r\nHost: local")
        with suppress(ConnectionResetError):
            assert slow.recv(100) == b""
        long = socket.create_connection(("127.0.0.1", port))
        long.settimeout(5)
        long.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000)
        with suppress(ConnectionResetError):
            assert long.recv(100).startswith(b"HTTP/1.1 400")
