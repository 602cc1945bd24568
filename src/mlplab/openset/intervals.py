"""How sure a measure is over the test rows of one network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from mlplab.openset.auroc import auroc
from mlplab.openset.errors import refuse
from mlplab.openset.scores import checked_flags, checked_scores


@dataclass(frozen=True)
class Estimate:
    """A fraction of rows or an area, with the ends of its interval over test rows."""

    value: float
    low: float
    high: float


def wilson(hits: Any, of: Any, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a fraction (JASA 1927): low and high, for arrays of any shape.

    Fractions of nothing have the interval 0 to 1.
    """
    n = np.asarray(of, dtype=np.float64)
    z2 = float(norm.ppf((1 + _checked_level(level)) / 2)) ** 2
    p = np.divide(hits, n, out=np.full(np.broadcast(hits, n).shape, 0.5), where=n > 0)
    middle = (n * p + z2 / 2) / (n + z2)
    half = np.sqrt(z2) * np.sqrt(n * p * (1 - p) + z2 / 4) / (n + z2)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def fraction_of(flags: Any, level: float = 0.95) -> Estimate:
    """The fraction of flags (row,) that are true, such as known rows rejected, with Wilson's interval."""
    array = checked_flags("flags", flags, np.size(flags))
    if not len(array):
        refuse("flags", "at least one row", "none")
    low, high = wilson(array.sum(), len(array), level)
    return Estimate(float(array.mean()), float(low), float(high))


def auroc_interval(known: Any, unknown: Any, level: float = 0.95) -> Estimate:
    """AUROC over test rows: DeLong's variance (Biometrics 1988), on the logit scale.

    DeLong's variance is 0 under perfect separation, which is not certainty: then Wilson's interval
    for as many independent pairs as there are rows on the smaller side takes its place. So it does
    where a side has one row only, which says nothing of how another such row would score.
    """
    _checked_level(level)
    k, u = checked_scores("known scores", known), checked_scores("unknown scores", unknown)
    value = auroc(k, u)
    from_unknown, from_known = _placements(k, u)
    variance = _variance(from_unknown) + _variance(from_known)
    pairs = min(len(k), len(u))
    if variance <= 1e-15 or not 0 < value < 1 or pairs == 1:
        low, high = wilson(value * pairs, pairs, level)
        return Estimate(value, float(low), float(high))
    half = norm.ppf((1 + level) / 2) * np.sqrt(variance) / (value * (1 - value))
    low, high = expit(logit(value) - half), expit(logit(value) + half)
    return Estimate(value, float(low), float(high))


def _placements(known: np.ndarray, unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each unknown row the fraction of known rows below it, for each known row of unknown above.

    By ranks, as in Sun and Xu (IEEE Signal Processing Letters 2014).
    """
    together = rankdata(np.concatenate([unknown, known]))
    m, n = len(unknown), len(known)
    below = (together[:m] - rankdata(unknown)) / n
    above = 1 - (together[m:] - rankdata(known)) / m
    return below, above


def _variance(values: np.ndarray) -> float:
    """Variance of the mean of values (row,); one row alone gives no estimate and counts as 0."""
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.0


def _checked_level(level: float) -> float:
    if not 0 < level < 1:
        refuse("level", "a fraction above 0 and below 1, such as 0.95", repr(level))
    return level
