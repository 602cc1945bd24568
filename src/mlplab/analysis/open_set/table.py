"""All measures of all detectors as one tidy table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from mlplab.analysis.open_set.evaluating import Tested, tests_of
from mlplab.analysis.open_set.findings import DetectorFinding, RunFinding
from mlplab.declarations.open_set_measures import MEASURES
from mlplab.records.results import Results

COLUMNS = ("study", "network", "seed", "split", "detector", "metric", "value", "reason")
MOST_PAIRS = 2_500
"""Of an unknown and a known class, up to which the table has all."""


def open_set_table(results: Results) -> pd.DataFrame:
    """One value a row: study,network,seed,split,detector,metric,value,reason.

    `network` is that of the study file whose settings were taken, with its steps where fewer were
    trained; `split` says the role of each class, and where several questions are asked about the
    same roles, what sets this one apart; the training method is that which the detector
    needs. Beside the measures there is, for each unknown class c and known class k, the fraction
    `c_taken_for_k` before and `c_taken_for_k_after_rejection`, `c_rejected`, and `auroc_of_c`.
    Of more than `MOST_PAIRS` pairs of classes those are left out for which there is no row.
    A detector that failed has one row, an `auroc` without a value, whose `reason` says why.
    """
    rows = [row for test in tests_of(results) for row in _rows(results.study.name, test)]
    # Questions that test alike may name one detector twice; every measure stands here once.
    return pd.DataFrame(rows, columns=list(COLUMNS)).drop_duplicates(
        COLUMNS[:-2], ignore_index=True
    )


def _rows(study: str, test: Tested) -> Iterator[tuple[Any, ...]]:
    network, steps = test.variant.template, test.variant.steps
    named = network if steps is None else f"{network} · {steps} steps"
    start = (study, named, test.seed, test.variant.split.title)
    for detector in test.finding.detectors:
        many = len(test.finding.unknown) * len(test.finding.known) > MOST_PAIRS
        for metric, value in measures(test.finding, detector, without_zeros=many):
            yield (*start, detector.detector, metric, value, "")
    for label, reason in test.finding.failures.items():
        yield (*start, label, "auroc", math.nan, reason)


def measures(
    finding: RunFinding, detector: DetectorFinding, *, without_zeros: bool = False
) -> Iterator[tuple[str, float]]:
    """Every measure of one detector on one network, by its name in the table.

    without_zeros: leave out the pairs of classes for which there is no row.
    """
    yield from detector.metrics.items()
    for name, value in detector.auroc_by_class.items():
        yield MEASURES["auroc_of"].of(name).name, value
    if len(detector.threshold) == 1 and detector.threshold[0] is not None:
        yield "threshold", detector.threshold[0]
    totals = [sum(line) for line in detector.absorbed]
    for kind, counts in (
        ("taken_for", finding.absorbed),
        ("taken_for_after_rejection", detector.absorbed),
    ):
        for unknown, line, total in zip(finding.unknown, counts, totals, strict=True):
            for known, rows in zip(finding.known, line, strict=False):
                if without_zeros and not rows:
                    continue
                yield MEASURES[kind].of(unknown, known).name, rows / total
    for unknown, line, total in zip(finding.unknown, detector.absorbed, totals, strict=True):
        yield MEASURES["rejected"].of(unknown).name, line[-1] / total
