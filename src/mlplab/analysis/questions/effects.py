"""The difference of two networks over paired seeds, with the interval and the test that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from mlplab.analysis.questions.finding import TestName
from mlplab.analysis.questions.finite_rows import CountedRows
from mlplab.analysis.questions.hypothesis import OneSided
from mlplab.analysis.questions.shift import LogRankShifts
from mlplab.statistics.logrank import median_difference
from mlplab.statistics.resampling import resampled_mean
from mlplab.statistics.rows import joined, tail_of
from mlplab.statistics.sign_flip import (
    draws_for_level,
    sign_flip_interval,
    sign_flip_limits,
    sign_flip_test,
)
from mlplab.statistics.verdict_rules import is_above


@dataclass(frozen=True, eq=False)
class Effect:
    """A difference, first minus second."""

    effect: float
    low: float
    high: float
    above: OneSided
    """Small if the difference lies above a bound: at most α/2 exactly if `low` does, the level of
    the interval being 1 - α. For bounds that were told when the effect was found."""
    below: OneSided
    test: TestName
    effect_is: Literal["mean", "median"]
    differences: np.ndarray
    """(seed,) infinite where one of the two is; NaN where both are."""


def effect_of_values(
    first: np.ndarray, second: np.ndarray, alpha: float, rows: CountedRows | None = None
) -> Effect:
    """Means where every value is finite, medians where a diverged run ranks last.

    first, second: (seed,). rows: of which the values are fractions, if means are to hold for other
    rows as well.
    """
    finite = bool(np.isfinite(first).all() and np.isfinite(second).all())
    if not len(first):
        return nothing("sign-flip")
    if not finite:
        return _of_medians(first, second, alpha)
    if rows is None:
        return _of_means(first, second, alpha)
    return _of_seeds_and_rows(first - second, rows, alpha)


def effect_of_splits(first: np.ndarray, second: np.ndarray, ratio: float, alpha: float) -> Effect:
    """The mean over repeated splits; nothing where a run diverged, of which no mean is known.

    first, second: (repetition,). ratio: test rows for each training row.
    """
    finite = bool(np.isfinite(first).all() and np.isfinite(second).all())
    if len(first) < 2 or not finite:
        return nothing("resampled")
    differences = first - second
    found = resampled_mean(differences, ratio)
    return Effect(
        found.mean,
        *found.limits(alpha / 2),
        found.p_above,
        found.p_below,
        "resampled",
        "mean",
        differences,
    )


def effect_of_times(
    first: np.ndarray, second: np.ndarray, bounds: Sequence[float], alpha: float
) -> Effect:
    """The permuted log-rank test and its inversion; a median where a run never arrives.

    bounds: differences that are asked about.
    """
    if not len(first):
        return nothing("log-rank")
    shifts = LogRankShifts(first, second, 1 - alpha, tuple(bounds))
    low, high = shifts.interval
    differences = paired_differences(first, second)
    is_mean = bool(np.isfinite(differences).all())
    return Effect(
        float(differences.mean()) if is_mean else median_difference(first, second).median,
        low,
        high,
        shifts.above,
        shifts.below,
        "log-rank",
        "mean" if is_mean else "median",
        differences,
    )


def nothing(test: TestName) -> Effect:
    """What is known before two networks have a seed in common."""
    return Effect(
        float("nan"), -np.inf, np.inf, lambda _: 1.0, lambda _: 1.0, test, "mean", np.empty(0)
    )


def paired_differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """First minus second; NaN where both are infinite, so that neither is known to be more."""
    both = np.isinf(first) & np.isinf(second) & (np.sign(first) == np.sign(second))
    return np.subtract(first, second, out=np.full(len(first), np.nan), where=~both)


def _of_means(first: np.ndarray, second: np.ndarray, alpha: float) -> Effect:
    differences = first - second
    draws = draws_for_level(alpha)
    interval = sign_flip_interval(differences, level=1 - alpha, draws=draws)
    return Effect(
        float(interval.mean),
        float(interval.low),
        float(interval.high),
        lambda bound: float(sign_flip_test(differences, shift=bound, draws=draws).p_greater),
        lambda bound: float(sign_flip_test(differences, shift=bound, draws=draws).p_less),
        "sign-flip",
        "mean",
        differences,
    )


def _of_seeds_and_rows(differences: np.ndarray, rows: CountedRows, alpha: float) -> Effect:
    """The limits of the sign-flip test joined with those of the rows, and p-values of the same."""
    effect = float(differences.mean())
    of_seeds = sign_flip_limits(differences, draws=draws_for_level(alpha))

    def limits(tail: float) -> tuple[float, float]:
        return joined(effect, of_seeds(tail), rows.limits(effect, tail))

    low, high = limits(alpha / 2)
    return Effect(
        effect,
        low,
        high,
        lambda bound: tail_of(limits, lambda low, _: is_above(low, bound)),
        lambda bound: tail_of(limits, lambda _, high: is_above(bound, high)),
        "sign-flip",
        "mean",
        differences,
    )


def _of_medians(first: np.ndarray, second: np.ndarray, alpha: float) -> Effect:
    found = median_difference(first, second, level=1 - alpha)
    differences = paired_differences(first, second)
    return Effect(
        found.median,
        found.low,
        found.high,
        lambda bound: _sign_p([is_above(d, bound) for d in differences]),
        lambda bound: _sign_p([is_above(bound, d) for d in differences]),
        "sign",
        "median",
        differences,
    )


def _sign_p(beyond: Sequence[bool]) -> float:
    """P(at least so many beyond) if either side were as likely; what is unknown is not beyond."""
    count = sum(beyond)
    return float(special.bdtrc(count - 1, len(beyond), 0.5)) if count else 1.0
