"""How scores of known and of unknown rows are spread, in bins that show it."""

from __future__ import annotations

import numpy as np

from mlplab.analysis.open_set.findings import Histogram

_BINS = 48
_CROWDED, _LEAST_RATIO = 0.01, 1e-12
"""Where half of all scores lie in so small a part of their range, bins have equal ratios; the
lowest edge is no smaller a part of the highest than the other."""


def score_histogram(known: np.ndarray, unknown: np.ndarray) -> Histogram:
    """Bins over the middle 99.6% of scores; what lies beyond counts at the ends."""
    return counted(_edges(np.concatenate([known, unknown])), known, unknown)


def counted(edges: np.ndarray, known: np.ndarray, unknown: np.ndarray) -> Histogram:
    """Fractions of each side, (row,), between edges (bin + 1,); what lies beyond counts at the ends."""

    def fractions(scores: np.ndarray) -> tuple[float, ...]:
        counts = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0] / len(scores)
        return tuple(np.round(counts, 6).tolist())

    return Histogram(tuple(edges.tolist()), fractions(known), fractions(unknown))


def _edges(scores: np.ndarray) -> np.ndarray:
    """Bins of equal width; or of equal ratio, where positive scores span orders of magnitude.

    The softmax of a trained network is that near to certain that equal widths show one bar.
    """
    low, high = (float(end) for end in np.quantile(scores, [0.002, 0.998]))
    if scores.min() >= 0 and np.median(scores) < _CROWDED * high:
        least = max(low, float(scores[scores > 0].min()), _LEAST_RATIO * high)
        if least < _CROWDED * high:
            return np.geomspace(least, high, _BINS + 1)
    if high <= low:
        high = low + max(abs(low), 1.0) * 1e-6
    return np.linspace(low, high, _BINS + 1)
