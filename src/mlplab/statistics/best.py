"""Comparisons with the best, when the best is found in the same data; and the cheapest of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from mlplab.statistics.sign_flip import sign_flip_interval

Method = Literal["paired_t", "sign_flip", "dunnett"]


@dataclass(frozen=True, eq=False)
class ComparisonsWithBest:
    """Each network against the best of the others, all intervals together at the level."""

    n: int
    """Blocks (seeds) without a missing value."""
    means: NDArray[np.float64]
    """(network,)"""
    low: NDArray[np.float64]
    """(network,) lower limit of its mean less the best of the others; at most 0."""
    high: NDArray[np.float64]
    """(network,) upper limit; at least 0."""
    may_be_best: NDArray[np.bool_]
    """(network,) not excluded as the best: no upper limit of its means less another's is below 0.
    The highest mean never is excluded, and neither are others that equal it in every block."""
    method: Method


@dataclass(frozen=True)
class CheapestGoodEnough:
    """The network chosen by the rule, or none."""

    chosen: int | None
    """Index of the network; None if the data show of none that it is within the margin."""
    qualifying: tuple[int, ...]
    """All that are within the margin, from cheap to dear."""
    comparisons: ComparisonsWithBest


def comparisons_with_best(
    values: ArrayLike,
    *,
    level: float = 0.95,
    higher_is_better: bool = True,
    method: Method = "paired_t",
    seed: int = 0,
) -> ComparisonsWithBest:
    """Hsu's constrained multiple comparisons with the best (1984) in a block design.

    values: (block, network); a block with NaN is left out. Limits are in units of the values,
    turned so that more is better.

    All that is needed is that, for the network b that truly is the best, the one-sided upper
    limits of μ_b - μ_j hold for all j together (Edwards and Hsu, 1983):
    * paired_t: t of each pair's own differences, Bonferroni over the others; for normal
      differences, whatever their variances.
    * sign_flip: the same from inverted sign-flip tests; for symmetric differences of any shape.
      Few blocks exclude nothing.
    * dunnett: one residual deviation for all and Dunnett's one-sided quantile; shorter, if blocks
      and networks add up and all deviations are equal.
    Raises ValueError for another shape, fewer than two networks or blocks, or infinite values.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"values must be (block, network ≥ 2), got shape {x.shape}")
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    x = x[~np.isnan(x).any(axis=1)] * (1 if higher_is_better else -1)
    if len(x) < 2 or np.isinf(x).any():
        raise ValueError("comparisons with the best need two blocks of finite values")
    means = x.mean(axis=0)
    upper = _upper_limits(x, level, method, seed)
    least = np.array([np.fmin.reduce(upper(i)) for i in range(len(means))])
    high = np.maximum(least, 0.0)
    # Networks that are equal in every block have limits of 0, give or take rounding.
    may_be_best = least >= -1e-12 * np.abs(x).max()
    # μ_i - μ_j ≥ -upper_ji; the best is among the candidates, so their minimum is a lower limit.
    low = np.zeros_like(high)
    for i in np.flatnonzero(may_be_best).tolist():
        low = np.fmin(low, -upper(i))
    return ComparisonsWithBest(
        len(x), means if higher_is_better else -means, low, high, may_be_best, method
    )


def cheapest_good_enough(
    values: ArrayLike,
    cost: ArrayLike,
    margin: float,
    *,
    level: float = 0.95,
    higher_is_better: bool = True,
    method: Method = "paired_t",
) -> CheapestGoodEnough:
    """The cheapest network that is shown to be worse than the best by less than `margin`.

    values: (block, network), cost: (network,) in any unit. A network qualifies if the lower limit
    of its comparison with the best lies above -margin. Of equal costs the higher mean wins.
    Raises ValueError as `comparisons_with_best`, for a margin that is not positive, or for costs
    that are not finite.
    """
    compared = comparisons_with_best(
        values, level=level, higher_is_better=higher_is_better, method=method
    )
    return cheapest_of(compared, cost, margin, higher_is_better=higher_is_better)


def cheapest_of(
    compared: ComparisonsWithBest,
    cost: ArrayLike,
    margin: float,
    *,
    higher_is_better: bool = True,
) -> CheapestGoodEnough:
    """The same from comparisons that are made already, of means of which more, or less, is better.

    Raises ValueError for a margin that is not positive, or for costs that are not finite.
    """
    costs = np.asarray(cost, dtype=np.float64)
    if costs.shape != compared.means.shape or not np.isfinite(costs).all():
        raise ValueError("cost must be one finite number for each network")
    if not margin > 0:
        raise ValueError(f"a margin is positive, got {margin}")
    good = np.flatnonzero(compared.low > -margin)
    worse = -compared.means if higher_is_better else compared.means
    order = good[np.lexsort((worse[good], costs[good]))]
    qualifying = tuple(int(i) for i in order)
    return CheapestGoodEnough(qualifying[0] if qualifying else None, qualifying, compared)


@lru_cache(maxsize=256)
def dunnett_quantile(level: float, comparisons: int, freedom: int) -> float:
    """One-sided Dunnett quantile (1955) for equally large groups: P(max T_j ≤ d) = level.

    The T_j share a control, so with z common to all:
    P = E_s ∫ Φ(z + √2·d·s)^m φ(z) dz, s² ~ χ²_ν/ν; both integrals by quadrature.
    Raises ValueError for a level outside (0, 1) or counts below one.
    """
    if not 0 < level < 1 or comparisons < 1 or freedom < 1:
        raise ValueError("needs 0 < level < 1, a comparison and a degree of freedom")
    z, z_weight = np.polynomial.hermite_e.hermegauss(80)
    z_weight = z_weight / z_weight.sum()
    nodes, s_weight = np.polynomial.legendre.leggauss(160)
    s = np.sqrt(special.chdtri(freedom, 1 - (nodes + 1) / 2) / freedom)

    def excess(d: float) -> float:
        inner = special.ndtr(z + np.sqrt(2) * d * s[:, None]) ** comparisons
        return float(s_weight / 2 @ inner @ z_weight) - level

    highest = float(special.stdtrit(freedom, 1 - (1 - level) / comparisons)) + 1
    return float(optimize.brentq(excess, -40.0, highest, xtol=1e-10))


def _upper_limits(x: NDArray, level: float, method: Method, seed: int) -> Callable[[int], NDArray]:
    """Gives, for one network i, (network,) one-sided upper limits of μ_i - μ_j; NaN for j = i.

    A row at a time, so that thousands of networks need no table of all pairs."""
    k = x.shape[1]
    means = x.mean(axis=0)
    tail = (1 - level) / (k - 1)
    half_width = _half_widths(x, level, tail, method)

    def upper(i: int) -> NDArray:
        if method == "sign_flip":
            limits = sign_flip_interval(x[:, [i]] - x, level=1 - 2 * tail, seed=seed).high
        else:
            limits = means[i] - means + half_width(i)
        limits[i] = np.nan
        return limits

    return upper


def _half_widths(
    x: NDArray, level: float, tail: float, method: Method
) -> Callable[[int], NDArray | float]:
    """Gives, for one network, by how much its mean differences may be larger than seen."""
    n, k = x.shape
    centred = x - x.mean(axis=0)
    if method == "dunnett":
        residuals = centred - centred.mean(axis=1, keepdims=True)
        freedom = (n - 1) * (k - 1)
        deviation = np.sqrt((residuals**2).sum() / freedom)
        common = float(dunnett_quantile(level, k - 1, freedom) * deviation * np.sqrt(2 / n))
        return lambda i: common
    t = special.stdtrit(n - 1, 1 - tail)
    space = np.empty_like(x)  # used again for each network: new pages would take most of the time

    def paired(i: int) -> NDArray:
        np.square(np.subtract(centred[:, [i]], centred, out=space), out=space)
        half: NDArray = t * np.sqrt(space.sum(axis=0) / (n - 1) / n)
        return half

    return paired
