"""Checks of scores and decisions before anything is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlplab.openset.errors import refuse

UNKNOWN = -1
"""The label of a row that is of no known class, and of a prediction "none of the known"."""


def checked_scores(name: str, scores: Any) -> np.ndarray:
    """Scores (row,) as float64; at least one, none NaN or infinite."""
    array = np.asarray(scores)
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        refuse(name, "numbers of shape (row,)", f"{array.dtype} of shape {array.shape}")
    if len(array) == 0:
        refuse(name, "at least one row", "none", "this measure compares known with unknown rows")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array))
        refuse(
            name,
            "finite numbers",
            f"NaN or infinity in {len(bad)} of {len(array)} rows (first in row {bad[0]})",
        )
    return array


def checked_flags(name: str, flags: Any, rows: int) -> np.ndarray:
    """True or false (row,), one for each of so many rows."""
    array = np.asarray(flags)
    if array.dtype != np.bool_ or array.shape != (rows,):
        refuse(name, f"true or false of shape ({rows},)", f"{array.dtype} of shape {array.shape}")
    return array


def checked_classes(
    name: str, labels: Any, classes: int | None = None, *, rows: int | None = None, least: int = 0
) -> np.ndarray:
    """Whole numbers (row,) as int64, from `least` (UNKNOWN or 0) up to the number of classes."""
    array = np.asarray(labels)
    expected = f"whole numbers of shape ({'row' if rows is None else rows},)"
    right_rows = array.ndim == 1 and (rows is None or len(array) == rows)
    if not right_rows or (array.dtype.kind not in "iu" and array.size):
        refuse(name, expected, f"{array.dtype} of shape {array.shape}")
    outside = (array < least) | (array >= (np.inf if classes is None else classes))
    if outside.any():
        extra = " or -1 for unknown" if least == UNKNOWN else ""
        refuse(name, f"classes 0 to {(classes or 0) - 1}{extra}", str(array[outside][0]))
    return array.astype(np.int64)
