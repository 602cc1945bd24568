"""How often one is wrong if only the rows that look most familiar are answered."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlplab.openset.scores import checked_flags, checked_scores


def risk_by_coverage(scores: Any, wrong: Any) -> np.ndarray:
    """The curve of El-Yaniv and Wiener (JMLR 2010); its mean is AURC, smaller is better.

    Args:
        scores: (row,), higher is more unknown.
        wrong: (row,) bool: whether answering this row is wrong. An unknown row always is.

    Returns:
        (row,) the fraction of wrong answers if the 1, 2, … rows of the smallest scores are
        answered; for tied rows the mean over their orders.

    Raises:
        ValueError: no row, NaN or infinite scores, or flags that do not belong to them.
    """
    s = checked_scores("scores", scores)
    flags = checked_flags("wrong", wrong, len(s))
    _, group, size = np.unique(s, return_inverse=True, return_counts=True)
    fraction_wrong = np.bincount(group, weights=flags) / size
    return np.cumsum(np.repeat(fraction_wrong, size)) / np.arange(1, len(s) + 1)
