"""Class centres: means of the rows of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Centres:
    """One centre a class; a class of which no row was seen has none."""

    means: np.ndarray
    """(class, feature) float64; zeros where there is no centre."""
    present: np.ndarray
    """(class,) bool: which classes have a centre."""

    def nearest_by_logit(self, logits: np.ndarray) -> np.ndarray:
        """(row,): the class predicted among those that have a centre.

        A network may have more outputs than it was taught classes.
        """
        return np.where(self.present, logits, -np.inf).argmax(axis=1)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Which classes have no centre; of many, how many."""
        missing = np.flatnonzero(~self.present)
        if len(missing) > 5:
            return (f"{len(missing)} outputs have no training rows and no centre",)
        return tuple(f"output {c} has no training rows and no centre" for c in missing)


def class_centres(rows: np.ndarray, labels: np.ndarray, classes: int) -> Centres:
    """Exact means in float64 of rows (row, feature) by their labels (row,)."""
    means = np.zeros((classes, rows.shape[1]))
    present = np.bincount(labels, minlength=classes) > 0
    for c in np.flatnonzero(present):
        means[c] = rows[labels == c].mean(axis=0, dtype=np.float64)
    return Centres(means, present)
