"""What the finite test set leaves open, beside what the seeds do.

The verdicts speak of the population of seeds on this very test set. On another test set of the
same size the difference would be another: this is by about how much, as far as the records tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlplab.analysis.questions.values import MetricValues, RunsByNetwork
from mlplab.declarations.metric import (
    AreaMetric,
    AtStepMetric,
    BestMetric,
    FinalMetric,
    GapMetric,
    Metric,
    measure_of,
    target_of,
)


@dataclass(frozen=True)
class RowsError:
    """The standard error that comes from the rows alone."""

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


def rows_error(
    metric: Metric, measured: MetricValues, by_network: RunsByNetwork
) -> RowsError | NotMeasured | None:
    """The most that it can be for the first and last network, or for the mean of the only one; None
    where no test row was looked at, or no run has an evaluation.

    Of a gap, training rows are given and test rows are not. A mean over training is as good as one
    evaluation: of each row it takes a share of evaluations in place of one of them.
    """
    if not _is_of_test_rows(metric):
        return None
    if target_of(metric) is not None:
        return NotMeasured("a time to a target is no mean over rows")
    if measure_of(metric) != "accuracy":
        return NotMeasured("losses of single rows are not recorded")
    rows, shares = _rows(measured, by_network), measured.values
    if isinstance(metric, GapMetric):
        shares = _test_accuracy(measured, by_network)
    size = share_error(shares, rows or 0)
    return None if size is None else RowsError(f"{rows:,} rows", size)


def share_error(values: np.ndarray, rows: int) -> float | None:
    """The most that the standard error over rows can be of the difference of two shares of them,
    or of one; None without rows or finite values.

    For every row let d be the difference of the networks' shares of seeds that had it counted. The
    mean of d is the difference D, and d² is at most |d|, which is on average at most the sum of
    both shares p, and of both shares 1 - p; so the variance of the mean over N rows is at most
    (min(p₁ + p₂, 2 - p₁ - p₂) - D²)/N, which is McNemar's with every error on another row (McNemar,
    1947). Of one network, the share of seeds lies between 0 and 1 and has p for its mean, so that
    its variance is at most p(1 - p).

    Args:
        values: (seed, network) shares of the rows; the first and the last network count.
        rows: how many, the same for both.
    """
    ends = values[:, [0, -1]]
    ends = ends[np.isfinite(ends).all(axis=1)]
    if not rows or not len(ends):
        return None
    first, last = (float(mean) for mean in ends.mean(axis=0))
    if values.shape[1] == 1:
        return math.sqrt(first * (1 - first) / rows)
    variance = min(first + last, 2 - first - last) - (first - last) ** 2
    return math.sqrt(max(0.0, variance) / rows)


def grouped_error(left_out: np.ndarray) -> float:
    """The delete-a-group jackknife's standard error of a mean over seeds: √((G-1)/G Σ (m_g - m̄)²).

    left_out: (seed, group) a difference or value with one group of rows left out.
    """
    means = left_out.mean(axis=0)
    groups = len(means)
    return math.sqrt((groups - 1) / groups * float(np.square(means - means.mean()).sum()))


def _is_of_test_rows(metric: Metric) -> bool:
    if isinstance(metric, FinalMetric | BestMetric | AtStepMetric | AreaMetric):
        return metric.split == "test"
    if target_of(metric) is not None:
        return getattr(metric, "split", "") == "test"
    return isinstance(metric, GapMetric)


def _test_accuracy(measured: MetricValues, by_network: RunsByNetwork) -> np.ndarray:
    """(seed, network) of the last evaluations; NaN where a run has none."""

    values = np.full(measured.values.shape, np.nan)
    for column, name in enumerate(measured.networks):
        for row, seed in enumerate(measured.seeds):
            evaluation = by_network[name][seed].evaluation
            if evaluation is not None:
                values[row, column] = evaluation.accuracy
    return values


def _rows(measured: MetricValues, by_network: RunsByNetwork) -> int | None:
    for name in measured.networks:
        for seed in measured.seeds:
            evaluation = by_network[name][seed].evaluation
            if evaluation is not None:
                return sum(evaluation.support)
    return None
