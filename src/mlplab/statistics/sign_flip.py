"""The paired sign-flip test of a mean difference, exact, and the interval that belongs to it.

If the two arms of a pair are exchangeable, each difference is as likely to have the other sign.
The test asks how many of the 2^n sign patterns have a mean as large as the observed one (Fisher,
1935; Pitman, 1937). It needs no shape: ties, heavy tails and zeros are in the null distribution.

Flipping the signs of a subset S of the differences d - δ leaves the mean as large as it was
exactly if the mean of d over S is at most δ. So the p-value at δ counts subset means, and the
interval of all δ that are not rejected lies between two order statistics of the 2^n - 1 subset
means (Hartigan, 1969, "typical values"): test and interval never disagree. Beyond 20 pairs the
subsets are drawn at random, and the same argument holds with the drawn ones and the identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from mlplab.statistics.intervals import MeanInterval, t_interval

MOST_PAIRS_ENUMERATED = 20
"""Up to here all 2^n sign patterns are counted."""
DRAWS = 99_999
"""Sign patterns drawn beyond that; with the observed one they make 100,000."""
MOST_DRAWS = 2**20 - 1
"""Drawn where a strict level asks for them; with the observed one as many as 20 pairs have."""
_ELEMENTS_AT_ONCE = 2**21


@dataclass(frozen=True, eq=False)
class SignFlipTest:
    """One test a column; every field has the shape of the differences without their first axis."""

    p_greater: NDArray[np.float64]
    """Small if the mean is above the shift."""
    p_less: NDArray[np.float64]
    p_two_sided: NDArray[np.float64]


def sign_flip_test(
    differences: ArrayLike, *, shift: float = 0.0, draws: int = DRAWS, seed: int = 0
) -> SignFlipTest:
    """Test whether the mean paired difference is `shift`.

    differences: (pair, ...), one test for each column; NaN is a pair that does not exist.
    Exact up to 20 pairs; beyond, from `draws` seeded sign patterns with the observed one counted
    in (Phipson and Smyth, 2010), which keeps the level. No pairs at all give p = 1.
    Raises ValueError for infinite differences: they have no mean, ranks must be used.
    """
    columns, shape = _columns(differences)
    p_greater, p_less = np.ones(len(columns)), np.ones(len(columns))

    counts = (~np.isnan(columns)).sum(axis=1)
    for n in np.unique(counts[counts > 0]).tolist():
        chosen = np.flatnonzero(counts == n)
        values = columns[chosen][~np.isnan(columns[chosen])].reshape(len(chosen), n)
        # Sums that are equal but for rounding are ties, and ties count against a finding.
        slack = 1e-11 * (np.abs(values).sum(axis=1) + abs(shift) * n)
        if 12 < n <= MOST_PAIRS_ENUMERATED:
            fractions = _fractions_by_halves(values - shift, slack)
        else:
            fractions = _fractions(values - shift, slack, _subsets(n, draws, seed))
        p_greater[chosen], p_less[chosen] = fractions
    two_sided = np.minimum(1.0, 2 * np.minimum(p_greater, p_less))
    return SignFlipTest(*(p.reshape(shape) for p in (p_greater, p_less, two_sided)))


def sign_flip_interval(
    differences: ArrayLike, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
) -> MeanInterval:
    """All mean differences that the two-sided sign-flip test does not reject at 1 - level.

    differences: as in `sign_flip_test`. With k = ⌊α/2·2^n⌋ the limits are the k-th smallest and
    the k-th largest subset mean; with k = 0 so few pairs exclude nothing, and the limits are
    infinite. For distributions symmetric about their mean the interval covers at its level.
    Raises ValueError for infinite differences and for a level outside (0, 1).
    """
    columns, shape = _columns(differences)
    at_each = t_interval(columns, axis=1, level=level)
    limits = []
    for column in columns:
        means, index_of = _subset_means(column[~np.isnan(column)], draws, seed)
        index = index_of((1 - level) / 2)
        if index is not None:
            means = np.partition(means, [index, len(means) - 1 - index])
        limits.append(_limits(means, index))
    low, high = np.array(limits, dtype=np.float64).reshape(-1, 2).T
    fields: tuple[NDArray, ...] = (at_each.n, at_each.mean, at_each.std, low, high)
    return MeanInterval(*(field.reshape(shape) for field in fields))


def sign_flip_limits(
    differences: ArrayLike, *, draws: int = DRAWS, seed: int = 0
) -> Callable[[float], tuple[float, float]]:
    """The limits of `sign_flip_interval` as a function of the probability on each side.

    differences: (pair,) without NaN.
    """
    means, index_of = _subset_means(np.asarray(differences, dtype=np.float64), draws, seed)
    means = np.sort(means)
    return lambda tail: _limits(means, index_of(tail))


def _subset_means(
    values: NDArray, draws: int, seed: int
) -> tuple[NDArray, Callable[[float], int | None]]:
    """The means over all subsets with a member, and where in their order the lower limit lies.

    The identity and drawn subsets without a member count for every δ: they exclude nothing. None
    for a tail at which nothing is excluded.
    """
    subsets = _subsets(len(values), draws, seed)
    members = subsets.sizes > 0
    means = subsets.sums(values[None])[0][members] / subsets.sizes[members]
    outside = subsets.added + int((~members).sum())
    total = len(subsets.sizes) + subsets.added

    def index_of(tail: float) -> int | None:
        index = math.floor(tail * total + 1e-9) - outside
        return index if 0 <= index < len(means) else None

    return means, index_of


def _limits(means: NDArray, index: int | None) -> tuple[float, float]:
    """Both limits, from means of which these two stand where sorting puts them."""
    if index is None:
        return -math.inf, math.inf
    return float(means[index]), float(means[-1 - index])


def signed_ranks(differences: ArrayLike) -> NDArray[np.float64]:
    """Signed midranks of the sizes of the differences; zeros have rank 0 and no say.

    Their sign-flip test is Wilcoxon's signed-rank test (1945), exact with ties as well.
    differences: (pair, ...), NaN where there is no pair; infinite sizes share the last rank.
    """
    d = np.asarray(differences, dtype=np.float64)
    sizes = np.where(d == 0, np.nan, np.abs(d))
    ranks = stats.rankdata(sizes, axis=0, nan_policy="omit")
    return np.where(np.isnan(d), np.nan, np.where(d == 0, 0.0, np.sign(d) * ranks))


def draws_for_level(alpha: float) -> int:
    """Sign patterns to draw beyond 20 pairs so that a two-sided p-value can be half of alpha.

    Not fewer than `DRAWS`, nor more than `MOST_DRAWS`, which reach alpha itself down to 2/2^20.
    """
    return int(min(MOST_DRAWS, max(DRAWS, math.ceil(4 / alpha))))


def smallest_p(n: int, *, draws: int = DRAWS) -> float:
    """The smallest two-sided p-value that any n pairs can give: 2/2^n.

    Beyond 20 pairs sign patterns are drawn, and it is that of the observed one among them:
    2/(draws + 1), however many pairs there are.
    """
    patterns = 2**n if n <= MOST_PAIRS_ENUMERATED else draws + 1
    return min(1.0, 2 / patterns)


@dataclass(frozen=True, eq=False)
class _Subsets:
    """Subsets of the pairs, in one fixed order."""

    sums: Callable[[NDArray], NDArray]
    """(column, pair) -> (column, subset)"""
    sizes: NDArray
    """(subset,)"""
    added: int
    """1 where the empty subset (nothing flipped) is to be counted in addition."""


def _every_subset(n: int) -> _Subsets:
    def sums(values: NDArray) -> NDArray:
        out = np.zeros((len(values), 2**n))
        for i in range(n):
            out[:, 2**i : 2 ** (i + 1)] = out[:, : 2**i] + values[:, i : i + 1]
        return out

    return _Subsets(sums, sums(np.ones((1, n)))[0], 0)


def _fractions(values: NDArray, slack: NDArray, subsets: _Subsets) -> tuple[NDArray, NDArray]:
    """Fraction of the subset sums that are at most 0, and at least 0; values: (column, pair)."""
    below, above = np.zeros(len(values)), np.zeros(len(values))
    width = max(1, _ELEMENTS_AT_ONCE // len(subsets.sizes))
    for start in range(0, len(values), width):
        batch = slice(start, start + width)
        sums = subsets.sums(values[batch])
        below[batch] = (sums <= slack[batch, None]).sum(axis=1)
        above[batch] = (sums >= -slack[batch, None]).sum(axis=1)
    total = len(subsets.sizes) + subsets.added
    return (below + subsets.added) / total, (above + subsets.added) / total


def _fractions_by_halves(values: NDArray, slack: NDArray) -> tuple[NDArray, NDArray]:
    """The same over all 2^n subsets, for many pairs.

    A sum over a subset is one over its first half and one over its second: for each of the first,
    the fitting second ones are found in sorted order, so 2^(n/2) sums take the place of 2^n.
    """
    half = values.shape[1] // 2
    first = _every_subset(half).sums(values[:, :half])
    second = np.sort(_every_subset(values.shape[1] - half).sums(values[:, half:]), axis=1)
    below, above = np.zeros(len(values)), np.zeros(len(values))
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        below[i] = np.searchsorted(b, slack[i] - a, side="right").sum()
        above[i] = len(a) * len(b) - np.searchsorted(b, -slack[i] - a, side="left").sum()
    total = 2.0 ** values.shape[1]
    return below / total, above / total


def _subsets(n: int, draws: int, seed: int) -> _Subsets:
    if n <= MOST_PAIRS_ENUMERATED:
        return _every_subset(n)
    members = np.random.default_rng([seed, n]).integers(0, 2, size=(n, draws)).astype(np.float64)
    return _Subsets(lambda values: values @ members, members.sum(axis=0), 1)


def _columns(differences: ArrayLike) -> tuple[NDArray, tuple[int, ...]]:
    d = np.asarray(differences, dtype=np.float64)
    if d.ndim == 0:
        raise ValueError("differences must have a first axis, the pair")
    if np.isinf(d).any():
        raise ValueError("a mean difference needs finite differences; compare ranks instead")
    return d.reshape(len(d), -1).T, d.shape[1:]
