"""Means over repeated splits of one set of data, whose training sets overlap.

Results of overlapping training sets resemble each other, so their spread says too little of what
other data would give, and a plain t interval is far too narrow. Nadeau and Bengio (2003, Mach.
Learn. 52, 239-281) estimate the variance of the mean of n splits as s²·(1/n + test/train) instead
of s²/n; Bouckaert and Frank (2004, PAKDD, 3-12) take the same for r times repeated k-fold
cross-validation, with n = k·r and test/train = 1/(k - 1). `benchmarks/resampling_simulation.py`
shows how often either is wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special


@dataclass(frozen=True)
class ResampledMean:
    """A mean over n splits with what other data would make of it."""

    n: int
    mean: float
    standard_error: float
    """Over data and seeds, not s/√n; NaN for n < 2."""

    def limits(self, tail: float) -> tuple[float, float]:
        """Beyond each of which the expected mean lies with this probability; infinite for n < 2."""
        if self.n < 2:
            return -math.inf, math.inf
        half = float(special.stdtrit(self.n - 1, 1 - tail)) * self.standard_error
        return self.mean - half, self.mean + half

    def p_above(self, bound: float) -> float:
        """One-sided p-value, small if the expected mean lies above the bound."""
        if self.n < 2:
            return 1.0
        if self.standard_error == 0:
            return 0.0 if self.mean > bound else 1.0
        return float(special.stdtr(self.n - 1, (bound - self.mean) / self.standard_error))

    def p_below(self, bound: float) -> float:
        """One-sided p-value, small if the expected mean lies below the bound."""
        mirrored = ResampledMean(self.n, -self.mean, self.standard_error)
        return mirrored.p_above(-bound)


def resampled_mean(values: ArrayLike, test_over_train: float) -> ResampledMean:
    """The mean over splits and its corrected standard error.

    Args:
        values: (split,) finite; one number of each split, such as a difference of two networks.
        test_over_train: test rows for each row that is learned from, above 0.

    Raises:
        ValueError: a ratio that is not above 0.
    """
    if not test_over_train > 0:
        raise ValueError(f"test rows for each training row are above 0, got {test_over_train}")
    x = np.asarray(values, dtype=np.float64)
    n = len(x)
    mean = float(x.mean()) if n else math.nan
    error = math.nan
    if n > 1:
        error = math.sqrt((1 / n + test_over_train) * float(x.var(ddof=1)))
    return ResampledMean(n, mean, error)
