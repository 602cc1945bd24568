"""Friedman's test: do several networks, compared within seeds, differ at all?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

DRAWS = 9_999
_MOST_DRAWS = 999_999
_MOST_STATES = 500_000
_MOST_VALUES_DRAWN = 20_000_000


@dataclass(frozen=True, eq=False)
class FriedmanTest:
    """Average ranks and the test that they differ; rank 1 is the best."""

    n: int
    """Blocks (seeds) without a missing value."""
    average_ranks: NDArray[np.float64]
    """(network,)"""
    statistic: float
    """Friedman's χ²_F."""
    p_value: float
    """From the permutation distribution within blocks, ties included."""


def ranks_within_blocks(values: ArrayLike, *, higher_is_better: bool = True) -> NDArray[np.float64]:
    """Midranks within each block, the best 1; values: (block, network), infinity allowed."""
    x = np.asarray(values, dtype=np.float64)
    return stats.rankdata(-x if higher_is_better else x, axis=1)


def friedman_test(
    values: ArrayLike,
    *,
    higher_is_better: bool = True,
    draws: int | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> FriedmanTest:
    """Friedman's test (1937) with its permutation p-value.

    values: (block, network). Infinity is a value; a block with NaN is left out.
    χ²_F is corrected for ties. The p-value is exact where the sums of ranks take
    few enough values, otherwise from `draws` seeded permutations and the observed one: by default
    9,999, for very large tables down to 999, but always so many that half of `level` is reached.
    Raises ValueError for another shape or fewer than two networks.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"values must be (block, network ≥ 2), got shape {x.shape}")
    x = x[~np.isnan(x).any(axis=1)]
    n, k = x.shape
    if n == 0:
        return FriedmanTest(0, np.full(k, np.nan), 0.0, 1.0)
    ranks = ranks_within_blocks(x, higher_is_better=higher_is_better)
    spread = ((ranks - (k + 1) / 2) ** 2).sum()
    between = ((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2).sum()
    chi2 = (k - 1) * between / spread if spread > 0 else 0.0
    if draws is None:
        draws = max(
            min(DRAWS, max(999, _MOST_VALUES_DRAWN // (n * k))),
            min(_MOST_DRAWS, math.ceil(2 / level)),
        )
    p_value = _permutation_p(np.rint(2 * ranks).astype(np.int64), draws, seed)
    return FriedmanTest(n, ranks.mean(axis=0), float(chi2), p_value)


def _permutation_p(doubled: NDArray, draws: int, seed: int) -> float:
    """P(sum of squares of the rank sums at least as large); doubled: (block, network) ranks."""
    observed = int((doubled.sum(axis=0) ** 2).sum())
    null = _exact_null(tuple(sorted(tuple(sorted(block)) for block in doubled.tolist())))
    if null is not None:
        squares, probability = null
        return min(1.0, float(probability[squares >= observed].sum()))
    rng = np.random.default_rng(seed)
    sums = np.zeros((draws, doubled.shape[1]), dtype=np.int64)
    for block in doubled:
        sums += rng.permuted(np.tile(block, (draws, 1)), axis=1)
    return float(1 + ((sums**2).sum(axis=1) >= observed).sum()) / (1 + draws)


@lru_cache(maxsize=256)
def _exact_null(doubled: tuple[tuple[int, ...], ...]) -> tuple[NDArray, NDArray] | None:
    """Sums of squares and their probabilities, or None where the rank sums take too many values.

    Every block is permuted freely, so rank sums that differ only in their order have one future:
    they are kept sorted and merged.
    """
    k = len(doubled[0])
    base = sum(map(sum, doubled)) + 1
    if math.factorial(min(k, 10)) > 5040 or base**k > 2**62:
        return None
    powers = base ** np.arange(k, dtype=np.int64)
    states: NDArray = np.zeros((1, k), dtype=np.int64)
    probability: NDArray = np.ones(1)
    for block in doubled:
        orders = np.array(sorted(set(permutations(block))), dtype=np.int64)
        if len(states) * len(orders) > _MOST_STATES:
            return None
        sums = np.sort((states[:, None, :] + orders).reshape(-1, k), axis=1)
        codes, first, where = np.unique(sums @ powers, return_index=True, return_inverse=True)
        weights = np.repeat(probability / len(orders), len(orders))
        states = sums[first]
        probability = np.bincount(where.ravel(), weights=weights, minlength=len(codes))
    return (states**2).sum(axis=1), probability
