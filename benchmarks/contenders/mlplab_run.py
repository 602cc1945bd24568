"""mlplab itself, as its users run it: a whole run with its records, in a folder of its own.

Its seconds go from the plan to the end of the run, so they include gathering results and writing
weights and records; the report is written afterwards and told apart.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contenders import Train
from benchmarks.job import Clock, Ended, Job, Outcome, Rows
from mlplab.runner.events import Event, RunEnded, RunPlanned
from mlplab.study import Study


@contextmanager
def session(rows: Rows, precision: str) -> Iterator[Train]:
    """Nothing needs to be made ready; the rows were read by mlplab, which keeps them."""

    def train(job: Job) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            return _run(job, precision, Path(folder))

    yield train


def _run(job: Job, precision: str, folder: Path) -> Outcome:
    times: dict[type, float] = {}

    def watch(event: Event) -> None:
        times[type(event)] = time.perf_counter()

    began = time.perf_counter()
    results = Study(job.study).run(folder, device="cpu", precision=precision, on_event=watch)
    if results.missing:
        raise RuntimeError(f"mlplab could not train {results.missing[0]}: {results.failures}")
    clock = Clock()
    results.report()
    reporting = clock.read()
    shown = [
        Ended(
            name=run.network,
            seed=run.seed,
            evaluations=len(run.steps),
            accuracy=float(run.curves["test", "accuracy"][-1]),
            loss=float(run.curves["test", "loss"][-1]),
            train_accuracy=float(run.curves["train", "accuracy"][-1]),
        )
        for run in results.runs
    ]
    return Outcome(
        seconds=times[RunEnded] - times[RunPlanned],
        ended=shown,
        apart={"planning": times[RunPlanned] - began, "report": reporting},
    )
