"""Where one new run would lie, judged from the runs at hand: is a published curve one of them?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from mlplab.statistics.intervals import t_interval

FEWEST_RUNS = 3
"""From two runs the standard deviation is a guess, and a band of any use cannot be had."""
READING_ERROR_OF_ACCURACY = 0.002
"""How far a value read off a printed accuracy curve may lie from the value that was drawn."""


@dataclass(frozen=True, eq=False)
class PublishedComparison:
    """A published run held against the band in which all compared points of one new run lie."""

    n: NDArray[np.int64]
    """(step,) runs behind each point."""
    low: NDArray[np.float64]
    """(step,) NaN where fewer than three runs have a value; likewise the next."""
    high: NDArray[np.float64]
    compared: NDArray[np.bool_]
    """(step,) where there is a published value and a band; the level holds for these together."""
    within: NDArray[np.bool_]
    """(step,) False wherever nothing was compared."""


def compare_with_published(
    runs: ArrayLike,
    published: ArrayLike,
    *,
    level: float = 0.95,
    reading_error: float = READING_ERROR_OF_ACCURACY,
) -> PublishedComparison | None:
    """Say which points of a published run lie where one new run like those at hand would lie.

    The band is mean ± (t_{n-1, 1-α/(2m)}·s·√(1+1/n) + reading error): the prediction interval for
    one new normal value (e.g. Hahn and Meeker, 1991), made simultaneous over the m compared points
    by Bonferroni's inequality, so it holds however the points of a curve hang together.

    runs: (seed, step) at the steps of `published` (step,); NaN in either where there is no value.
    Returns None where nothing can be compared: fewer than three runs, or no published value beside
    them. Raises ValueError where the numbers of steps differ, for a level outside (0, 1) or a
    negative reading error.
    """
    x = np.asarray(runs, dtype=np.float64)
    y = np.asarray(published, dtype=np.float64)
    if x.ndim != 2 or y.shape != x.shape[1:]:
        raise ValueError(
            "runs (seed, step) and published (step,) must share their steps, "
            f"got {x.shape} and {y.shape}"
        )
    if reading_error < 0:
        raise ValueError(f"a reading error is not negative, got {reading_error}")
    at_each = t_interval(x, level=level)
    enough = (at_each.n >= FEWEST_RUNS) & np.isfinite(at_each.mean)
    compared = enough & np.isfinite(y)
    if not compared.any():
        return None
    n = np.where(enough, at_each.n, FEWEST_RUNS)
    t = special.stdtrit(n - 1, 1 - (1 - level) / (2 * int(compared.sum())))
    half = np.where(enough, t * at_each.std * np.sqrt(1 + 1 / n) + reading_error, np.nan)
    low, high = at_each.mean - half, at_each.mean + half
    # Decimal readings meet binary limits: a point exactly on the edge is inside.
    slack = 1e-12 * np.maximum(1.0, np.abs(y))
    within = compared & (low - slack <= y) & (y <= high + slack)
    return PublishedComparison(at_each.n, low, high, compared, within)
