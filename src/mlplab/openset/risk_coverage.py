"""How often one is wrong if only the rows that look most familiar are answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplab.openset.scores import checked_flags, checked_scores


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Risk at every coverage, rows being answered by increasing score."""

    coverage: np.ndarray
    """(row,): fraction of rows answered, 1/n to 1."""
    risk: np.ndarray
    """(row,): fraction of wrong answers among them; for tied rows the mean over their orders."""

    @property
    def area(self) -> float:
        """Mean risk over all coverages (AURC); smaller is better."""
        return float(self.risk.mean())


def risk_coverage(scores: Any, wrong: Any) -> RiskCoverage:
    """The curve of El-Yaniv and Wiener (JMLR 2010); Geifman and El-Yaniv (NeurIPS 2017).

    Args:
        scores: (row,), higher is more unknown.
        wrong: (row,) bool: whether answering this row is wrong. An unknown row always is.

    Raises:
        ValueError: no row, NaN or infinite scores, or flags that do not belong to them.
    """
    s = checked_scores("scores", scores)
    flags = checked_flags("wrong", wrong, len(s))
    _, group, size = np.unique(s, return_inverse=True, return_counts=True)
    fraction_wrong = np.bincount(group, weights=flags) / size
    answered = np.arange(1, len(s) + 1)
    return RiskCoverage(answered / len(s), np.cumsum(np.repeat(fraction_wrong, size)) / answered)
