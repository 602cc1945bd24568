"""What a finite test set leaves open, and how that joins what the seeds leave open.

Every seed is evaluated on the same rows, so eight seeds on 60 rows are 60 rows. Rows are a second
sample, and an interval for other seeds and other rows needs both parts. Both come here as limits,
so that neither needs a variance, which is zero where every row is right or every seed is alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Limits = Callable[[float], tuple[float, float]]
"""Tail → limits of an effect, each of which fails with at most that probability."""


def fraction_interval(hits: ArrayLike, rows: ArrayLike, level: float = 0.95) -> NDArray[np.float64]:
    """(2, …) exact limits of a fraction of rows (Clopper and Pearson, 1934).

    hits: rows that count, from 0 to `rows`; broken numbers where they are means over seeds, whose
    variance is below that of whole rows. No rows give 0 to 1.
    Raises ValueError for counts that cannot be or a level outside [0, 1).
    """
    k, n = np.broadcast_arrays(np.asarray(hits, dtype=float), np.asarray(rows, dtype=float))
    if not ((k >= -1e-9) & (k <= n + 1e-9)).all() or not 0 <= level < 1:
        raise ValueError("hits lie between 0 and the rows, and a level between 0 and 1")
    tail = (1 - level) / 2
    k = np.where(np.abs(k - np.rint(k)) < 1e-9 * np.maximum(n, 1), np.rint(k), k)
    with np.errstate(invalid="ignore"):
        low = np.where(k <= 0, 0.0, stats.beta.ppf(tail, k, n - k + 1))
        high = np.where(k >= n, 1.0, stats.beta.isf(tail, k + 1, n - k))
    return np.stack([low, high])


def difference_limits(
    effect: NDArray | float, mean_square: NDArray | float, rows: int, tail: float
) -> NDArray[np.float64]:
    """(2, …) limits of the difference of two fractions of the same rows (Bonett and Price, 2012).

    effect: the difference; mean_square: over rows, of each row's own difference (-1, 0 or 1 of one
    seed, broken numbers of a mean over seeds). The method adds one row to each side, so that no
    differing row, or none that differs otherwise, is not taken for certainty.
    """
    n = rows + 2
    middle = np.asarray(effect, dtype=float) * rows / n
    square = (np.asarray(mean_square, dtype=float) * rows + 2) / n
    half = special.ndtri(1 - tail) * np.sqrt(np.maximum(square - middle**2, 0) / n)
    return np.clip(np.stack([middle - half, middle + half]), -1, 1)


def joined(effect: float, *parts: tuple[float, float]) -> tuple[float, float]:
    """Limits for all sources of error together, from limits for each (Zou and Donner, 2008).

    Distances from the effect are added as independent errors are: by their squares.
    """
    below = math.hypot(*(max(effect - low, 0.0) for low, _ in parts))
    above = math.hypot(*(max(high - effect, 0.0) for _, high in parts))
    return effect - below, effect + above


def tail_of(limits: Limits, excludes: Callable[[float, float], bool]) -> float:
    """The one-sided p-value that belongs to limits: the smallest tail at which they exclude."""
    low, high = 0.0, 0.5
    if not excludes(*limits(high)):
        return 1.0
    for _ in range(48):
        middle = (low + high) / 2
        low, high = (low, middle) if excludes(*limits(middle)) else (middle, high)
        if high - low <= 1e-10 * high:
            break
    return high
