"""Confidence intervals: of a mean over seeds (t) and of a fraction of rows (Clopper-Pearson)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


@dataclass(frozen=True, eq=False)
class MeanInterval:
    """Means with their intervals; every field has the shape of the input without its axis."""

    n: NDArray[np.int64]
    """Values that entered each mean."""
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    """Standard standard deviation with n-1 in the denominator; NaN for n < 2."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]


_test_over_train: ContextVar[float] = ContextVar("test_over_train", default=0.0)


@contextmanager
def overlapping(test_over_train: float) -> Iterator[None]:
    """Within it values are of repeated splits of one set of data, whose training rows overlap.

    Each `t_interval` then takes s²·(1/n + test/train) for the variance of a mean; see `resampling`.
    test_over_train: 0 for values that are independent.
    """
    token = _test_over_train.set(test_over_train)
    try:
        yield
    finally:
        _test_over_train.reset(token)


def t_interval(
    values: ArrayLike,
    *,
    axis: int = 0,
    level: float = 0.95,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> MeanInterval:
    """Mean ± t_{n-1, 1-α/2}·s/√n along one axis (Student, 1908).

    values: any shape; `axis` is what is averaged over, usually the seed. NaN is a value that does
    not exist; n counts the others.
    An infinite value makes its mean infinite and the limits NaN; n = 1 gives NaN limits, n = 0
    NaN throughout.
    bounds: between which every value lies; the limits are cut there.
    Raises ValueError for a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, got {level}")
    x = np.moveaxis(np.asarray(values, dtype=np.float64), axis, 0)
    present = ~np.isnan(x)
    n = present.sum(axis=0).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, x, 0.0).sum(axis=0) / n
        std = np.sqrt((np.where(present, x - mean, 0.0) ** 2).sum(axis=0) / (n - 1))
        std = np.where(n > 1, std, np.nan)
        half = special.stdtrit(np.maximum(n - 1, 1), (1 + level) / 2) * std / np.sqrt(n)
        if overlap := _test_over_train.get():
            half = half * np.sqrt(1 + n * overlap)
        low, high = np.maximum(mean - half, bounds[0]), np.minimum(mean + half, bounds[1])
        return MeanInterval(n, mean, std, low, high)
