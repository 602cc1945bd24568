"""Open-set classification rate: being right on known rows against taking unknown ones for known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplab.openset.scores import checked_flags, checked_scores


@dataclass(frozen=True, eq=False)
class OscrCurve:
    """One point for each different score; it ends at (1, accuracy on known rows)."""

    unknown_accepted: np.ndarray
    """(point,): false-positive rate, unknown rows with a score of at most `score`."""
    known_right: np.ndarray
    """(point,): known rows that are classified right and have a score of at most `score`."""
    score: np.ndarray
    """(point,): increasing; minus infinity at the first point, (0, 0)."""

    @property
    def area(self) -> float:
        """By trapezia, so that tied known and unknown rows count one half.

        Never above the accuracy on known rows, nor above the AUROC. Perfect separation gives the
        accuracy, constant scores half of it.
        """
        heights = (self.known_right[1:] + self.known_right[:-1]) / 2
        return float(heights @ np.diff(self.unknown_accepted))


def oscr_curve(known: Any, right: Any, unknown: Any) -> OscrCurve:
    """The curve of Dhamija et al. (NeurIPS 2018).

    Args:
        known: (known row,) scores.
        right: (known row,) bool: whether the network gives the row its class.
        unknown: (unknown row,) scores.

    Raises:
        ValueError: scores are missing, NaN or infinite, or flags do not belong to them.
    """
    k = checked_scores("known scores", known)
    u = checked_scores("unknown scores", unknown)
    flags = checked_flags("right", right, len(k))
    at = np.unique(np.concatenate([k, u]))
    return OscrCurve(
        unknown_accepted=np.append(0.0, _at_most(u, at) / len(u)),
        known_right=np.append(0.0, _at_most(k[flags], at) / len(k)),
        score=np.append(-np.inf, at),
    )


def _at_most(scores: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(scores), at, side="right")
