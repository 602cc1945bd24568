"""What a measure on unknown classes comes to for every side of a question and every seed.

The values are those of the open-set table, from the tests that are kept in the records.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from mlplab.analysis.open_set.evaluating import Tested
from mlplab.analysis.open_set.findings import RunFinding
from mlplab.analysis.open_set.table import measures
from mlplab.analysis.questions.values import (
    MetricValues,
    RunsByNetwork,
    is_better_higher,
    paired_values,
)
from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.resolving.arms import Arm
from mlplab.declarations.resolving.open_set_networks import OpenSetVariant
from mlplab.records.results import Run

TestsByForm = Mapping[OpenSetVariant, Mapping[int, RunFinding]]
"""Open-set variant → seed → what its test found."""


def tests_by_form(tests: Iterable[Tested]) -> TestsByForm:
    """The tests that are kept, by what was tested."""
    found: dict[OpenSetVariant, dict[int, RunFinding]] = {}
    for test in tests:
        found.setdefault(test.variant, {})[test.seed] = test.finding
    return found


def open_set_values(
    metric: OpenSetMetric,
    names: Sequence[str],
    arms: Sequence[Arm],
    by_network: RunsByNetwork,
    tests: TestsByForm,
) -> MetricValues:
    """The measure of each side on the seeds of which all networks are trained.

    names: what the sides are called. NaN where a test is not made, or its detector could not be
    used; a diverged network, which is never tested, is the worst.
    """

    def value(column: int, run: Run) -> float:
        arm = arms[column]
        if run.diverged_at is not None:
            return -math.inf if is_better_higher(metric) else math.inf
        assert arm.variant is not None
        finding = tests.get(arm.variant, {}).get(run.seed)
        return math.nan if finding is None else measured(finding, metric.open_set, arm.detector)

    runs = [by_network.get(arm.network, {}) for arm in arms]
    return paired_values(names, runs, value)


def measured(finding: RunFinding, measure: str, detector: str | None) -> float:
    """One number of the open-set table; NaN where a test has none of that name.

    detector: None for what the network does before rejection, which is the same for all.
    """
    found = finding.of(detector)
    return math.nan if found is None else dict(measures(finding, found)).get(measure, math.nan)
