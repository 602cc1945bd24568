"""By how much do two networks' times to a target differ? The log-rank test, inverted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlplab.statistics.logrank import log_rank_test


def log_rank_shift_interval(
    first: np.ndarray, second: np.ndarray, level: float
) -> tuple[float, float]:
    """The shifts δ for which the permuted log-rank test of first - δ and second rejects nothing.

    first, second: (pair,) times, infinite for a run that never arrives, whatever the shift.
    The test depends on δ only through the order of the times, so δ need only be tried at the
    differences between them and in the gaps; as it grows the first arm only gets earlier, so the
    two ends are found by bisection. Limits are infinite where few pairs, or many that never
    arrive, exclude nothing.
    """
    tail = (1 - level) / 2 * (1 + 1e-9)
    gaps = np.subtract.outer(first[np.isfinite(first)], second[np.isfinite(second)])
    borders = np.unique(np.round(gaps, 9))
    if not len(borders):
        borders = np.zeros(1)
    tried = _points(borders)

    def is_late(place: int) -> bool:
        return log_rank_test(first - tried[place], second).p_later <= tail

    def is_early(place: int) -> bool:
        return log_rank_test(first - tried[place], second).p_earlier <= tail

    lowest = _first_not(is_late, len(tried))
    highest = len(tried) - 1 - _first_not(lambda i: is_early(len(tried) - 1 - i), len(tried))
    if lowest == len(tried):
        return np.inf, np.inf
    if highest < 0:
        return -np.inf, -np.inf
    if lowest > highest:
        return float("nan"), float("nan")
    # Below all borders and above them lies the unlimited. Times come on a grid, so a border is
    # often the very margin that is asked about: where the test rejects the border, but not the gap
    # beside it, the interval begins after the border.
    low_ends = np.r_[-np.inf, [_beside(border, +1) for border in borders]]
    high_ends = np.r_[[_beside(border, -1) for border in borders], np.inf]
    low = tried[lowest] if lowest % 2 else low_ends[lowest // 2]
    high = tried[highest] if highest % 2 else high_ends[highest // 2]
    return float(low), float(high)


def _beside(border: float, side: int) -> float:
    """A number next to a border: by more than rounding, by less than anyone reads."""
    return border + side * 1e-8 * max(1.0, abs(border))


def _points(borders: np.ndarray) -> np.ndarray:
    """Below all borders, then each border and the middle of the gap after it."""
    points = np.empty(2 * len(borders) + 1)
    points[1::2] = borders
    points[2:-1:2] = (borders[1:] + borders[:-1]) / 2
    points[0], points[-1] = borders[0] - 1, borders[-1] + 1
    return points


def _first_not(holds: Callable[[int], bool], count: int) -> int:
    """The first place at which something ceases to hold, if it never begins again; or `count`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if holds(middle) else (low, middle)
    return low
