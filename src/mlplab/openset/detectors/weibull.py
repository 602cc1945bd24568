"""A Weibull distribution fitted to the largest of a class's distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.optimize import brentq

from mlplab.openset.errors import refuse

_STEEPEST = 1e4


@final
@dataclass(frozen=True)
class Weibull:
    """P(distance ≤ d) = 1 − exp(−((d − location)/scale)^shape) above the location, 0 below."""

    location: float
    scale: float
    shape: float

    def cumulative(self, distances: np.ndarray) -> np.ndarray:
        """F(d) of distances of any shape, float64."""
        ratio = np.maximum(distances - self.location, 0.0) / self.scale
        with np.errstate(over="ignore"):
            result: np.ndarray = -np.expm1(-(ratio**self.shape))
        return result


def tail_fit(distances: np.ndarray, tail: int) -> Weibull:
    """The maximum-likelihood Weibull of the `tail` largest distances (row,).

    As in libMR (Scheirer et al., PAMI 2011) the location is one unit below the smallest distance
    of the tail; shape and scale are then the two-parameter estimate, by its one equation: the
    general optimizer of `scipy.stats.weibull_min.fit` finds four digits of it.

    Raises:
        ValueError: distances that are not finite.
    """
    largest = np.sort(distances)[-tail:].astype(np.float64)
    if not np.isfinite(largest).all():
        refuse("openmax", "finite distances to class centres", "infinite ones")
    # not largest − location: a unit is nothing to distances beyond 2⁵³
    x = (largest - largest[0]) + 1.0
    top = float(x[-1])
    logs = np.log(x / top)
    shape = _shape(logs)
    scale = top * float(np.mean(np.exp(shape * logs))) ** (1 / shape)
    return Weibull(float(largest[0]) - 1.0, scale, shape)


def _shape(logs: np.ndarray) -> float:
    """The root of Σ xᵏ log x / Σ xᵏ − 1/k − mean log x = 0, from log x scaled so that max x = 1."""

    def slope(k: float) -> float:
        weights = np.exp(k * logs)
        return float(weights @ logs / weights.sum() - 1 / k - logs.mean())

    # Distances that are all equal have no finite estimate: the steepest stands for a step.
    if slope(_STEEPEST) <= 0:
        return _STEEPEST
    return float(brentq(slope, 1e-6, _STEEPEST, xtol=1e-12, rtol=1e-12))
