"""Tests on unknown classes made by hand, as the records would give them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np

from mlplab.analysis.open_set.evaluating import Tested
from mlplab.analysis.open_set.findings import (
    CentreEvidence,
    DetectorFinding,
    Estimate,
    Histogram,
    RunFinding,
)
from mlplab.analysis.open_set.tasks import Task, tasks_of
from mlplab.declarations.resolving.open_set_networks import NamedSplit, OpenSetVariant
from mlplab.report.chapters import open_set
from mlplab.report.document import Block, Bullets, Chapter, Details, Heading, Note, Paragraph, Table

OPEN = NamedSplit(known=("0", "1", "2"), unknown=("3", "4"))
MEASURES = {
    "auroc": 0.9,
    "oscr": 0.85,
    "aupr_unknown_positive": 0.8,
    "aupr_known_positive": 0.8,
    "fpr_at_95_tpr_unknown_positive": 0.3,
    "fpr_at_95_tpr_known_positive": 0.3,
    "known_rejected": 0.06,
    "recall_of_unknown": 0.4,
    "macro_f1": 0.7,
    "accuracy_on_known_before": 0.95,
    "accuracy_on_known_after": 0.9,
}
GUARANTEE = (
    "rejects at most 5% of known inputs on average over calibration sets; for this one, 2-8.8% "
    "(95%); no promise about unknown ones"
)
HEALTH = "ties 0%; saturated 0%; dead units 0 of 24; alone as in a batch"


def noise(label: str, metric: str) -> np.ndarray:
    """(20,) by how much leaving out each group of rows moves a measure, in units of its size."""
    rng = np.random.default_rng(zlib.crc32(f"{label} {metric}".encode()))
    return rng.standard_normal(20)


def finding(
    label: str,
    measures: Mapping[str, float] | None = None,
    *,
    rows: float | None = 0.001,
    guarantee: str = GUARANTEE,
    health: str = HEALTH,
    threshold: tuple[float | None, ...] = (0.5,),
) -> DetectorFinding:
    """One detector on one network; `rows` is the size of `noise`, None where none was asked for."""
    metrics = {**MEASURES, **(measures or {})}
    area = metrics["auroc"]
    groups = {} if rows is None else {
        name: tuple(value + rows * noise(label, name)) for name, value in metrics.items()
    }  # fmt: skip
    return DetectorFinding(
        detector=label,
        metrics=metrics,
        without_groups=groups,
        auroc=Estimate(area, area - 0.01, area + 0.01),
        auroc_by_class={"3": area, "4": area},
        threshold=threshold,
        guarantee=guarantee,
        realised=Estimate(0.06, 0.04, 0.09),
        absorbed=((30, 20, 10, 40), (20, 30, 10, 40)),
        health=health,
    )


def evidence(beyond: float = 0.9) -> CentreEvidence:
    """Of class centres; `beyond` is the share of far known rows that reach beyond."""
    along = Histogram((-0.5, 0.0, 0.5), (0.4, 0.6), (0.6, 0.4))
    return CentreEvidence(10, 8, 0.6, 0.4, 0.2, beyond, 0.9, 0.8, 0.5, along)


def made(
    *findings: DetectorFinding,
    seed: int = 0,
    split: NamedSplit = OPEN,
    method: str | None = None,
    steps: int | None = None,
    accuracy: float = 0.95,
) -> Tested:
    """One network and seed, tested on a split by some detectors."""
    network = " · ".join(["small", split.title, *(str(x) for x in (method, steps) if x)])
    form = OpenSetVariant(0, "small", network, split, method, steps, ())
    known, unknown = split.known, split.unknown
    line = tuple(10 * (i + 1) for i in range(len(known)))
    found = RunFinding(
        known=known,
        unknown=unknown,
        known_rows=300,
        unknown_rows=len(unknown) * sum(line),
        accuracy=Estimate(accuracy, accuracy - 0.01, accuracy + 0.01),
        absorbed=tuple(line for _ in unknown),
        detectors=tuple(
            replace(f, absorbed=tuple((*line[:-1], line[-1] // 2, line[-1] // 2) for _ in unknown))
            for f in findings
        ),
        refusals=(),
        centre=evidence() if any(f.detector == "class centre" for f in findings) else None,
        ledger=("thresholds: 144 rows",),
    )
    return Tested(form, seed, found)


def task(*tests: Tested) -> Task:
    """The task of tests of one split."""
    (found,) = tasks_of(tests, [0.05])
    return found


def areas_task(areas: Mapping[str, Sequence[float]], **more: float | None) -> Task:
    """A task from the AUROC of each detector and seed; further settings are those of `finding`."""
    seeds = len(next(iter(areas.values())))
    return task(
        *(
            made(*(finding(d, {"auroc": values[s]}, **more) for d, values in areas.items()), seed=s)
            for s in range(seeds)
        )
    )


def chapter_of(tests: Sequence[Tested]) -> Chapter:
    """The report's chapter on these tests; every network is trained 40 steps in full."""
    networks = {
        t.variant.network: SimpleNamespace(training=SimpleNamespace(steps=40)) for t in tests
    }
    study = SimpleNamespace(open_set=[SimpleNamespace(reject_at_most=0.05)], networks=networks)
    context = SimpleNamespace(results=SimpleNamespace(study=study), facts=None)
    with patch.object(open_set, "tests_of", lambda results: tuple(tests)):
        found = open_set.chapter(context)  # type: ignore[arg-type]
    assert found is not None
    return found


def texts(blocks: Sequence[Block]) -> Iterator[str]:
    """All that stands in blocks, folded ones too; of pictures their captions."""
    for block in blocks:
        if isinstance(block, Paragraph | Note | Heading):
            yield block.text
        elif isinstance(block, Bullets):
            yield from block.items
        elif isinstance(block, Table):
            yield block.caption
            yield from (" | ".join(row) for row in block.rows)
        elif isinstance(block, Details):
            yield block.summary
            yield from texts(block.blocks)
        for figure in getattr(block, "figures", ()):
            yield figure.caption
