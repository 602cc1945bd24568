"""Scaling of inputs, fitted on training rows only, so that no test row touches what is learned."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from mlplab.data.dataset import Dataset
from mlplab.declarations.data import Scaling

_BLOCK = 8192
"""Rows that are worked on in float64 at once, to keep memory near that of the result."""


@dataclass(frozen=True, eq=False)
class FittedScaling:
    """scaled = (value − shift) / divisor, in float64 for tables, in float32 for bytes."""

    shift: np.ndarray
    """(feature,) or () float64."""
    divisor: np.ndarray
    """(feature,) or () float64; infinite for a column that is constant on training rows, which
    makes it 0 everywhere."""

    def identity(self, inputs_digest: str) -> str:
        """Equal exactly if the scaled inputs are."""
        digest = hashlib.sha256(inputs_digest.encode())
        for part in (self.shift, self.divisor):
            digest.update(part.astype("<f8").tobytes())
        return digest.hexdigest()

    def apply(self, inputs: np.ndarray) -> np.ndarray:
        """Scale inputs (row, feature) to float32 (row, feature)."""
        if inputs.dtype == np.uint8 and self.divisor.ndim == 0:
            # The report's x / 255 in float32, to the bit.
            return np.divide(inputs, np.float32(self.divisor), dtype=np.float32)
        scaled = np.empty(inputs.shape, np.float32)
        for start in range(0, len(inputs), _BLOCK):
            block = inputs[start : start + _BLOCK].astype(np.float64)
            scaled[start : start + _BLOCK] = (block - self.shift) / self.divisor
        return scaled


def default_scaling(dataset: Dataset) -> Scaling:
    """Unit where the largest possible value is known (images of bytes), standard for tables."""
    return "standard" if dataset.largest is None else "unit"


def fit_scaling(scaling: Scaling, dataset: Dataset, train_rows: np.ndarray) -> FittedScaling:
    """Find shift and divisor for a dataset from its training rows.

    unit: divided by the largest value that an input can have, which is 255 for bytes and 16 for
    the digits; in a table, where none is known, each column's range on training rows becomes 0 to
    1, and images of other numbers share one range.
    standard: every column has mean 0 and deviation 1 (of the population) on training rows.
    none: as it is.
    """
    if scaling == "none":
        return FittedScaling(np.array(0.0), np.array(1.0))
    if scaling == "unit" and dataset.largest is not None:
        return FittedScaling(np.array(0.0), np.array(dataset.largest))
    rows = dataset.inputs[train_rows]
    low = rows.min(axis=0).astype(np.float64)
    high = rows.max(axis=0).astype(np.float64)
    if scaling == "unit":
        if dataset.image_shape is not None:
            low, high = low.min(keepdims=True), high.max(keepdims=True)
        return FittedScaling(low, _or_infinite(high - low, low == high))
    mean, deviation = _moments(rows)
    return FittedScaling(mean, _or_infinite(deviation, low == high))


def _moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population deviation of each column, in float64, in two passes."""
    mean = rows.mean(axis=0, dtype=np.float64)
    squares = np.zeros_like(mean)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK].astype(np.float64) - mean
        squares += np.einsum("rf,rf->f", block, block)
    return mean, np.sqrt(squares / len(rows))


def _or_infinite(divisor: np.ndarray, constant: np.ndarray) -> np.ndarray:
    return np.where(constant | (divisor == 0), np.inf, divisor)
