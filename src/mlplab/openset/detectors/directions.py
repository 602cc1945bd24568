"""Rows without their length: h/‖h‖."""

from __future__ import annotations

import numpy as np


def unit_rows(x: np.ndarray) -> np.ndarray:
    """Each row (row, feature) divided by its length, float64; a row of zeros stays zero."""
    length = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros(x.shape), where=length > 0)


def float_rows(x: np.ndarray, normalise: bool) -> np.ndarray:
    """Rows (row, feature) as float64, without their length where asked for."""
    return unit_rows(x) if normalise else x.astype(np.float64)
