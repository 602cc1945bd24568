"""Times to a target on paired seeds, where some runs never arrive: who gets there sooner?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from mlplab.statistics.sign_flip import DRAWS, sign_flip_test


@dataclass(frozen=True)
class LogRankTest:
    """Log-rank comparison of two arms; the p-values come from swapping arms within seeds."""

    n: int
    """Pairs in which both arms have a time."""
    p_later: float
    """Small if the first arm arrives later."""
    p_earlier: float


@dataclass(frozen=True)
class MedianDifference:
    """The median paired difference of times, first minus second, with its sign-test interval."""

    n: int
    median: float
    """Infinite if one arm never arrives in most pairs; NaN if censoring hides it."""
    low: float
    high: float


def log_rank_test(
    first: ArrayLike, second: ArrayLike, *, draws: int = DRAWS, seed: int = 0
) -> LogRankTest:
    """The log-rank test (Mantel, 1966) of two paired arms by permutation within pairs.

    first, second: (pair,) times; infinity for a run that never arrives, which ranks it last; NaN
    leaves the pair out.

    The numerator is a sum of scores over the first arm, each one minus the pooled cumulative
    hazard at the run's time (Peto and Peto, 1972). Swapping arms changes no score, so the
    permutation test is the sign-flip test of half the paired score differences: exact to 20 pairs.
    Raises ValueError if the shapes differ.
    """
    a, b = _paired(first, second)
    n = len(a)
    scores = log_rank_scores(np.concatenate([a, b]))
    test = sign_flip_test((scores[n:] - scores[:n]) / 2, draws=draws, seed=seed)
    return LogRankTest(n, float(test.p_greater), float(test.p_less))


def log_rank_scores(times: ArrayLike) -> NDArray[np.float64]:
    """Score of each run: 1 if it arrived, less the Nelson-Aalen cumulative hazard at its time.

    times: (run,), infinite for a run that never arrives. They sum to 0.
    """
    t = np.asarray(times, dtype=np.float64)
    arrived = np.isfinite(t)
    moments, arrivals = np.unique(t[arrived], return_counts=True)
    at_risk = len(t) - np.searchsorted(np.sort(t), moments, side="left")
    hazard = np.concatenate([[0.0], np.cumsum(arrivals / at_risk)])
    return arrived - hazard[np.searchsorted(moments, t, side="right")]


def median_difference(
    first: ArrayLike, second: ArrayLike, *, level: float = 0.95
) -> MedianDifference:
    """Median of first minus second with the exact interval of the sign test (Thompson, 1936).

    first, second: (pair,) times, infinity for a run that never arrives. A pair in which neither
    arrives could lie on either side: it counts as lowest for the low limit and as highest for the
    high one, and if the median hangs on it, the median is NaN. Limits are infinite where the
    pairs are too few, or too many never arrive.
    Raises ValueError if the shapes differ or for a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    a, b = _paired(first, second)
    n = len(a)
    if n == 0:
        return MedianDifference(0, float("nan"), -np.inf, np.inf)
    neither = np.isinf(a) & np.isinf(b)
    difference = np.subtract(a, b, out=np.zeros(n), where=~neither)
    lowest = np.sort(np.where(neither, -np.inf, difference))
    highest = np.sort(np.where(neither, np.inf, difference))
    # k values lie outside on either side with P(Bin(n, 1/2) < k) ≤ α/2.
    tails = special.bdtr(np.arange(n), n, 0.5)
    k = int((tails <= (1 - level) / 2 * (1 + 1e-12)).sum())
    below, above = _middle(lowest), _middle(highest)
    return MedianDifference(
        n,
        below if below == above else float("nan"),
        float(lowest[k - 1]) if k else -np.inf,
        float(highest[n - k]) if k else np.inf,
    )


def _middle(ordered: NDArray) -> float:
    low, high = float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
    if np.isinf(low) and np.isinf(high) and low != high:
        return float("nan")
    return low if low == high else (low + high) / 2


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[NDArray, NDArray]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"both arms must be (pair,) of one length, got {a.shape} and {b.shape}")
    here = ~(np.isnan(a) | np.isnan(b))
    return a[here], b[here]
