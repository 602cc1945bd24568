"""What becomes of runs that diverged, or never arrive, in a question: in words, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlplab.analysis.questions.units import phrase_of
from mlplab.analysis.questions.values import MetricValues
from mlplab.declarations.metric import DivergedMetric, Metric, OpenSetMetric, target_of


def divergence_caveats(metric: Metric, measured: MetricValues) -> Iterator[str]:
    """A sentence for every network and what became of its runs, and one for the seeds that drop out."""
    for column, name in enumerate(measured.networks):
        values, diverged = measured.values[:, column], measured.diverged[:, column]
        if isinstance(metric, DivergedMetric):
            if diverged.any():
                yield f"{_runs(diverged, name)} diverged."
        elif target_of(metric) is not None:
            yield from _of_times(name, values, diverged)
        else:
            yield from _of_values(metric, name, values, diverged)
    left_out = np.isnan(measured.values).any(axis=1)
    # What is missing of tests on unknown classes is told beside what was tested.
    if left_out.any() and not isinstance(metric, OpenSetMetric):
        rest = "the verdict is about the others alone"
        if left_out.all():
            rest = "there is nothing to judge"
        elif (measured.diverged & np.isnan(measured.values)).any():
            rest += ", and says nothing of runs that diverge"
        yield (
            f"{left_out.sum():,} of {len(left_out):,} seeds {_be(left_out)} left out, as a value is "
            f"missing there: {rest}."
        )


def _of_times(name: str, values: np.ndarray, diverged: np.ndarray) -> Iterator[str]:
    never = np.isinf(values)
    if never.any():
        some = int((never & diverged).sum())
        why = f", {some:,} of them because they diverged," if some and some < never.sum() else ""
        if some == never.sum():
            why = f", as {'it' if some == 1 else 'they'} diverged,"
        one = never.sum() == 1
        yield (
            f"{_runs(never, name)} never {'gets' if one else 'get'} there in the steps that "
            f"{'it has' if one else 'they have'}{why} and {'ranks' if one else 'rank'} last."
        )
    later = diverged & np.isfinite(values)
    if later.any():
        one = later.sum() == 1
        yield (
            f"{_runs(later, name)} diverged after {'it' if one else 'they'} got there, and "
            f"{'counts with its time' if one else 'count with their times'}."
        )


def _of_values(
    metric: Metric, name: str, values: np.ndarray, diverged: np.ndarray
) -> Iterator[str]:
    worst = diverged & np.isinf(values)
    if worst.any():
        yield f"{_runs(worst, name)} diverged, and {_verb(worst, 'count')} as the worst."
    missing = diverged & np.isnan(values)
    if missing.any():
        has = "has" if missing.sum() == 1 else "have"
        yield f"{_runs(missing, name)} diverged, and {has} no {phrase_of(metric)}."
    later = diverged & np.isfinite(values)
    if later.any():
        yield (
            f"{_runs(later, name)} diverged later, and {_verb(later, 'count')} with what was "
            "measured before."
        )


def _runs(which: np.ndarray, name: str) -> str:
    return f"{which.sum():,} of {len(which):,} runs of {name}"


def _verb(which: np.ndarray, verb: str) -> str:
    return f"{verb}s" if which.sum() == 1 else verb


def _be(which: np.ndarray) -> str:
    return "is" if which.sum() == 1 else "are"
