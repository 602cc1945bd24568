"""What the finite test set leaves open, beside what the seeds do.

All seeds are evaluated on the same rows. Where a metric is a fraction of rows, its verdict is about
other seeds and other rows together, and `CountedRows` gives the part of the rows. Of other metrics
the records do not tell enough: the verdict is then about seeds on this very test set, and
`RowsError` says by how much another test set would move the number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlplab.analysis.questions.values import MetricValues, RunsByNetwork
from mlplab.declarations.data import Data
from mlplab.declarations.metric import FinalMetric, GapMetric, Metric, measure_of, target_of
from mlplab.declarations.question import LevelQuestion, PairQuestion, Question
from mlplab.declarations.resolving.data_size import data_size
from mlplab.declarations.study import Study
from mlplab.metrics.classification import Evaluation
from mlplab.statistics.rows import difference_limits, fraction_interval

Shifts = Callable[[float], tuple[float, float]]
"""Tail → by how much other rows may lower and raise the effect; neither is negative."""


@dataclass(frozen=True, eq=False)
class CountedRows:
    """The rows of a fraction, as a second sample beside the seeds."""

    rows: str
    """How many there are, in words."""
    shifts: Shifts
    each_known: bool = True
    """Whether it is known which rows were right. If not, a difference is taken to come from as few
    rows as it can."""

    def limits(self, effect: float, tail: float) -> tuple[float, float]:
        """Limits of an effect for other rows and these very seeds."""
        lower, raised = self.shifts(tail)
        return effect - lower, effect + raised


@dataclass(frozen=True)
class RowsError:
    """The standard error that comes from the rows alone, where the verdict does not count it."""

    rows: str
    """How many there are, in words."""
    size: float
    is_bound: bool = True
    """It is at most that size; else about that size."""


@dataclass(frozen=True)
class NotMeasured:
    """The rows leave something open, and the records do not tell how much."""

    why: str
    """The end of a sentence: as …"""


RowsPart = CountedRows | RowsError | NotMeasured


def rows_part(
    question: Question, measured: MetricValues, by_network: RunsByNetwork, study: Study
) -> RowsPart | None:
    """What rows leave open of a question; None where no held-out row was looked at, or none is
    known.

    Of a gap, training rows are given and test rows are not. A mean over training is as good as one
    evaluation: of each row it takes a fraction of evaluations in place of one of them.
    """
    metric = question.metric
    split = _held_out(metric)
    if split is None:
        return None
    if target_of(metric) is not None:
        return NotMeasured("a time to a target is no mean over rows")
    measure = measure_of(metric)
    if measure is None or measure.unit == "nats" or measure.name == "loss":
        return NotMeasured("losses of single rows are not recorded")
    if measure.name != "accuracy":
        return NotMeasured(f"{measure.title} is no fraction of rows that are right")
    fractions, rows = measured.values, rows_of(split, measured, by_network, study)
    if isinstance(metric, GapMetric):
        fractions = _test_accuracy(measured, by_network)
    if not rows:
        return None
    told = f"{rows:,} {split} rows"
    if isinstance(question, LevelQuestion):
        if isinstance(metric, GapMetric):
            return _error(fractions, rows, told)
        return counted_fraction(fractions[:, 0], rows, told)
    if isinstance(question, PairQuestion):
        right = None
        if isinstance(metric, FinalMetric) and split == "test":
            right = rows_right(measured, by_network, study)
        return counted_difference(
            fractions, rows, told, right, turned=isinstance(metric, GapMetric)
        )
    return _error(fractions, rows, told)


def counted_fraction(values: np.ndarray, rows: int, told: str) -> CountedRows | None:
    """The rows of one fraction; values: (seed,). None without a finite value."""
    values = values[np.isfinite(values)]
    if not len(values) or not ((values >= 0) & (values <= 1)).all():
        return None
    mean = float(values.mean())

    def shifts(tail: float) -> tuple[float, float]:
        low, high = fraction_interval(mean * rows, rows, 1 - 2 * tail).tolist()
        return mean - low, high - mean

    return CountedRows(told, shifts)


def counted_difference(
    values: np.ndarray,
    rows: int,
    told: str,
    right: np.ndarray | None = None,
    *,
    turned: bool = False,
) -> CountedRows | None:
    """The rows of the difference of two fractions of the same rows.

    values: (seed, network) of which the first and last count. right: (row, network) fraction of
    seeds that had each row right; None if it is not known. turned: whether the effect falls as the
    difference rises.
    """
    ends = values[:, [0, -1]]
    ends = ends[np.isfinite(ends).all(axis=1)]
    if not len(ends):
        return None
    difference = float((ends[:, 0] - ends[:, 1]).mean())
    square = abs(difference)
    if right is not None:
        square = float(np.square(right[:, 0] - right[:, -1]).mean())

    def shifts(tail: float) -> tuple[float, float]:
        low, high = difference_limits(difference, square, rows, tail).tolist()
        down, up = max(difference - low, 0.0), max(high - difference, 0.0)
        return (up, down) if turned else (down, up)

    return CountedRows(told, shifts, right is not None)


def fraction_error(values: np.ndarray, rows: int) -> float | None:
    """The most that the standard error over rows can be of the difference of two fractions of them,
    or of one; None without rows or finite values.

    For every row let d be the difference of the networks' fractions of seeds that had it counted.
    The mean of d is the difference D, and d² is at most |d|, which is on average at most the sum of
    both fractions p, and of both 1 - p; so the variance of the mean over N rows is at most
    (min(p₁ + p₂, 2 - p₁ - p₂) - D²)/N, which is McNemar's with every error on another row (McNemar,
    1947). Of one network, the fraction of seeds lies between 0 and 1 and has p for its mean, so
    that its variance is at most p(1 - p). Where that is 0, a row more that counts and one that does
    not take its place, as no fraction is known exactly.

    Args:
        values: (seed, network) fractions of the rows; the first and the last network count.
        rows: how many, the same for both.
    """
    ends = values[:, [0, -1]]
    ends = ends[np.isfinite(ends).all(axis=1)]
    if not rows or not len(ends):
        return None
    first, last = (float(mean) for mean in ends.mean(axis=0))
    variance = first * (1 - first)
    if values.shape[1] > 1:
        variance = min(first + last, 2 - first - last) - (first - last) ** 2
    return math.sqrt((variance if variance > 1e-12 else 2 / (rows + 2)) / rows)


def rows_right(
    measured: MetricValues, by_network: RunsByNetwork, study: Study
) -> np.ndarray | None:
    """(row, network) the fraction of seeds that had a test row right at the weights that are kept.

    None where records do not hold it, or where the networks have different test rows.
    """
    data = {
        study.networks[name].data.model_dump_json(exclude={"scaling", "validation"})
        + str(study.networks[name].roles)
        for name in measured.networks
    }
    if len(data) != 1:
        return None
    found = []
    for name in measured.networks:
        evaluations = [by_network[name][seed].evaluation for seed in measured.seeds]
        held = [e.right_rows() for e in evaluations if isinstance(e, Evaluation)]
        known = [right for right in held if right is not None]
        if len(known) < len(evaluations) or len({len(right) for right in known}) != 1:
            return None
        found.append(np.mean(known, axis=0))
    return np.stack(found, axis=1) if len({len(right) for right in found}) == 1 else None


def _error(fractions: np.ndarray, rows: int, told: str) -> RowsError | None:
    size = fraction_error(fractions, rows)
    return None if size is None else RowsError(told, size)


def _held_out(metric: Metric) -> str | None:
    """The part of the rows that a metric is measured on, where they are a sample of others."""
    if isinstance(metric, GapMetric):
        return "test"
    split = getattr(metric, "split", None)
    return split if split in ("test", "validation") else None


def _test_accuracy(measured: MetricValues, by_network: RunsByNetwork) -> np.ndarray:
    """(seed, network) at the weights that are kept; NaN where a run has none."""

    evaluations = [
        [by_network[n][seed].evaluation for n in measured.networks] for seed in measured.seeds
    ]
    values = [
        [e.accuracy if isinstance(e, Evaluation) else math.nan for e in line]
        for line in evaluations
    ]
    return np.array(values).reshape(measured.values.shape)


def rows_of(
    split: str, measured: MetricValues, by_network: RunsByNetwork, study: Study
) -> int | None:
    """How many rows all networks have in that part; None if it is not known, or they differ."""
    if split == "validation":
        found = {_validation_rows(study.networks[name].data, study) for name in measured.networks}
        return found.pop() if len(found) == 1 else None
    evaluations = [
        by_network[n][seed].evaluation for n in measured.networks for seed in measured.seeds
    ]
    of_tests = {evaluation.rows for evaluation in evaluations if evaluation is not None}
    return of_tests.pop() if len(of_tests) == 1 else None


def _validation_rows(data: Data, study: Study) -> int | None:
    if isinstance(data.validation, int):
        return data.validation or None
    return data_size(data, study.folder)[0].validation_rows
