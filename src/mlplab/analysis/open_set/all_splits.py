"""Many splits at once: how AUROC is spread over them, and which pairs of classes drive it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from mlplab.analysis.open_set.tasks import Task
from mlplab.statistics.intervals import MeanInterval
from mlplab.statistics.rows_and_seeds import over_rows_and_seeds

FEWEST_SPLITS = 10
"""From so many splits on they are looked at together."""


@dataclass(frozen=True, eq=False)
class PairEffect:
    """What it does to AUROC that one class of a pair is known and the other is not."""

    first: str
    second: str
    effect: MeanInterval
    """Mean AUROC of splits that separate the two, less that of splits that do not, with an interval
    for other test rows and other seeds."""


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
class _Areas:
    """AUROC of one detector over many splits."""

    values: np.ndarray
    """(seed, split)"""
    left_out: np.ndarray
    """(seed, split, group): with a group of test rows left out, the same rows in every split."""
    rows: int | None
    """Test rows of one split, of its known and unknown ones the fewer; None for differences."""

    def less(self, other: _Areas) -> _Areas:
        """The difference on the same splits, seeds and rows."""
        groups = self.left_out.shape[-1] and other.left_out.shape[-1]
        left_out = self.left_out[..., :groups] - other.left_out[..., :groups]
        return _Areas(self.values - other.values, left_out, None)

    def mean(self, weights: np.ndarray | None = None) -> MeanInterval:
        """The mean over splits, or their weighted sum, for other test rows and other seeds.

        All splits of some classes are no sample of splits: nothing is said of other classes.
        """
        rows = self.rows if weights is None else None
        splits = self.values.shape[1]
        weights = np.full(splits, 1 / splits) if weights is None else weights
        return over_rows_and_seeds(
            self.values @ weights, np.einsum("esg,s->eg", self.left_out, weights), rows=rows
        )

    @property
    def by_split(self) -> np.ndarray:
        """(split,) means over seeds."""
        return self.values.mean(axis=0)


def _areas(tasks: Sequence[Task], detector: str) -> _Areas | None:
    """None where a split lacks the detector, or where the splits have no seed in common."""
    found = [task.of(detector) for task in tasks]
    series = [one for one in found if one is not None]
    if not series or len(series) < len(found):
        return None
    seeds = sorted(set.intersection(*(set(one.findings) for one in series)))
    findings = [[one.findings[seed] for one in series] for seed in seeds]
    if not seeds:
        return None
    without = [[f.without_groups.get("auroc", ()) for f in line] for line in findings]
    groups = min(len(groups) for line in without for groups in line)
    return _Areas(
        np.array([[f.metrics["auroc"] for f in line] for line in findings]),
        np.array([[own[:groups] for own in line] for line in without]).reshape(
            len(seeds), len(series), groups
        ),
        min(min(run.known_rows, run.unknown_rows) for one in series for run in one.runs.values()),
    )


@dataclass(frozen=True, eq=False)
class DetectorOverSplits:
    """One detector over many splits."""

    detector: str
    mean: MeanInterval
    """Over splits, for other test rows and other seeds."""
    middle_90: tuple[float, float]
    """How far the splits differ."""
    less_softmax: MeanInterval | None
    """AUROC less the softmax's on the same split; None for the softmax, or without it."""
    above_softmax: float
    """Fraction of splits in which it is above the softmax."""
    usual: MeanInterval | None
    """Over the usual splits of another size; None where it was not tested on them."""
    below_usual: float
    """Fraction of splits below the mean of the usual ones."""


def detectors_over_splits(
    tasks: Sequence[Task], usual: Sequence[Task] = ()
) -> tuple[DetectorOverSplits, ...]:
    """Every detector that all splits have, the best mean first."""
    names = dict.fromkeys(series.detector for task in tasks for series in task.detectors)
    areas = {name: its for name in names if (its := _areas(tasks, name)) is not None}
    found = [
        _over_splits(name, its, areas.get("softmax"), _areas(usual, name))
        for name, its in areas.items()
    ]
    return tuple(sorted(found, key=lambda line: -float(line.mean.mean)))


def _over_splits(
    detector: str, own: _Areas, softmax: _Areas | None, usual: _Areas | None
) -> DetectorOverSplits:
    low, high = np.quantile(own.by_split, [0.05, 0.95])
    gap = None if softmax is None or detector == "softmax" else own.less(softmax)
    marked = None if usual is None else usual.mean()
    return DetectorOverSplits(
        detector,
        own.mean(),
        (float(low), float(high)),
        None if gap is None else gap.mean(),
        0.0 if gap is None else float((gap.by_split > 0).mean()),
        marked,
        0.0 if marked is None else float((own.by_split < float(marked.mean)).mean()),
    )


def pair_effects(tasks: Sequence[Task], detector: str) -> tuple[PairEffect, ...]:
    """Every pair of classes, the most harmful to separate first; pairs that are always or never
    separated have no effect to tell and are left out."""
    having = [task for task in tasks if task.of(detector) is not None]
    areas = _areas(having, detector)
    if areas is None:
        return ()
    known = [set(task.split.known) for task in having]
    names = sorted({c for task in having for c in (*task.split.known, *task.split.unknown)})
    found = []
    for first, second in combinations(names, 2):
        apart = np.array([(first in k) != (second in k) for k in known])
        if apart.any() and not apart.all():
            weights = np.where(apart, 1 / apart.sum(), -1 / (~apart).sum())
            found.append(PairEffect(first, second, areas.mean(weights)))
    return tuple(sorted(found, key=lambda pair: float(pair.effect.mean)))


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
