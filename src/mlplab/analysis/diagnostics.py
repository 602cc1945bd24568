"""What practitioners look for in learning curves: overfitting, too short training, unstable seeds.

Each is said of a network only where its seeds show it. docs/read-a-report.md gives the limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlplab.records.results import Results, Run
from mlplab.statistics.intervals import t_interval

OVERFIT = 0.05
"""The loss at the end above the lowest one, as a share of it."""
STILL_FALLING = 0.02
"""How much the loss falls over the last fifth of training, as a share of it."""
ROW_ERRORS = 3.0
"""Seeds differ more than this many standard errors of the test rows would make them."""
LEAST_RANGE = 0.05
"""And from lowest to highest by so much, of a fraction; of an error by twice this share of it."""
_FEWEST_EVALUATIONS = 5
_LAST = 0.8


@dataclass(frozen=True)
class Diagnosis:
    """One thing that the seeds of a network show."""

    kind: Literal["overfit", "too short", "unstable"]
    network: str
    amount: float
    """Overfit: by what share the loss rose; too short: by what share it fell; unstable: the lowest
    test value."""
    other: float
    """Overfit: the share of training after which the loss was lowest; unstable: the highest value."""
    split: str = "validation"


def diagnoses(results: Results, runs: Mapping[str, Sequence[Run]]) -> Iterator[Diagnosis]:
    """What finished runs of each network show; two seeds at the least."""
    main = results.study.task.main
    values = results.summary().groupby("network")[f"test_{main}"]
    for name, every in runs.items():
        fine = [run for run in every if run.diverged_at is None]
        if len(fine) < 2:
            continue
        if results.study.networks[name].training.early_stopping is None:
            yield from _of_curves(name, fine)
        own = values.get_group(name).dropna().to_numpy()
        yield from _of_seeds(results, name, fine[0], own)


def _of_curves(name: str, runs: Sequence[Run]) -> Iterator[Diagnosis]:
    split = "validation" if ("validation", "loss") in runs[0].curves else "test"
    found = [_shape(run, split) for run in runs]
    shapes = np.array([one for one in found if one is not None])
    if len(shapes) < 2:
        return
    rise, place, fall = shapes.T
    if _shown_above(rise, OVERFIT) and place.mean() < _LAST:
        yield Diagnosis("overfit", name, float(rise.mean()), float(place.mean()), split)
    elif _shown_above(fall, STILL_FALLING):
        yield Diagnosis("too short", name, float(fall.mean()), np.nan, split)


def _shape(run: Run, split: str) -> tuple[float, float, float] | None:
    """The rise since the lowest loss, when that was, and the fall over the last fifth."""
    loss = run.curves.get((split, "loss"), np.empty(0))
    held = np.isfinite(loss) & (loss > 0)
    if held.sum() < _FEWEST_EVALUATIONS:
        return None
    loss, steps = loss[held], run.steps[held]
    lowest = int(loss.argmin())
    before = int(np.searchsorted(steps, _LAST * steps[-1], side="right")) - 1
    if before < 0:
        return None
    return (
        float(loss[-1] / loss[lowest] - 1),
        float(steps[lowest] / steps[-1]),
        float(1 - loss[-1] / loss[before]),
    )


def _shown_above(values: np.ndarray, least: float) -> bool:
    """Whether the mean is at least so much, and the interval over seeds excludes none at all."""
    interval = t_interval(values)
    return bool(interval.mean >= least and interval.low > 0)


def _of_seeds(results: Results, name: str, run: Run, values: np.ndarray) -> Iterator[Diagnosis]:
    if len(values) < 2:
        return
    metric = results.study.task.metrics[results.study.task.main]
    width, mean, std = float(np.ptp(values)), float(values.mean()), float(values.std(ddof=1))
    if metric.is_fraction:
        rows = run.evaluation.rows if run.evaluation is not None else 1
        row_error = float(np.sqrt(max(mean * (1 - mean), 1 / rows) / rows))
        is_wide = width > LEAST_RANGE and std > ROW_ERRORS * row_error
    else:
        is_wide = width > 2 * LEAST_RANGE * abs(mean) and std > LEAST_RANGE * abs(mean)
    if is_wide:
        yield Diagnosis("unstable", name, float(values.min()), float(values.max()), "test")
