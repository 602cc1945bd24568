"""What is measured of one detector's scores and decisions on known and unknown rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from mlplab.openset.auroc import auroc, separation
from mlplab.openset.openness import openness
from mlplab.openset.oscr import oscr_curve
from mlplab.openset.rejection import rejection_outcome
from mlplab.openset.risk_coverage import risk_by_coverage
from mlplab.openset.scores import UNKNOWN


@dataclass(frozen=True, eq=False)
class Predictions:
    """Rows of one side: what the network takes them for, and what the detector says of them."""

    predicted: np.ndarray
    """(row,) output"""
    scores: np.ndarray
    """(row,) higher is more unknown"""
    rejected: np.ndarray
    """(row,) bool"""

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: np.ndarray) -> Predictions:
        """Some of the rows."""
        return Predictions(self.predicted[rows], self.scores[rows], self.rejected[rows])


def metrics(
    known: Predictions, labels: np.ndarray, unknown: Predictions, classes: int, unknown_classes: int
) -> dict[str, float]:
    """All measures by the names of exports.

    Args:
        known: rows of known classes.
        labels: (row,) the outputs that are right for them.
        unknown: rows of unknown classes.
        classes: how many are known.
        unknown_classes: how many are unknown; 0 for a closed task, which is not open at all.
    """
    true = np.concatenate([labels, np.full(len(unknown), UNKNOWN)])
    predicted = np.concatenate([known.predicted, unknown.predicted])
    rejected = np.concatenate([known.rejected, unknown.rejected])
    scores = np.concatenate([known.scores, unknown.scores])
    after = rejection_outcome(true, predicted, rejected, classes)
    found = separation(known.scores, unknown.scores) | {
        "oscr": oscr_curve(known.scores, known.predicted == labels, unknown.scores).area,
        **asdict(after),
        "recall_of_unknown": after.recall_of_unknown or 0.0,
        "risk_coverage_area": float(risk_by_coverage(scores, predicted != true).mean()),
        "openness": openness(classes, unknown_classes),
    }
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of test rows that are left out in turn to tell what other rows would change.

    They are drawn once over the whole test part of a data set, so that a row is in the same group
    whichever classes are known: what holds for one split then holds for a mean over many.
    """

    known: np.ndarray
    """(row,) of the known rows."""
    unknown: np.ndarray

    def left_out(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Masks (row,) of the known and of the unknown rows that stay, a group left out in turn.

        Nothing where some group holds all rows of a side, or where there is one group only.
        """
        numbers = np.union1d(self.known, self.unknown)
        masks = [(self.known != number, self.unknown != number) for number in numbers]
        if len(numbers) > 1 and all(known.any() and unknown.any() for known, unknown in masks):
            yield from masks


def without_groups(
    known: Predictions, labels: np.ndarray, unknown: Predictions, classes: int, groups: Groups
) -> Mapping[str, tuple[float, ...]]:
    """Every measure with one group of rows of both sides left out at a time, in turn."""
    found = [
        metrics(known.take(k), labels[k], unknown.take(u), classes, 0) for k, u in groups.left_out()
    ]
    everywhere = [name for name in found[0] if all(name in each for each in found)] if found else []
    return {
        name: tuple(round(each[name], 7) for each in found)
        for name in everywhere
        if name != "openness"
    }


def auroc_without_groups(
    known: Predictions, unknown: Predictions, groups: Groups
) -> Mapping[str, tuple[float, ...]]:
    """AUROC alone with one group of rows left out at a time: what a mean over many splits needs."""
    found = [round(auroc(known.scores[k], unknown.scores[u]), 7) for k, u in groups.left_out()]
    return {"auroc": tuple(found)} if found else {}
