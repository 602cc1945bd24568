"""How well scores separate unknown from known: ROC, its area, and what is read off it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from scipy.stats import rankdata

from mlplab.openset.errors import refuse
from mlplab.openset.scores import checked_scores

Positive = Literal["unknown", "known"]
"""Which side counts as found; the other's fraction above the threshold is the false-positive rate."""


@dataclass(frozen=True, eq=False)
class RocCurve:
    """One point for each different score, from (0, 0) to (1, 1); unknown is positive."""

    known_rejected: np.ndarray
    """(point,): false-positive rate, the fraction of known rows with a score of at least `score`."""
    unknown_rejected: np.ndarray
    """(point,): true-positive rate, likewise of unknown rows."""
    score: np.ndarray
    """(point,): decreasing; infinity at the first point."""


def roc_curve(known: Any, unknown: Any) -> RocCurve:
    """The ROC curve of scores of known rows and of unknown rows.

    Raises:
        ValueError: either is empty or holds NaN or infinity (so do all functions here).
    """
    k, u = _both(known, unknown)
    at = np.unique(np.concatenate([k, u]))[::-1]
    return RocCurve(
        known_rejected=np.append(0.0, _count_at_least(k, at) / len(k)),
        unknown_rejected=np.append(0.0, _count_at_least(u, at) / len(u)),
        score=np.append(np.inf, at),
    )


def auroc(known: Any, unknown: Any) -> float:
    """P(unknown scores above known) + ½ P(equal): the Mann-Whitney statistic."""
    k, u = _both(known, unknown)
    ranks = rankdata(np.concatenate([u, k]))[: len(u)]
    return float((ranks.sum() - len(u) * (len(u) + 1) / 2) / (len(u) * len(k)))


def average_precision(known: Any, unknown: Any, positive: Positive) -> float:
    """The area under precision and recall as Σ (R_n − R_{n−1}) P_n, tied rows taken together.

    It depends on how many rows of each side there are; compare it on equal proportions only.
    """
    found, others = _oriented(known, unknown, positive)
    at = np.unique(found)[::-1]
    hits = _count_at_least(found, at)
    false = _count_at_least(others, at)
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / (hits + false)).sum() / len(found))


def fpr_at_tpr(known: Any, unknown: Any, positive: Positive, tpr: float = 0.95) -> float:
    """The smallest fraction of the other side passed where at least `tpr` of the positive are found.

    With unknown positive: known rows rejected where 95% of unknown ones are. With known positive:
    unknown rows accepted where 95% of known ones are. The two are different numbers.
    """
    if not 0 < tpr <= 1:
        refuse("tpr", "a fraction above 0 and at most 1", repr(tpr))
    found, others = _oriented(known, unknown, positive)
    needed = -(-Fraction(str(tpr)) * len(found) // 1)
    threshold = np.sort(found)[len(found) - int(needed)]
    return float(np.mean(others >= threshold))


SEPARATION_METRICS: dict[str, Callable[[Any, Any], float]] = {
    "auroc": auroc,
    "aupr_unknown_positive": lambda k, u: average_precision(k, u, "unknown"),
    "aupr_known_positive": lambda k, u: average_precision(k, u, "known"),
    "fpr_at_95_tpr_unknown_positive": lambda k, u: fpr_at_tpr(k, u, "unknown"),
    "fpr_at_95_tpr_known_positive": lambda k, u: fpr_at_tpr(k, u, "known"),
}
"""By the name that exports give them; each takes known scores and unknown scores."""


def separation(known: Any, unknown: Any) -> dict[str, float]:
    """All of them, of scores of known rows and of unknown rows."""
    return {name: measure(known, unknown) for name, measure in SEPARATION_METRICS.items()}


def _both(known: Any, unknown: Any) -> tuple[np.ndarray, np.ndarray]:
    return checked_scores("known scores", known), checked_scores("unknown scores", unknown)


def _oriented(known: Any, unknown: Any, positive: Positive) -> tuple[np.ndarray, np.ndarray]:
    """The positive side and the other, so that positive rows should have the higher scores."""
    k, u = _both(known, unknown)
    if positive == "unknown":
        return u, k
    if positive == "known":
        return -k, -u
    refuse("positive", "unknown or known", repr(positive))


def _count_at_least(scores: np.ndarray, at: np.ndarray) -> np.ndarray:
    return len(scores) - np.searchsorted(np.sort(scores), at, side="left")
