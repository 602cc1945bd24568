"""Whether a network's probabilities mean what they say (Guo et al., 2017; Naeini et al., 2015)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 15
"""As Guo et al. (2017) take."""


@dataclass(frozen=True)
class Calibration:
    """Accuracy against confidence of the predicted class in `BINS` bins of equal width.

    Plain numbers, so that it can be recorded; each field is (bin,), bins without rows left out.
    """

    bins: tuple[int, ...]
    """Which bin it is: bin k holds confidences in (k/BINS, (k+1)/BINS], the first also 0."""
    rows: tuple[int, ...]
    confidence: tuple[float, ...]
    """Mean probability of the predicted class."""
    accuracy: tuple[float, ...]
    """Fraction of rows that were right."""

    @property
    def expected_error(self) -> float:
        """Expected calibration error: |accuracy − confidence| averaged over rows; 0 is best."""
        cells = zip(self.rows, self.confidence, self.accuracy, strict=True)
        return sum(n * abs(right - sure) for n, sure, right in cells) / sum(self.rows)


def calibration_of(probabilities: np.ndarray, targets: np.ndarray) -> Calibration:
    """The calibration of predictions.

    Args:
        probabilities: (row, output), each row summing to 1.
        targets: (row,) the right output of each row.

    Raises:
        ValueError: when there is no row, or a probability outside 0 to 1.
    """
    if len(targets) == 0:
        raise ValueError("expected at least one row, got none")
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all():
        raise ValueError("expected probabilities from 0 to 1")
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == targets
    return calibrations(confidence[None], right[None])[0]


def calibrations(confidence: np.ndarray, right: np.ndarray) -> list[Calibration]:
    """The calibration of several networks on the same rows.

    Args:
        confidence: (network, row) float64, the probability of the predicted class.
        right: (network, row) bool, whether it is the true one.
    """
    networks = len(confidence)
    borders = np.linspace(0, 1, BINS + 1)
    bin_of = np.clip(np.searchsorted(borders, confidence, side="left") - 1, 0, BINS - 1)
    cell = (bin_of + BINS * np.arange(networks)[:, None]).ravel()

    def in_cells(values: np.ndarray | None = None) -> np.ndarray:
        weights = None if values is None else values.ravel()
        return np.bincount(cell, weights, networks * BINS).reshape(networks, BINS)

    rows = in_cells()
    most = np.maximum(rows, 1)
    columns = rows, in_cells(confidence) / most, in_cells(right) / most
    return [
        Calibration(tuple(filled.tolist()), *(tuple(c[filled].tolist()) for c in own))
        for filled, *own in zip(map(np.flatnonzero, rows), *columns, strict=True)
    ]
