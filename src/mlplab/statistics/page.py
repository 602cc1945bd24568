"""Page's test: do values rise (or fall) along ordered conditions, judged within blocks?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

MOST_CONDITIONS_ENUMERATED = 12
"""Up to here the null distribution is exact; its work doubles with every condition."""
DRAWS = 99_999


@dataclass(frozen=True, eq=False)
class PageTest:
    """Page's L with the p-values of both directions."""

    n: int
    """Blocks (seeds) without a missing value."""
    statistic: float
    """L = Σ_j j·R_j with R_j the sum of the ranks of condition j, smallest value rank 1."""
    average_ranks: NDArray[np.float64]
    """(condition,)"""
    p_increasing: float
    p_decreasing: float


def page_test(values: ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> PageTest:
    """Page's trend test (1963) with the exact permutation p-value, ties included.

    values: (block, condition), conditions in the order of the claim. Infinity is a value (a run
    that never arrives ranks last); a block with NaN is left out. Ties within a block share their
    midrank and the null distribution is that of the midranks at hand: the convolution over
    blocks of Σ_j j·r over all orders of a block's ranks. Beyond 12 conditions orders are drawn,
    seeded, with the observed one counted in.
    Raises ValueError for another shape or fewer than two conditions.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"values must be (block, condition ≥ 2), got shape {x.shape}")
    x = x[~np.isnan(x).any(axis=1)]
    n, k = x.shape
    if n == 0:
        return PageTest(0, 0.0, np.full(k, np.nan), 1.0, 1.0)
    doubled = np.rint(2 * stats.rankdata(x, axis=1)).astype(np.int64)
    observed = int((doubled @ np.arange(1, k + 1)).sum())
    if k <= MOST_CONDITIONS_ENUMERATED:
        null = _null_distribution(np.sort(doubled, axis=1))
        up, down = null[observed:].sum(), null[: observed + 1].sum()
    else:
        drawn = _drawn_statistics(doubled, draws, np.random.default_rng(seed))
        up = (1 + (drawn >= observed).sum()) / (1 + draws)
        down = (1 + (drawn <= observed).sum()) / (1 + draws)
    up, down = min(1.0, float(up)), min(1.0, float(down))
    return PageTest(n, observed / 2, doubled.mean(axis=0) / 2, up, down)


def _null_distribution(doubled: NDArray) -> NDArray[np.float64]:
    """Probability of each value of 2L; doubled: (block, condition) sorted doubled midranks."""
    null = np.ones(1)
    for block in doubled:
        null = np.convolve(null, _block_distribution(tuple(int(r) for r in block)))
    return null


@lru_cache(maxsize=1024)
def _block_distribution(doubled: tuple[int, ...]) -> NDArray[np.float64]:
    """Probability of each value of Σ_j j·r over all orders of one block's doubled midranks.

    The ranks are handed to conditions 1, 2, …: a set of ranks already given tells which condition
    comes next, so 2^k sets take the place of k! orders.
    """
    k = len(doubled)
    top = sum(j * r for j, r in enumerate(doubled, start=1))
    ways = np.zeros((2**k, top + 1))
    ways[0, 0] = 1
    for given in range(2**k - 1):
        j = given.bit_count() + 1
        for i, rank in enumerate(doubled):
            if not given >> i & 1:
                ways[given | 1 << i, j * rank :] += ways[given, : top + 1 - j * rank]
    return ways[-1] / math.factorial(k)


def _drawn_statistics(doubled: NDArray, draws: int, rng: np.random.Generator) -> NDArray:
    weights = np.arange(1, doubled.shape[1] + 1)
    total = np.zeros(draws, dtype=np.int64)
    for block in doubled:
        total += rng.permuted(np.tile(block, (draws, 1)), axis=1) @ weights
    return total
