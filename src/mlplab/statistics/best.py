"""Comparisons with the best, when the best is found in the same data; and the cheapest of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from mlplab.statistics.rows import difference_limits


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


@dataclass(frozen=True, eq=False)
class SharedRows:
    """The rows on which all values, fractions of rows, were measured."""

    rows: int
    right: NDArray[np.float64] | None = None
    """(row, network) fraction of the seeds that had the row right; None where single rows are not
    known, and each difference is taken to come from as few rows as it can."""

    def squares(self, index: int, differences: NDArray) -> NDArray:
        """(network,) the mean over rows of the squared difference of one network from each."""
        if self.right is None:
            return np.abs(differences)
        products = self.right.T @ self.right[:, index] / self.rows
        own = np.square(self.right).mean(axis=0)
        return np.asarray(np.maximum(own + own[index] - 2 * products, 0.0))


def comparisons_with_best(
    values: ArrayLike, *, level: float = 0.95, shared: SharedRows | None = None
) -> ComparisonsWithBest:
    """Hsu's constrained multiple comparisons with the best (1984) in a block design.

    values: (block, network), more is better; a block with NaN is left out. shared: the rows of
    which the values are fractions, so that limits hold for other rows too; None for other values.

    All that is needed is that, for the network b that truly is the best, the one-sided upper
    limits of μ_b - μ_j hold for all j together (Edwards and Hsu, 1983). They are t limits of each
    pair's own differences, Bonferroni over the others: for normal differences, whatever their
    variances.
    Raises ValueError for another shape, fewer than two networks or blocks, or infinite values.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"values must be (block, network ≥ 2), got shape {x.shape}")
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    x = x[~np.isnan(x).any(axis=1)]
    if len(x) < 2 or np.isinf(x).any():
        raise ValueError("comparisons with the best need two blocks of finite values")
    means = x.mean(axis=0)
    upper = _upper_limits(x, (1 - level) / (x.shape[1] - 1), shared)
    least = np.array([np.fmin.reduce(upper(i)) for i in range(len(means))])
    high = np.maximum(least, 0.0)
    # Networks that are equal in every block have limits of 0, give or take rounding.
    may_be_best = least >= -1e-12 * np.abs(x).max()
    # μ_i - μ_j ≥ -upper_ji; the best is among the candidates, so their minimum is a lower limit.
    low = np.zeros_like(high)
    for i in np.flatnonzero(may_be_best).tolist():
        low = np.fmin(low, -upper(i))
    return ComparisonsWithBest(len(x), means, low, high, may_be_best)


def cheapest_of(compared: ComparisonsWithBest, cost: ArrayLike, margin: float) -> tuple[int, ...]:
    """The networks that are shown to be worse than the best by less than `margin`, cheap to dear.

    cost: (network,) in any unit. A network qualifies if the lower limit of its comparison with the
    best lies above -margin. Of equal costs the better mean comes first.
    Raises ValueError for a margin that is not positive, or for costs that are not finite.
    """
    costs = np.asarray(cost, dtype=np.float64)
    if costs.shape != compared.means.shape or not np.isfinite(costs).all():
        raise ValueError("cost must be one finite number for each network")
    if not margin > 0:
        raise ValueError(f"a margin is positive, got {margin}")
    good = np.flatnonzero(compared.low > -margin)
    return tuple(good[np.lexsort((-compared.means[good], costs[good]))].tolist())


def _upper_limits(x: NDArray, tail: float, shared: SharedRows | None) -> Callable[[int], NDArray]:
    """Gives, for one network i, (network,) one-sided upper limits of μ_i - μ_j; NaN for j = i.

    A network at a time, so that thousands of networks need no table of all pairs."""
    n = len(x)
    means = x.mean(axis=0)
    centred = x - means
    t = special.stdtrit(n - 1, 1 - tail)
    space = np.empty_like(x)  # used again for each network: new pages would take most of the time

    def upper(i: int) -> NDArray:
        np.square(np.subtract(centred[:, [i]], centred, out=space), out=space)
        half = t * np.sqrt(space.sum(axis=0) / (n - 1) / n)
        differences = means[i] - means
        if shared is not None:
            squares = shared.squares(i, differences)
            of_rows = difference_limits(differences, squares, shared.rows, tail)[1] - differences
            half = np.hypot(half, np.maximum(of_rows, 0.0))
        limits: NDArray = differences + half
        limits[i] = np.nan
        return limits

    return upper
