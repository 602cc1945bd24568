"""Many splits at once: how AUROC is spread over them, and which pairs of classes drive it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from mlplab.analysis.open_set.tasks import Task

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
            key = (task.template, len(split.known), len(split.unknown), split.unknown_set)
            groups.setdefault(key, []).append(task)
    return list(groups.values())
