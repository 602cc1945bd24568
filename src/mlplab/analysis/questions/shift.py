"""By how much do two networks' times to a target differ? The log-rank test, inverted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlplab.statistics.logrank import LogRankTest, log_rank_test
from mlplab.statistics.sign_flip import draws_for_level


@dataclass(frozen=True, eq=False)
class LogRankShifts:
    """What the permuted log-rank test says of every shift δ: of first - δ against second.

    The interval is all δ that the test does not reject. The test depends on δ only through the
    order of the times, so δ need only be tried at the differences between them and in the gaps; as
    it grows the first arm only gets earlier, so the two ends are found by bisection. In rare data
    a p-value still falls and rises again on the way: then the interval reaches as far as any shift
    tried that is not rejected, the bounds asked about among them, and a bound's p-value is the
    largest of all shifts tried that are no nearer. So interval and p-values never disagree.
    """

    first: np.ndarray
    """(pair,) times, infinite for a run that never arrives, whatever the shift."""
    second: np.ndarray
    level: float
    bounds: tuple[float, ...] = (0.0,)
    """Differences that are asked about."""

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Limits are infinite where few pairs, or many that never arrive, exclude nothing."""
        low, high = self._ends
        for bound in self.bounds:
            if self._is_not_late(self._tested[bound]) and low > bound:
                low = bound
            if self._is_not_early(self._tested[bound]) and high < bound:
                high = bound
        return (float("nan"), float("nan")) if low > high else (low, high)

    def above(self, bound: float) -> float:
        """One-sided p-value that the first is later by more than one of the bounds."""
        if math.isnan(self.interval[0]):
            return 1.0  # no shift at all fits: such data speak for none
        return max(test.p_later for shift, test in self._tested.items() if shift <= bound)

    def below(self, bound: float) -> float:
        """One-sided p-value that the first is later by less than one of the bounds."""
        if math.isnan(self.interval[0]):
            return 1.0
        return max(test.p_earlier for shift, test in self._tested.items() if shift >= bound)

    def _is_not_late(self, test: LogRankTest) -> bool:
        return test.p_later > (1 - self.level) / 2 * (1 + 1e-9)

    def _is_not_early(self, test: LogRankTest) -> bool:
        return test.p_earlier > (1 - self.level) / 2 * (1 + 1e-9)

    @cached_property
    def _tested(self) -> dict[float, LogRankTest]:
        """Every shift that has been tried."""
        return {bound: self._log_rank(bound) for bound in self.bounds}

    def _test(self, shift: float) -> LogRankTest:
        if shift not in self._tested:
            self._tested[shift] = self._log_rank(shift)
        return self._tested[shift]

    def _log_rank(self, shift: float) -> LogRankTest:
        draws = draws_for_level(1 - self.level)
        return log_rank_test(self.first - shift, self.second, draws=draws)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """The ends that bisection finds."""
        gaps = np.subtract.outer(
            self.first[np.isfinite(self.first)], self.second[np.isfinite(self.second)]
        )
        borders = np.unique(np.round(gaps, 9))
        if not len(borders):
            borders = np.zeros(1)
        tried, found = _points(borders), dict[int, LogRankTest]()
        last = len(tried) - 1

        def at(index: int) -> LogRankTest:
            found[index] = self._test(float(tried[index]))
            return found[index]

        _first_not(lambda index: not self._is_not_late(at(index)), len(tried))
        _first_not(lambda index: not self._is_not_early(at(last - index)), len(tried))
        lowest = min((i for i, test in found.items() if self._is_not_late(test)), default=None)
        highest = max((i for i, test in found.items() if self._is_not_early(test)), default=None)
        if lowest is None:
            return np.inf, np.inf
        if highest is None:
            return -np.inf, -np.inf
        # Below all borders and above them lies the unlimited. Times come on a grid, so a border is
        # often the very margin that is asked about: where the test rejects the border, but not the
        # gap beside it, the interval begins after the border.
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
    """The first index at which something ceases to hold, if it never begins again; or `count`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if holds(middle) else (low, middle)
    return low
