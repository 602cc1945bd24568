"""Which unknown class is taken for which known class, or rejected."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlplab.openset.errors import refuse
from mlplab.openset.scores import checked_classes, checked_flags


def absorbed_rows(
    unknown: Any, predicted: Any, classes: int, rejected: Any | None = None
) -> np.ndarray:
    """Count what unknown rows are taken for: before rejection (`rejected` None) or after.

    Args:
        unknown: (row,) the unknown class of each row, by any numbers.
        predicted: (row,) the known class that the network gives, 0 to classes − 1.
        classes: how many known classes there are.
        rejected: (row,) bool.

    Returns:
        (unknown class that occurs, known class + 1) int64; the last column is of rejected rows.

    Raises:
        ValueError: no rows, or a predicted class out of range.
    """
    true = checked_classes("unknown", unknown)
    if len(true) == 0:
        refuse("unknown", "at least one unknown row", "none")
    column = checked_classes("predicted", predicted, classes, rows=len(true))
    if rejected is not None:
        column = np.where(checked_flags("rejected", rejected, len(true)), classes, column)
    names, line = np.unique(true, return_inverse=True)
    counts = np.zeros((len(names), classes + 1), dtype=np.int64)
    np.add.at(counts, (line, column), 1)
    return counts
