"""Which of many are beaten by none when two things count."""

from __future__ import annotations

import numpy as np


def pareto_front(cost: np.ndarray, value: np.ndarray) -> np.ndarray:
    """(item,) whether no other is at least as good and as cheap, and better in one.

    cost, value: (item,) finite. Of items that are equal in both, the first stands for all.
    """
    order = np.lexsort((-value, cost))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], value[order][:-1]]))
    front = np.zeros(len(cost), dtype=bool)
    front[order] = value[order] > best
    return front
