"""What the finite test set leaves open, beside what the seeds do.

The verdicts speak of the population of seeds on this very test set. On another test set of the
same size the difference would be another: this is by about how much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlplab.analysis.questions.values import MetricValues, RunsByNetwork
from mlplab.declarations.metric import AtStepMetric, BestMetric, FinalMetric, Metric, measure_of


@dataclass(frozen=True)
class RowsError:
    """The standard error of a difference of accuracies that comes from the rows alone."""

    rows: int
    at_most: float


def rows_error(
    metric: Metric, measured: MetricValues, by_network: RunsByNetwork
) -> RowsError | None:
    """The most that it can be for the first and last network, or for the mean of the only one; None
    where the metric is no share.

    For every row let d be the difference of the networks' shares of seeds that got it right. Its
    mean is the difference D of accuracies, and its square is at most |d|, which is on average at
    most the sum of both error rates; so the variance of the mean over N rows is at most
    (e₁ + e₂ - D²)/N, which is McNemar's with every error on another row (McNemar, 1947). Of one
    network, the share of seeds that got a row right lies between 0 and 1 and has the accuracy a
    for its mean, so that its variance is at most a(1 - a).
    """
    if measure_of(metric) != "accuracy" or not isinstance(
        metric, FinalMetric | BestMetric | AtStepMetric
    ):
        return None
    if metric.split != "test":
        return None
    rows = _rows(measured, by_network)
    ends = measured.values[:, [0, -1]]
    ends = ends[np.isfinite(ends).all(axis=1)]
    if rows is None or not len(ends):
        return None
    first, last = ends.mean(axis=0)
    if len(measured.networks) == 1:
        return RowsError(rows, math.sqrt(first * (1 - first) / rows))
    variance = ((1 - first) + (1 - last) - (first - last) ** 2) / rows
    return RowsError(rows, math.sqrt(max(0.0, variance)))


def _rows(measured: MetricValues, by_network: RunsByNetwork) -> int | None:
    for name in measured.networks:
        for seed in measured.seeds:
            evaluation = by_network[name][seed].evaluation
            if evaluation is not None:
                return sum(evaluation.support)
    return None
