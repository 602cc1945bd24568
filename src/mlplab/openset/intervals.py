"""How sure a measure is: over test rows of one network, and over seeds or splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, rankdata, t

from mlplab.openset.auroc import auroc
from mlplab.openset.errors import refuse
from mlplab.openset.scores import checked_scores


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float
    level: float
    method: str


def wilson(hits: Any, of: Any, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a share (JASA 1927): low and high, for arrays of any shape.

    Shares of nothing have the interval 0 to 1.
    """
    n = np.asarray(of, dtype=np.float64)
    z2 = float(norm.ppf((1 + _checked_level(level)) / 2)) ** 2
    p = np.divide(hits, n, out=np.full(np.broadcast(hits, n).shape, 0.5), where=n > 0)
    middle = (n * p + z2 / 2) / (n + z2)
    half = np.sqrt(z2) * np.sqrt(n * p * (1 - p) + z2 / 4) / (n + z2)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def auroc_interval(known: Any, unknown: Any, level: float = 0.95) -> Interval:
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
        return Interval(value, float(low), float(high), level, "Wilson")
    half = norm.ppf((1 + level) / 2) * np.sqrt(variance) / (value * (1 - value))
    low, high = expit(logit(value) - half), expit(logit(value) + half)
    return Interval(value, float(low), float(high), level, "DeLong")


def auroc_difference(
    known: tuple[Any, Any], unknown: tuple[Any, Any], level: float = 0.95
) -> Interval:
    """AUROC of the first detector less that of the second on the same rows: paired DeLong.

    Args:
        known: each detector's scores (known row,) of the same known rows.
        unknown: likewise of the same unknown rows.
        level: of the interval.
    """
    sides = []
    for k, u in zip(known, unknown, strict=True):
        sides.append((checked_scores("known scores", k), checked_scores("unknown scores", u)))
    (k1, u1), (k2, u2) = sides
    if len(k1) != len(k2) or len(u1) != len(u2):
        refuse(
            "scores of two detectors",
            "the same rows for both",
            f"{len(k1)} and {len(k2)} known, {len(u1)} and {len(u2)} unknown rows",
        )
    first, second = _placements(k1, u1), _placements(k2, u2)
    variance = _variance(first[0] - second[0]) + _variance(first[1] - second[1])
    value = auroc(k1, u1) - auroc(k2, u2)
    half = float(norm.ppf((1 + _checked_level(level)) / 2) * np.sqrt(variance))
    return Interval(value, max(value - half, -1.0), min(value + half, 1.0), level, "paired DeLong")


def over_seeds(values: Any, level: float = 0.95) -> Interval:
    """Mean over seeds (or splits) with Student's interval; two values at least.

    For detectors compared in pairs, give the differences on the same seeds.
    """
    array = checked_scores("values", values)
    if len(array) < 2:
        refuse("values", "at least two seeds", "one", "one run says nothing of another")
    value = float(array.mean())
    half = float(t.ppf((1 + _checked_level(level)) / 2, len(array) - 1) * _spread(array))
    return Interval(value, value - half, value + half, level, "t")


def bootstrap_interval(
    metric: Callable[[np.ndarray, np.ndarray], float],
    known: Any,
    unknown: Any,
    level: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> Interval:
    """Any measure of known and unknown scores over test rows: percentiles of resampled rows.

    Known and unknown rows are drawn anew separately, so their numbers stay as they are.
    """
    k, u = checked_scores("known scores", known), checked_scores("unknown scores", unknown)
    draw = np.random.default_rng(seed)
    values = [
        metric(k[draw.integers(len(k), size=len(k))], u[draw.integers(len(u), size=len(u))])
        for _ in range(repeats)
    ]
    tail = (1 - _checked_level(level)) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(metric(k, u)), float(low), float(high), level, "bootstrap")


def _placements(known: np.ndarray, unknown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each unknown row the share of known rows below it, for each known row of unknown above.

    By ranks, as in Sun and Xu (IEEE Signal Processing Letters 2014).
    """
    together = rankdata(np.concatenate([unknown, known]))
    m, n = len(unknown), len(known)
    below = (together[:m] - rankdata(unknown)) / n
    above = 1 - (together[m:] - rankdata(known)) / m
    return below, above


def _variance(values: np.ndarray) -> float:
    """Variance of the mean of values (row,); one row alone gives no estimate and counts as 0."""
    return _spread(values) ** 2 if len(values) > 1 else 0.0


def _spread(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _checked_level(level: float) -> float:
    if not 0 < level < 1:
        refuse("level", "a share above 0 and below 1, such as 0.95", repr(level))
    return level
