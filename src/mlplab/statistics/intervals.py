"""Confidence intervals: of a mean (t, bootstrap) and of a share (Clopper-Pearson)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FEWEST_SEEDS_FOR_BOOTSTRAP = 20
"""Below this, bootstrap intervals of a mean cover visibly less than they promise."""


@dataclass(frozen=True, eq=False)
class MeanInterval:
    """Means with their intervals; every field has the shape of the input without its axis."""

    n: NDArray[np.int64]
    """Values that entered each mean."""
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    """Standard deviation with n-1 in the denominator; NaN for n < 2."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ShareInterval:
    """Shares with their intervals; every field has the broadcast shape of the inputs."""

    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def t_interval(
    values: ArrayLike,
    *,
    axis: int = 0,
    level: float = 0.95,
    missing: Literal["omit", "propagate"] = "omit",
) -> MeanInterval:
    """Mean ± t_{n-1, 1-α/2}·s/√n along one axis (Student, 1908).

    values: any shape; `axis` is what is averaged over, usually the seed.
    missing: what NaN means. "omit" (default): the value does not exist, n counts the others.
        "propagate": a mean with a missing value is itself missing.
    An infinite value makes its mean infinite and the limits NaN; n = 1 gives NaN limits, n = 0
    NaN throughout.
    Raises ValueError for a level outside (0, 1).
    """
    _require_level(level)
    x = np.moveaxis(np.asarray(values, dtype=np.float64), axis, 0)
    present = ~np.isnan(x)
    n = present.sum(axis=0).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, x, 0.0).sum(axis=0) / n
        deviation = np.sqrt((np.where(present, x - mean, 0.0) ** 2).sum(axis=0) / (n - 1))
        deviation = np.where(n > 1, deviation, np.nan)
        half = special.stdtrit(np.maximum(n - 1, 1), (1 + level) / 2) * deviation / np.sqrt(n)
        if missing == "propagate":
            whole = n == x.shape[0]
            mean, deviation, half = (np.where(whole, v, np.nan) for v in (mean, deviation, half))
        return MeanInterval(n, mean, deviation, mean - half, mean + half)


def clopper_pearson_interval(
    successes: ArrayLike, trials: ArrayLike, level: float = 0.95
) -> ShareInterval:
    """Exact interval of a share (Clopper and Pearson, 1934): covers at least at its level.

    successes, trials: counts that broadcast against each other. No trials give NaN.
    Raises ValueError for counts that cannot be.
    """
    k, n = _counts(successes, trials)
    _require_level(level)
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / n
        low = np.where(k == 0, 0.0, special.betaincinv(np.maximum(k, 1), n - k + 1, tail))
        high = np.where(k == n, 1.0, special.betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail))
    return ShareInterval(share, *(np.where(n > 0, limit, np.nan) for limit in (low, high)))


def bootstrap_interval(
    values: ArrayLike, *, axis: int = 0, level: float = 0.95, resamples: int = 9999, seed: int = 0
) -> MeanInterval:
    """Bias-corrected and accelerated bootstrap interval of a mean (Efron, 1987).

    values: any shape; `axis` (usually the seed) is resampled, with the same draws for all others.
    The same `seed` gives the same interval. Values that are all equal give an interval of width 0.
    Raises ValueError for fewer than 20 values along the axis, and for values that are not finite.
    """
    _require_level(level)
    x = np.moveaxis(np.asarray(values, dtype=np.float64), axis, 0)
    n, shape = x.shape[0], x.shape[1:]
    if n < FEWEST_SEEDS_FOR_BOOTSTRAP:
        raise ValueError(
            f"a bootstrap interval needs at least {FEWEST_SEEDS_FOR_BOOTSTRAP} seeds, got {n}; "
            "use a t or a sign-flip interval"
        )
    if not np.isfinite(x).all():
        raise ValueError("a bootstrap interval needs finite values, got NaN or infinity")
    x = x.reshape(n, -1)
    mean = x.mean(axis=0)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    centred = x - mean
    resampled = np.sort(draws @ centred / n, axis=0)
    squares = (centred**2).sum(axis=0)
    constant = squares <= (1e-14 * np.abs(x).max(axis=0, initial=0.0)) ** 2 * n
    # For a mean the jackknife values are linear in the data, so the acceleration is in closed form.
    acceleration = (centred**3).sum(axis=0) / (6 * np.where(constant, 1.0, squares) ** 1.5)
    below = (resampled < 0).mean(axis=0) + 0.5 * (resampled == 0).mean(axis=0)
    bias = special.ndtri(np.clip(below, 0.5 / resamples, 1 - 0.5 / resamples))
    limits = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + special.ndtri(tail)
        share = special.ndtr(bias + z / (1 - acceleration * z))
        limits.append(mean + np.where(constant, 0.0, _quantile_by_column(resampled, share)))
    return MeanInterval(
        np.full(shape, n, dtype=np.int64),
        mean.reshape(shape),
        np.sqrt(squares / (n - 1)).reshape(shape),
        limits[0].reshape(shape),
        limits[1].reshape(shape),
    )


def _quantile_by_column(ordered: NDArray, share: NDArray) -> NDArray:
    """Quantile of each sorted column at its own share, linear between order statistics."""
    place = share * (len(ordered) - 1)
    below = np.clip(np.floor(place).astype(np.int64), 0, len(ordered) - 2)
    columns = np.arange(ordered.shape[1])
    weight = place - below
    return (1 - weight) * ordered[below, columns] + weight * ordered[below + 1, columns]


def _require_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")


def _counts(successes: ArrayLike, trials: ArrayLike) -> tuple[NDArray, NDArray]:
    k, n = np.broadcast_arrays(
        np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    )
    if not ((k >= 0) & (k <= n)).all():
        raise ValueError("successes must be counts from 0 up to the number of trials")
    return k, n
