"""Class centres: means of the rows of each class, all at once or as training goes on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlplab.openset.errors import refuse


@dataclass(frozen=True, eq=False)
class Centres:
    """One centre a class; a class of which no row was seen has none."""

    means: np.ndarray
    """(class, feature) float64; zeros where there is no centre."""
    counts: np.ndarray
    """(class,) float64: rows that went into each centre (their weight, for running means)."""

    @property
    def present(self) -> np.ndarray:
        """(class,) bool: which classes have a centre."""
        return self.counts > 0

    def nearest_by_logit(self, logits: np.ndarray) -> np.ndarray:
        """(row,): the class predicted among those that have a centre.

        A network may have more outputs than it was taught classes.
        """
        return np.where(self.present, logits, -np.inf).argmax(axis=1)


def class_centres(rows: np.ndarray, labels: np.ndarray, classes: int) -> Centres:
    """Exact means in float64 of rows (row, feature) by their labels (row,)."""
    means = np.zeros((classes, rows.shape[1]))
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    for c in np.flatnonzero(counts):
        means[c] = rows[labels == c].mean(axis=0, dtype=np.float64)
    return Centres(means, counts)


def no_centres(classes: int, features: int) -> Centres:
    """What running means start from."""
    return Centres(np.zeros((classes, features)), np.zeros(classes))


def folded(centres: Centres, rows: np.ndarray, labels: np.ndarray, forget: float = 0.0) -> Centres:
    """Running means: the centres after one more batch of rows (row, feature).

    With `forget` 0 the result is the exact mean of all rows so far; as the network moves while it
    learns, a share `forget` of the old weight may be dropped at every batch.
    """
    if not 0.0 <= forget < 1.0:
        refuse("forget", "a share of at least 0 and below 1", repr(forget))
    batch = class_centres(rows, labels, len(centres.counts))
    old = centres.counts * (1.0 - forget)
    weight = old + batch.counts
    share = np.divide(batch.counts, weight, out=np.zeros_like(weight), where=weight > 0)
    means = centres.means + share[:, None] * (batch.means - centres.means)
    return Centres(means, weight)
