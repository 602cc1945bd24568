"""How many seeds a trend would need, without simulating every number of them."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from mlplab.statistics.power import MOST_SEEDS

BLOCKS = 4000
"""Simulated seeds from which the mean and standard deviation of a block's statistic are taken."""


def seeds_for_trend_about(
    means: np.ndarray, std: float, *, alpha: float, power: float = 0.8, fewest: int = 1
) -> int | None:
    """About the seeds with which Page's test finds the increase of these means at α/2.

    means: (condition,) in the order of the claim; std: of one value within its seed. Page's
    L is a sum over seeds; with μ₀, σ₀ of one seed if nothing differs (Page, 1963) and μ₁, σ₁ if
    values are normal about these means, n = ((z₁₋α/₂·σ₀ + z_power·σ₁)/(μ₁ - μ₀))² by the central
    limit theorem. None where the means do not increase.
    """
    count = len(means)
    if std <= 0 or not np.isfinite(means).all():
        return None
    values = np.random.default_rng(0).normal(means, std, size=(BLOCKS, count))
    ranks = values.argsort(axis=1).argsort(axis=1) + 1
    statistic = ranks @ np.arange(1, count + 1)
    gain = float(statistic.mean()) - count * (count + 1) ** 2 / 4
    # Beyond three standard errors of nothing at all there is something to be found.
    if gain <= 3 * _null_std(count) / math.sqrt(BLOCKS):
        return None
    std = float(statistic.std())
    return seeds_for_trend_of_ranks(gain, std, count, alpha=alpha, power=power, fewest=fewest)


def seeds_for_trend_of_ranks(
    gain: float,
    std: float,
    count: int,
    *,
    alpha: float,
    power: float = 0.8,
    fewest: int = 1,
) -> int | None:
    """The same from the ranks that were seen, where values are not finite.

    gain: the mean over seeds of a seed's part of Page's L, less what it would be if nothing
    differed; std: of that part; count: conditions. None where there is no gain, or beyond
    `MOST_SEEDS`.
    """
    if not gain > 0:
        return None
    z = special.ndtri(1 - alpha / 2) * _null_std(count) + special.ndtri(power) * std
    needed = max(fewest, math.ceil((z / gain) ** 2))
    return needed if needed <= MOST_SEEDS else None


def _null_std(count: int) -> float:
    """Of a seed's part of Page's L where nothing differs."""
    return math.sqrt(count**2 * (count + 1) ** 2 * (count - 1) / 144)
