"""The difference of two networks over paired seeds, with the interval and the test that fit it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from mlplab.analysis.questions.finding import TestName
from mlplab.analysis.questions.shift import log_rank_shift_interval
from mlplab.statistics.equivalence import two_one_sided_tests
from mlplab.statistics.logrank import log_rank_test, median_difference
from mlplab.statistics.sign_flip import sign_flip_interval, sign_flip_test


@dataclass(frozen=True, eq=False)
class Effect:
    """A difference, first minus second."""

    effect: float
    low: float
    high: float
    p_value: float
    """Two-sided, of the hypothesis that the difference is the margin; of a question of sameness,
    twice the larger of both one-sided p-values."""
    test: TestName
    effect_is: Literal["mean", "median"]
    differences: np.ndarray
    """(seed,) infinite where one of the two is; NaN where both are."""


@dataclass(frozen=True)
class Margin:
    """What the difference is held against."""

    shift: float = 0.0
    """Signed: the difference that must be exceeded."""
    within: float | None = None
    """For questions of sameness: the largest difference that counts as none."""


def effect_of_values(first: np.ndarray, second: np.ndarray, margin: Margin, alpha: float) -> Effect:
    """Means where every value is finite, medians where a diverged run ranks last.

    first, second: (seed,).
    """
    finite = bool(np.isfinite(first).all() and np.isfinite(second).all())
    if not len(first):
        return nothing("sign-flip")
    return (_of_means if finite else _of_medians)(first, second, margin, alpha)


def effect_of_times(first: np.ndarray, second: np.ndarray, margin: Margin, alpha: float) -> Effect:
    """The permuted log-rank test and its inversion; a median where a run never arrives."""
    if not len(first):
        return nothing("log-rank")
    low, high = log_rank_shift_interval(first, second, 1 - alpha)
    if margin.within is None:
        p = log_rank_test(first - margin.shift, second).p_two_sided
    else:
        above = log_rank_test(first + margin.within, second).p_later
        below = log_rank_test(first - margin.within, second).p_earlier
        p = min(1.0, 2 * max(above, below))
    differences = paired_differences(first, second)
    if np.isfinite(differences).all():
        return Effect(float(differences.mean()), low, high, p, "log-rank", "mean", differences)
    median = median_difference(first, second).median
    return Effect(median, low, high, p, "log-rank", "median", differences)


def nothing(test: TestName) -> Effect:
    """What is known before two networks have a seed in common."""
    return Effect(float("nan"), -np.inf, np.inf, 1.0, test, "mean", np.empty(0))


def paired_differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """First minus second; NaN where both are infinite, so that neither is known to be more."""
    both = np.isinf(first) & np.isinf(second) & (np.sign(first) == np.sign(second))
    return np.subtract(first, second, out=np.full(len(first), np.nan), where=~both)


def _of_means(first: np.ndarray, second: np.ndarray, margin: Margin, alpha: float) -> Effect:
    differences = first - second
    interval = sign_flip_interval(differences, level=1 - alpha)
    test: TestName
    if margin.within is None:
        test, p = "sign-flip", float(sign_flip_test(differences, shift=margin.shift).p_two_sided)
    else:
        test = "equivalence"
        p = min(1.0, 2 * float(two_one_sided_tests(differences, margin.within).p_value))
    return Effect(
        float(interval.mean),
        float(interval.low),
        float(interval.high),
        p,
        test,
        "mean",
        differences,
    )


def _of_medians(first: np.ndarray, second: np.ndarray, margin: Margin, alpha: float) -> Effect:
    found = median_difference(first, second, level=1 - alpha)
    differences = paired_differences(first, second)
    if margin.within is None:
        p = 2 * min(_sign_p(differences - margin.shift), _sign_p(margin.shift - differences))
    else:
        above = _sign_p(differences + margin.within)
        p = 2 * max(above, _sign_p(margin.within - differences))
    return Effect(found.median, found.low, found.high, min(1.0, p), "sign", "median", differences)


def _sign_p(differences: np.ndarray) -> float:
    """P(at least so many above 0) if above and below were alike; what is unknown counts below."""
    above = int((differences > 0).sum())
    return float(special.bdtrc(above - 1, len(differences), 0.5)) if above else 1.0
