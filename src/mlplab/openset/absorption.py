"""Which unknown class is taken for which known class, or rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplab.openset.errors import refuse
from mlplab.openset.intervals import wilson
from mlplab.openset.scores import checked_classes, checked_flags


@dataclass(frozen=True, eq=False)
class AbsorptionTable:
    """Unknown classes by known classes, with "rejected" as the last column."""

    unknown_classes: tuple[int, ...]
    known_classes: tuple[int, ...]
    counts: np.ndarray
    """(unknown class, known class + 1) int64"""
    low: np.ndarray
    """(unknown class, known class + 1): lower end of Wilson's interval of the fraction."""
    high: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """(unknown class,): rows of each unknown class."""
        return self.counts.sum(axis=1)

    @property
    def fractions(self) -> np.ndarray:
        """(unknown class, known class + 1): fraction of the class's rows; each line adds up to 1."""
        return self.counts / self.rows[:, None]

    def fraction(self, unknown: int, known: int | None) -> float:
        """Fraction of an unknown class taken for a known one, or rejected (None)."""
        column = len(self.known_classes) if known is None else self.known_classes.index(known)
        return float(self.fractions[self.unknown_classes.index(unknown), column])


def absorption_table(
    classes: Any,
    taken_for: Any,
    known_classes: Sequence[int],
    rejected: Any | None = None,
    level: float = 0.95,
) -> AbsorptionTable:
    """Count what unknown rows are taken for: before rejection (`rejected` None) or after.

    Args:
        classes: (row,) the true class of each unknown row, as the data set numbers it.
        taken_for: (row,) the known class that is predicted, as the data set numbers it.
        known_classes: in the order of the columns.
        rejected: (row,) bool, or None where nothing is rejected.
        level: of the intervals.

    Raises:
        ValueError: no rows, a true class that is known, or a given class that is not.
    """
    true = checked_classes("classes", classes)
    if len(true) == 0:
        refuse("classes", "at least one unknown row", "none")
    given = checked_classes("taken_for", taken_for, len(true))
    refused = (
        np.zeros(len(true), dtype=bool)
        if rejected is None
        else checked_flags("rejected", rejected, len(true))
    )
    known = np.asarray(known_classes, dtype=np.int64)
    if np.isin(true, known).any():
        refuse(
            "classes",
            "rows of unknown classes only",
            f"rows of the known class {true[np.isin(true, known)][0]}",
        )
    if not np.isin(given, known).all():
        refuse(
            "taken_for", f"known classes {known.tolist()}", str(given[~np.isin(given, known)][0])
        )
    unknown, line = np.unique(true, return_inverse=True)
    order = np.argsort(known)
    column = order[np.searchsorted(known, given, sorter=order)]
    counts = np.zeros((len(unknown), len(known) + 1), dtype=np.int64)
    np.add.at(counts, (line, np.where(refused, len(known), column)), 1)
    low, high = wilson(counts, counts.sum(axis=1, keepdims=True), level)
    return AbsorptionTable(tuple(unknown.tolist()), tuple(known.tolist()), counts, low, high)
