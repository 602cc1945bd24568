"""What becomes of runs that diverged, or never arrive, in a question: in words, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mlplab.analysis.questions.units import phrase_of
from mlplab.analysis.questions.values import MetricValues
from mlplab.declarations.metric import DivergedMetric, Metric, OpenSetMetric, target_of
from mlplab.words import by_count

_OF = "{n} of {of} runs of {name} "
_DIVERGED = ("diverged.", "diverged.")
_WORST = ("diverged, and counts as the worst.", "diverged, and count as the worst.")
_NO_VALUE = ("diverged, and has no {phrase}.", "diverged, and have no {phrase}.")
_VALUE = (
    "diverged later, and counts with what was measured before.",
    "diverged later, and count with what was measured before.",
)
_NEVER = (
    "never gets there in the steps that it has{why} and ranks last.",
    "never get there in the steps that they have{why} and rank last.",
)
_ALL_OF_THEM = (", as it diverged,", ", as they diverged,")
_SOME_OF_THEM = ", {some} of them because they diverged,"
_TIME = (
    "diverged after it got there, and counts with its time.",
    "diverged after they got there, and count with their times.",
)
_LEFT_OUT = (
    "{n} of {of} seeds is left out, as a value is missing there: {rest}.",
    "{n} of {of} seeds are left out, as a value is missing there: {rest}.",
)
_OTHERS = "the verdict is about the others alone"
_OTHERS_THAT_DIVERGED = f"{_OTHERS}, and says nothing of runs that diverge"


def divergence_caveats(metric: Metric, measured: MetricValues) -> Iterator[str]:
    """A sentence for every network and what became of its runs, and one for the seeds that drop out."""
    for column, name in enumerate(measured.networks):
        values, diverged = measured.values[:, column], measured.diverged[:, column]
        for which, (one, many), more in _kinds(metric, values, diverged):
            if which.any():
                told = {"of": f"{len(which):,}", "name": name, **more}
                yield by_count(int(which.sum()), _OF + one, _OF + many, **told)
    left_out = np.isnan(measured.values).any(axis=1)
    # What is missing of tests on unknown classes is told beside what was tested.
    if left_out.any() and not isinstance(metric, OpenSetMetric):
        also_diverged = (measured.diverged & np.isnan(measured.values)).any()
        rest = _OTHERS_THAT_DIVERGED if also_diverged else _OTHERS
        if left_out.all():
            rest = "there is nothing to judge"
        yield by_count(int(left_out.sum()), *_LEFT_OUT, of=f"{len(left_out):,}", rest=rest)


def _kinds(
    metric: Metric, values: np.ndarray, diverged: np.ndarray
) -> Iterator[tuple[np.ndarray, tuple[str, str], dict[str, str]]]:
    """(seed,) which runs, what became of one or of several of them, and what that text names."""
    infinite = np.isinf(values)
    if isinstance(metric, DivergedMetric):
        yield diverged, _DIVERGED, {}
    elif target_of(metric) is not None:
        count, some = int(infinite.sum()), int((infinite & diverged).sum())
        why = _SOME_OF_THEM.format(some=f"{some:,}") if some else ""
        if some == count:
            why = _ALL_OF_THEM[count > 1]
        yield infinite, _NEVER, {"why": why}
        yield diverged & np.isfinite(values), _TIME, {}
    else:
        yield diverged & infinite, _WORST, {}
        yield diverged & np.isnan(values), _NO_VALUE, {"phrase": phrase_of(metric)}
        yield diverged & np.isfinite(values), _VALUE, {}
