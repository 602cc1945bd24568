"""All measures of all detectors as one tidy table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from mlplab.analysis.open_set.evaluating import Tested, tests_of
from mlplab.analysis.open_set.findings import DetectorFinding, RunFinding
from mlplab.records.results import Results

COLUMNS = ("study", "network", "seed", "split", "detector", "metric", "value")


def open_set_table(results: Results) -> pd.DataFrame:
    """One value a row: study,network,seed,split,detector,metric,value.

    `network` is that of the study file whose settings were taken, with its steps where fewer were
    trained; `split` says the role of each class, and where several questions are asked about the
    same roles, what sets this one apart; the training method is that which the detector
    needs. Beside the measures there is, for each unknown class c and known class k, the share
    `c_taken_for_k` before and `c_taken_for_k_after_rejection`, `c_rejected`, and `auroc_of_c`.
    """
    rows = [row for test in tests_of(results) for row in _rows(results.study.name, test)]
    # Questions that test alike may name one detector twice; every measure stands here once.
    return pd.DataFrame(rows, columns=list(COLUMNS)).drop_duplicates(
        COLUMNS[:-1], ignore_index=True
    )


def network_label(test: Tested) -> str:
    """The network of the study file, and its steps where they are fewer."""
    steps = test.variant.steps
    return test.variant.template if steps is None else f"{test.variant.template} · {steps} steps"


def _rows(study: str, test: Tested) -> Iterator[tuple[Any, ...]]:
    start = (study, network_label(test), test.seed, test.variant.split.title)
    for detector in test.finding.detectors:
        for metric, value in measures(test.finding, detector):
            yield (*start, detector.detector, metric, value)


def measures(finding: RunFinding, detector: DetectorFinding) -> Iterator[tuple[str, float]]:
    """Every measure of one detector on one network, by its name in the table."""
    yield from detector.metrics.items()
    for name, value in detector.auroc_by_class.items():
        yield f"auroc_of_{name}", value
    if len(detector.threshold) == 1 and detector.threshold[0] is not None:
        yield "threshold", detector.threshold[0]
    yield from _shares(finding.unknown, finding.known, finding.absorbed, "")
    after = [line[:-1] for line in detector.absorbed]
    totals = [sum(line) for line in detector.absorbed]
    yield from _shares(finding.unknown, finding.known, after, "_after_rejection", totals)
    for name, line, total in zip(finding.unknown, detector.absorbed, totals, strict=True):
        yield f"{name}_rejected", line[-1] / total


def _shares(
    unknown: Sequence[str],
    known: Sequence[str],
    counts: Sequence[Sequence[int]],
    after: str,
    totals: Sequence[int] | None = None,
) -> Iterator[tuple[str, float]]:
    for place, (name, line) in enumerate(zip(unknown, counts, strict=True)):
        total = totals[place] if totals else sum(line)
        for taken_for, count in zip(known, line, strict=True):
            yield f"{name}_taken_for_{taken_for}{after}", count / total
