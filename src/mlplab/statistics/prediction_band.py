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
class PredictionBand:
    """The band in which all compared points of one new run lie together, with the stated level."""

    n: NDArray[np.int64]
    """(step,) runs behind each point."""
    mean: NDArray[np.float64]
    """(step,)"""
    low: NDArray[np.float64]
    """(step,) NaN where fewer than three runs have a value."""
    high: NDArray[np.float64]
    """(step,)"""
    level: float
    points: int
    """Points that the level holds for together."""
    reading_error: float


@dataclass(frozen=True, eq=False)
class PublishedComparison:
    """A published run held against the band; speaks only of points that both have."""

    band: PredictionBand
    published: NDArray[np.float64]
    """(step,)"""
    compared: NDArray[np.bool_]
    """(step,) where there is a published value and a band."""
    within: NDArray[np.bool_]
    """(step,) False wherever nothing was compared."""

    @property
    def all_within(self) -> bool:
        """Whether every compared point lies in the band."""
        return bool(self.within[self.compared].all())

    @property
    def points_within(self) -> int:
        """How many of the compared points lie in the band."""
        return int(self.within.sum())


def prediction_band(
    runs: ArrayLike,
    *,
    level: float = 0.95,
    points: int | None = None,
    reading_error: float = 0.0,
) -> PredictionBand | None:
    """Mean ± (t_{n-1, 1-α/(2m)}·s·√(1+1/n) + reading error): where one new run would lie.

    The prediction interval for one new normal value (e.g. Hahn and Meeker, 1991), made
    simultaneous over m points by Bonferroni's inequality, so it holds however the points of a
    curve hang together.

    runs: (seed, step), NaN where a run has no value. points: m, by default all steps that have a
    band. Returns None where no step has three runs: then nothing can be said.
    Raises ValueError for another shape, a level outside (0, 1) or a negative reading error.
    """
    x = np.asarray(runs, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"runs must be an array (seed, step), got {x.ndim} axes")
    if reading_error < 0:
        raise ValueError(f"a reading error is not negative, got {reading_error}")
    at_each = t_interval(x, level=level)
    enough = (at_each.n >= FEWEST_RUNS) & np.isfinite(at_each.mean)
    if not enough.any():
        return None
    m = int(enough.sum()) if points is None else points
    if m < 1:
        raise ValueError(f"a band holds for at least one point, got {m}")
    n = np.where(enough, at_each.n, FEWEST_RUNS)
    t = special.stdtrit(n - 1, 1 - (1 - level) / (2 * m))
    half = np.where(enough, t * at_each.std * np.sqrt(1 + 1 / n) + reading_error, np.nan)
    return PredictionBand(
        at_each.n, at_each.mean, at_each.mean - half, at_each.mean + half, level, m, reading_error
    )


def compare_with_published(
    runs: ArrayLike,
    published: ArrayLike,
    *,
    level: float = 0.95,
    reading_error: float = READING_ERROR_OF_ACCURACY,
) -> PublishedComparison | None:
    """Say which points of a published run lie in the prediction band of the runs at hand.

    runs: (seed, step) at the steps of `published` (step,); NaN in either where there is no value.
    The level holds for all compared points together. Returns None where nothing can be compared:
    fewer than three runs, or no published value beside them.
    Raises ValueError where the numbers of steps differ.
    """
    x = np.asarray(runs, dtype=np.float64)
    y = np.asarray(published, dtype=np.float64)
    if x.ndim != 2 or y.shape != x.shape[1:]:
        raise ValueError(
            "runs (seed, step) and published (step,) must share their steps, "
            f"got {x.shape} and {y.shape}"
        )
    enough = (~np.isnan(x)).sum(axis=0) >= FEWEST_RUNS
    compared = enough & np.isfinite(x.sum(axis=0, where=~np.isnan(x))) & np.isfinite(y)
    if not compared.any():
        return None
    band = prediction_band(x, level=level, points=int(compared.sum()), reading_error=reading_error)
    if band is None:
        return None
    # Decimal readings meet binary limits: a point exactly on the edge is inside.
    slack = 1e-12 * np.maximum(1.0, np.abs(y[compared]))
    within = np.zeros(y.shape, dtype=bool)
    within[compared] = (band.low[compared] - slack <= y[compared]) & (
        y[compared] <= band.high[compared] + slack
    )
    return PublishedComparison(band, y, compared, within)
