"""What the finite test rows leave open of a measure on unknown classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mlplab.analysis.open_set.findings import RunFinding
from mlplab.analysis.questions.finite_rows import (
    NotMeasured,
    RowsError,
    RowsPart,
    counted_difference,
    counted_fraction,
    fraction_error,
)
from mlplab.analysis.questions.open_set_values import TestsByForm
from mlplab.analysis.questions.values import MetricValues
from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.question import LevelQuestion, PairQuestion, Question
from mlplab.declarations.resolving.arms import Arm
from mlplab.statistics.rows_and_seeds import jackknife_variance


def unknowns_part(
    question: Question, measured: MetricValues, arms: Sequence[Arm], tests: TestsByForm
) -> RowsPart | None:
    """For the first and last side, or for the mean of the only one; None without any test.

    A fraction of one class is counted as an accuracy is. Other measures are known with a group of
    rows left out at a time, the same groups for all sides that were tested on the same rows.
    """
    metric = question.metric
    assert isinstance(metric, OpenSetMetric)
    ends = [arms[0], arms[-1]] if len(arms) > 1 else [arms[0]]
    paired = _paired(measured, ends, tests)
    if not paired:
        return None
    if len({_rows_of(finding) for one in paired for finding in one}) > 1 or not _are_alike(ends):
        return NotMeasured("the networks were not tested on the same rows")
    measure, finding = metric.measure, paired[0][0]
    if measure.unknown is not None and measure.is_share:
        index = finding.unknown.index(measure.unknown)
        rows = sum(finding.absorbed[index])
        told = f"{rows:,} rows of {measure.unknown}"
        if isinstance(question, LevelQuestion):
            return counted_fraction(measured.values[:, 0], rows, told)
        if isinstance(question, PairQuestion):
            return counted_difference(measured.values, rows, told)
        size = fraction_error(measured.values, rows)
        return None if size is None else RowsError(told, size)
    left_out = [
        [
            ()
            if (found := one.of(arm.detector)) is None
            else found.without_groups.get(metric.open_set, ())
            for one, arm in zip(findings, ends, strict=True)
        ]
        for findings in paired
    ]
    if not all(len(values) > 1 for one in left_out for values in one):
        return NotMeasured("it was not measured with rows left out")
    values = np.array(left_out)
    moved = values[:, 0] - values[:, 1] if len(ends) > 1 else values[:, 0]
    known, unknown = f"{finding.known_rows:,} known", f"{finding.unknown_rows:,} unknown"
    return RowsError(
        f"{known} and {unknown} rows", math.sqrt(jackknife_variance(moved)), is_bound=False
    )


def _paired(
    measured: MetricValues, ends: Sequence[Arm], tests: TestsByForm
) -> list[list[RunFinding]]:
    """Seed by seed, the tests of the sides whose measures are finite."""
    finite = np.isfinite(measured.values[:, [0, -1]]).all(axis=1)
    found = []
    for seed in np.array(measured.seeds)[finite].tolist():
        its = [tests.get(arm.variant, {}).get(seed) for arm in ends if arm.variant is not None]
        tested = [finding for finding in its if finding is not None]
        if len(tested) == len(ends):
            found.append(tested)
    return found


def _rows_of(finding: RunFinding) -> tuple[object, ...]:
    return finding.known, finding.unknown, finding.known_rows, finding.unknown_rows


def _are_alike(ends: Sequence[Arm]) -> bool:
    """Whether the sides were tested on the same set: groups of rows are drawn by their numbers."""
    return len({arm.variant.split.roles_in_words for arm in ends if arm.variant is not None}) == 1
