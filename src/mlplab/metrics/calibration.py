"""Whether a network's probabilities mean what they say (Guo et al., 2017; Naeini et al., 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Binning = Literal["equal width", "equal mass"]
BINS = 15
"""As Guo et al. (2017) take."""


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """Bins of confidence, those without rows left out; all arrays are (bin,)."""

    confidence: np.ndarray
    """Mean probability of the predicted class."""
    accuracy: np.ndarray
    """Share of rows that were right."""
    rows: np.ndarray
    """int64."""
    edges: np.ndarray
    """(bin, 2) the range of confidence of each bin: its borders for equal width, its smallest and
    largest confidence for equal mass."""

    @property
    def expected_error(self) -> float:
        """Expected calibration error: |accuracy − confidence| averaged over rows."""
        gap = np.abs(self.accuracy - self.confidence)
        return float(gap @ self.rows / self.rows.sum())

    @property
    def largest_error(self) -> float:
        """Maximum calibration error: the largest |accuracy − confidence| of a bin."""
        return float(np.abs(self.accuracy - self.confidence).max())


@dataclass(frozen=True)
class Calibration:
    """A reliability curve in `BINS` bins of equal width as plain numbers, so that it can be
    recorded; each field is (bin,), bins without rows left out."""

    bins: tuple[int, ...]
    """Which bin it is: bin k holds confidences in (k/BINS, (k+1)/BINS]."""
    rows: tuple[int, ...]
    confidence: tuple[float, ...]
    """Mean probability of the predicted class."""
    accuracy: tuple[float, ...]
    """Share of rows that were right."""

    @property
    def expected_error(self) -> float:
        """Expected calibration error: |accuracy − confidence| averaged over rows; 0 is best."""
        cells = zip(self.rows, self.confidence, self.accuracy, strict=True)
        return sum(n * abs(right - sure) for n, sure, right in cells) / sum(self.rows)


def calibration_of(probabilities: np.ndarray, targets: np.ndarray) -> Calibration:
    """The calibration of predictions, in bins of equal width.

    Args and errors are those of `reliability_curve`.
    """
    curve = reliability_curve(probabilities, targets, bins=BINS)
    return Calibration(
        tuple(np.rint(curve.edges[:, 0] * BINS).astype(int).tolist()),
        tuple(curve.rows.tolist()),
        tuple(curve.confidence.tolist()),
        tuple(curve.accuracy.tolist()),
    )


def reliability_curve(
    probabilities: np.ndarray,
    targets: np.ndarray,
    *,
    bins: int = BINS,
    binning: Binning = "equal width",
) -> ReliabilityCurve:
    """Accuracy against confidence of the predicted class.

    Args:
        probabilities: (row, output), each row summing to 1.
        targets: (row,) the right output of each row.
        bins: at most so many; equal-width bins are (k/bins, (k+1)/bins], the first with 0.
        binning: "equal mass" gives every bin the same number of rows, give or take one; rows of
            equal confidence may then be parted, in the order of the rows.

    Raises:
        ValueError: when there is no row, no bin, or a probability outside 0 to 1.
    """
    if len(targets) == 0 or bins < 1:
        raise ValueError(f"expected rows and bins, got {len(targets)} rows and {bins} bins")
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all():
        raise ValueError("expected probabilities from 0 to 1")
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == targets
    if binning == "equal width":
        borders = np.linspace(0, 1, bins + 1)
        bin_of = np.clip(np.searchsorted(borders, confidence, side="left") - 1, 0, bins - 1)
        edges = np.stack([borders[:-1], borders[1:]], axis=1)
    else:
        order = np.argsort(confidence, kind="stable")
        bin_of = np.empty(len(order), np.int64)
        bin_of[order] = np.arange(len(order)) * bins // len(order)
        edges = _extent(confidence, bin_of, bins)
    rows = np.bincount(bin_of, minlength=bins)
    filled = rows > 0
    return ReliabilityCurve(
        confidence=np.bincount(bin_of, confidence, bins)[filled] / rows[filled],
        accuracy=np.bincount(bin_of, right, bins)[filled] / rows[filled],
        rows=rows[filled],
        edges=edges[filled],
    )


def expected_calibration_error(
    probabilities: np.ndarray,
    targets: np.ndarray,
    *,
    bins: int = BINS,
    binning: Binning = "equal width",
) -> float:
    """|accuracy − confidence| over bins of confidence, averaged over rows; 0 is best."""
    return reliability_curve(probabilities, targets, bins=bins, binning=binning).expected_error


def _extent(confidence: np.ndarray, bin_of: np.ndarray, bins: int) -> np.ndarray:
    low = np.full(bins, np.inf)
    high = np.full(bins, -np.inf)
    np.minimum.at(low, bin_of, confidence)
    np.maximum.at(high, bin_of, confidence)
    return np.stack([low, high], axis=1)
