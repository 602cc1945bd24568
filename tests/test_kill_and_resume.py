"""Killed at any moment, or run twice at once: nothing is lost, and the bits are the same."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from mlplab.records.database import DATABASE_FILE
from mlplab.records.results import Results
from mlplab.runner.events import Waiting
from mlplab.runner.run import run
from small_studies import ADAM, SGD, network, run_in_silence, study

KILLS = 10
PATIENCE_SECONDS = 60

TRAINING = {"steps": 2000, "batch_size": 32, "evaluate_every": 500}
STUDY = study(
    {
        f"n{width}": network(hidden=[width], optimizer=optimizer, training=TRAINING, seeds=[0, 1])
        for width, optimizer in zip(range(8, 24, 2), [ADAM, SGD] * 4, strict=True)
    }
)
"""Eight shapes, so eight stacks of two networks."""


@pytest.fixture(scope="module")
def processes():
    """Processes that begin with everything imported, so that most of their life is the run."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlplab.runner.run", "sklearn.datasets", "pytest"])
    return context


@pytest.fixture(scope="module")
def whole(tmp_path_factory, processes):
    """The study run without interruption: its bits, and how long the process took."""
    folder = tmp_path_factory.mktemp("whole")
    started(processes, folder).join(PATIENCE_SECONDS)  # the first also starts the server
    again = tmp_path_factory.mktemp("again")
    began = time.monotonic()
    started(processes, again).join(PATIENCE_SECONDS)
    return bits(folder), time.monotonic() - began


def started(processes, folder: Path):
    process = processes.Process(target=run_in_silence, args=(STUDY, folder))
    process.start()
    return process


def bits(folder: Path):
    """Everything that must not depend on when or how often a study was run: all but seconds."""
    results = Results.open(folder)
    assert results.missing == ()
    return {
        (r.network, r.seed): (
            r.key,
            r.steps.tobytes(),
            {name: c.tobytes() for name, c in r.curves.items() if name != ("batch", "seconds")},
            (r.diverged_at, r.stopped_at, r.evaluation),
            tuple(a.tobytes() for layer in results.weights(r.network, r.seed) for a in layer),
        )
        for r in results.runs
    }


def finished_in(folder: Path) -> dict[str, str]:
    """Every finished run with the time at which it was finished."""
    if not (folder / DATABASE_FILE).exists():
        return {}
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection:
        # A program that was killed while it made the tables has left none.
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'run'").fetchone():
            return {}
        return dict(connection.execute("SELECT key, finished_at || ' ' || seconds FROM run"))


def test_killed_ten_times_at_random_moments(tmp_path, processes, whole):
    expected, duration = whole
    chance = random.Random(2023)
    folders = [tmp_path / "0"]
    kills = 0
    in_the_middle = 0
    while kills < KILLS:
        folder = folders[-1]
        before = finished_in(folder)
        process = started(processes, folder)
        process.join(chance.uniform(0, duration))
        if process.is_alive():
            process.kill()
            process.join()
            kills += 1
            in_the_middle += 0 < len(finished_in(folder)) < len(expected)
        else:
            assert process.exitcode == 0
            assert bits(folder) == expected
            folders.append(tmp_path / str(len(folders)))
        after = finished_in(folder)
        assert before.items() <= after.items(), "something finished was lost or trained again"
    assert in_the_middle, "no kill struck between the first stack and the last"
    run(STUDY, folders[-1])
    assert bits(folders[-1]) == expected
    leftovers = [path.name for folder in folders for path in (folder / "weights").glob(".*")]
    assert leftovers == []


def test_two_runs_at_once_do_each_stack_once(tmp_path, processes, whole):
    both = [started(processes, tmp_path) for _ in range(2)]
    for process in both:
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == 0
    assert bits(tmp_path) == whole[0]
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        states = connection.execute("SELECT DISTINCT state FROM stack").fetchall()
        assert states == [("finished",)]


def test_the_second_run_says_whom_it_waits_for(tmp_path, processes):
    other = started(processes, tmp_path)
    while not (tmp_path / DATABASE_FILE).exists():
        time.sleep(0.01)
        assert other.is_alive()
    told = []
    results = run(STUDY, tmp_path, on_event=told.append)
    other.join(PATIENCE_SECONDS)
    assert told[0] == Waiting(other.pid)
    assert results.missing == ()


def test_a_run_that_was_killed_leaves_no_lock(tmp_path, processes):
    other = started(processes, tmp_path)
    while not (tmp_path / DATABASE_FILE).exists():
        time.sleep(0.01)
        assert other.is_alive()
    other.kill()
    other.join()
    told = []
    small = study(a=network())
    run(small, tmp_path, on_event=told.append)
    assert not any(isinstance(event, Waiting) for event in told)
