"""The progress display: on a terminal, interrupted, and its sums."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line import COMMAND, TINY, environment
from mlplab.commands.run import _what_is_kept
from mlplab.runner import events
from mlplab.runner.tally import Tally, in_short
from mlplab.study import Study

SLOW = {
    **TINY,
    "name": "slow",
    "training": {"steps": 800, "batch_size": 64, "evaluate_every": 50},
    "seeds": 2,
    "networks": {
        f"width-{width}": {
            "hidden": [width, width],
            "optimizer": {"name": "adam", "learning_rate": 0.001},
        }
        for width in (8, 64, 96, 128)
    },
}
"""Stacks that take long enough to be interrupted between two of them."""


def started(command: list[str], folder: Path) -> subprocess.Popen[str]:
    """A process whose words can be read while it works."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_in_a_step_that_takes_long_is_no_abort(tmp_path):
    """A thread that cannot be waited for is left behind, in good order."""
    training = {"steps": 10**6, "batch_size": 1000, "evaluate_every": 10**5}
    adam = {"name": "adam", "learning_rate": 0.001}
    wide = {f"width-{width}": {"hidden": [width, width], "optimizer": adam} for width in (700, 701)}
    study = {**SLOW, "training": training, "networks": wide}
    (tmp_path / "slow.json").write_text(json.dumps(study))
    at_once = (
        "import mlplab.runner.training as training, sys\n"
        "training._PATIENCE_SECONDS = 0.0\n"
        "from mlplab.commands.main import main\n"
        "sys.argv = ['mlplab', 'run', 'slow.json', '--json']\n"
        "main()\n"
    )
    process = started([sys.executable, "-c", at_once], tmp_path)
    for line in process.stdout:
        if json.loads(line)["event"] == "stack_started":
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            break
    rest, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert told.count("\n") == 1, told
    assert "0 of 4 networks" in told
    assert json.loads(rest.splitlines()[-1])["event"] == "run_ended"


def test_ctrl_c_keeps_what_is_finished_and_another_run_ends_it(tmp_path):
    (tmp_path / "slow.json").write_text(json.dumps(SLOW))
    process = started([*COMMAND, "run", "slow.json", "--json"], tmp_path)
    for line in process.stdout:
        if json.loads(line)["event"] == "stack_finished":
            process.send_signal(signal.SIGINT)
            break
    rest, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert "finished and kept in runs/slow" in told.replace(os.sep, "/")
    ended = json.loads(rest.splitlines()[-1])
    assert ended["event"] == "run_ended"
    assert ended["interrupted"]
    assert 0 < ended["finished"] < 8
    seen: list[events.Event] = []
    results = Study.load(tmp_path / "slow.json").run(tmp_path / "runs", on_event=seen.append)
    plan = next(event for event in seen if isinstance(event, events.RunPlanned))
    assert plan.already == ended["finished"]
    assert (len(results.runs), len(results.missing)) == (8, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_there_is_a_bar_that_goes_away(tmp_path):
    import pty

    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "run", "tiny.json", "wide", "--seeds", "1"],
        cwd=tmp_path,
        env=environment(TERM="xterm", COLUMNS="120"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=its_end,
        text=True,
    )
    os.close(its_end)
    seen = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    out = process.stdout.read()
    assert process.wait(timeout=60) == 0, seen
    os.close(terminal)
    assert b"\x1b[" in seen
    assert "━".encode() in seen
    assert b"of 1" in seen
    assert "\x1b" not in out
    assert "wide" in out


def test_tests_on_unknown_classes_are_a_part_of_their_own():
    now = [100.0]
    tally = Tally(clock=lambda: now[0])
    tally.see(events.RunPlanned(total=4, already=4, stacks=0, resumed=0, flops=0))
    now[0] = 160.0
    tally.see(events.UnknownsTested("small", 0, done=0, of=8))
    assert (tally.fraction, tally.seconds_left) == (0.0, None)
    now[0] = 180.0
    tally.see(events.UnknownsTested("small", 0, done=2, of=8))
    assert tally.fraction == 0.25
    assert tally.seconds_left == pytest.approx(60.0)
    assert tally.counts_in_words() == "2 of 8 tests"
    assert "all networks and 2 of 8 tests are finished" in _what_is_kept(tally, Path("runs/x"))


def test_the_share_counts_arithmetic_not_networks():
    now = [100.0]
    tally = Tally(clock=lambda: now[0])
    tally.see(events.RunPlanned(total=3, already=0, stacks=2, resumed=0, flops=400))
    tally.see(events.StackStarted("a", (("large", 0),), steps=10, flops=300))
    tally.see(events.StackStarted("b", (("small", 0), ("small", 1)), steps=20, flops=100))
    assert tally.fraction == 0
    assert tally.seconds_left is None
    tally.see(events.StackProgressed("a", step=5, steps=10, best=float("nan")))
    tally.see(events.StackProgressed("b", step=10, steps=20, best=0.5))
    # Half of 300 and half of 100, of 400.
    assert tally.fraction == pytest.approx(0.5)
    now[0] = 130.0
    assert tally.seconds_left == pytest.approx(30.0)
    assert tally.best == 0.5
    tally.see(events.StackFinished("a", (("large", 0),), seconds=1.0, diverged=()))
    assert tally.fraction == pytest.approx(0.875)
    assert tally.finished == 1


def test_a_stack_that_is_tried_again_counts_once():
    tally = Tally()
    tally.see(events.RunPlanned(total=2, already=0, stacks=1, resumed=0, flops=200))
    members = (("one", 0), ("two", 0))
    tally.see(events.StackStarted("whole", members, steps=10, flops=200))
    tally.see(events.StackProgressed("whole", step=5, steps=10, best=0.1))
    tally.see(events.StackFailed("whole", members, "no room", tried_again=True))
    assert tally.fraction == 0
    for number, name in enumerate(("one", "two")):
        tally.see(events.StackStarted(name, ((name, 0),), steps=10, flops=100))
        tally.see(events.StackFailed(name, ((name, 0),), "no room", tried_again=False))
        assert tally.fraction == pytest.approx(0.5 * (number + 1))


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([("a", 0)], "a (seed 0)"),
        ([("a", 1), ("a", 0)], "a (seeds 0, 1)"),
        ([("a", 0), ("b", 0)], "a, b (seed 0)"),
        ([("a", 0), ("b", 1)], "a, b (2 runs)"),
        ([("a", s) for s in range(9)], "a (9 seeds)"),
        ([(name, 0) for name in "abcdef"], "a, b, c, d and 2 more (seed 0)"),
    ],
)
def test_networks_are_named_in_short(members, told):
    assert in_short(members) == told
