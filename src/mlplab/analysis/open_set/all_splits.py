"""Many splits at once: how AUROC is spread over them, and which pairs of classes drive it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from mlplab.analysis.open_set.tasks import Task
from mlplab.statistics.intervals import MeanInterval, t_interval

FEWEST_SPLITS = 10
"""From so many splits on they are looked at together."""


@dataclass(frozen=True)
class PairEffect:
    """What it does to AUROC that one class of a pair is known and the other is not."""

    first: str
    second: str
    effect: float
    """Mean AUROC of splits that separate the two, less that of splits that do not."""


def split_table(tasks: Sequence[Task]) -> pd.DataFrame:
    """One row a split and detector: split, known, detector, auroc, accuracy (means over seeds)."""
    return pd.DataFrame(
        [
            {
                "split": task.split.title,
                "known": " ".join(task.split.known),
                "detector": series.detector,
                "auroc": float(series.mean("auroc").mean),
                "accuracy": float(series.accuracies.mean()),
            }
            for task in tasks
            for series in task.detectors
        ]
    )


@dataclass(frozen=True, eq=False)
class DetectorOverSplits:
    """One detector over many splits; every value is a mean over the seeds of a split."""

    detector: str
    mean: MeanInterval
    """Over splits."""
    middle_90: tuple[float, float]
    less_softmax: MeanInterval | None
    """AUROC less the softmax's on the same split; None for the softmax, or without it."""
    above_softmax: float
    """Share of splits in which it is above the softmax."""
    usual: MeanInterval | None
    """Over the usual splits of another size; None where it was not tested on them."""
    below_usual: float
    """Share of splits below the mean of the usual ones."""


def detectors_over_splits(
    tasks: Sequence[Task], usual: Sequence[Task] = ()
) -> tuple[DetectorOverSplits, ...]:
    """Every detector that all splits have, the best mean first."""
    areas = _by_split(tasks).dropna(axis=1)
    marked = _by_split(usual)
    found = [_over_splits(str(detector), areas, marked) for detector in areas.columns]
    return tuple(sorted(found, key=lambda line: -float(line.mean.mean)))


def _by_split(tasks: Sequence[Task]) -> pd.DataFrame:
    """(split, detector) AUROC."""
    table = split_table(tasks)
    return table if table.empty else table.pivot(index="split", columns="detector", values="auroc")


def _over_splits(detector: str, areas: pd.DataFrame, marked: pd.DataFrame) -> DetectorOverSplits:
    own = areas[detector].to_numpy()
    low, high = np.quantile(own, [0.05, 0.95])
    gap = None
    if "softmax" in areas and detector != "softmax":
        gap = own - areas["softmax"].to_numpy()
    usual = t_interval(marked[detector].to_numpy()) if detector in marked else None
    return DetectorOverSplits(
        detector,
        t_interval(own),
        (float(low), float(high)),
        None if gap is None else t_interval(gap),
        0.0 if gap is None else float((gap > 0).mean()),
        usual,
        0.0 if usual is None else float((own < float(usual.mean)).mean()),
    )


def pair_effects(tasks: Sequence[Task], detector: str) -> tuple[PairEffect, ...]:
    """Every pair of classes, the most harmful to separate first; pairs that are always or never
    separated have no effect to tell and are left out."""
    areas, known = [], []
    for task in tasks:
        series = task.of(detector)
        if series is not None:
            areas.append(float(series.mean("auroc").mean))
            known.append(set(task.split.known))
    names = sorted({c for task in tasks for c in (*task.split.known, *task.split.unknown)})
    area = np.array(areas)
    found = []
    for first, second in combinations(names, 2):
        apart = np.array([(first in k) != (second in k) for k in known])
        if apart.any() and not apart.all():
            effect = float(area[apart].mean() - area[~apart].mean())
            found.append(PairEffect(first, second, effect))
    return tuple(sorted(found, key=lambda pair: pair.effect))


def groups_of_splits(tasks: Sequence[Task]) -> list[list[Task]]:
    """Tasks that differ only in which classes are known: same network, same numbers of classes."""
    groups: dict[tuple, list[Task]] = {}
    for task in tasks:
        split = task.split
        if not split.negative and not split.closed:
            sizes = len(split.known), len(split.unknown)
            key = (task.template, *sizes, split.unknown_set, split.apart)
            groups.setdefault(key, []).append(task)
    return list(groups.values())
