"""What can be said of training seconds over seeds."""

from __future__ import annotations

import numpy as np


def measured_once(seconds: np.ndarray) -> np.ndarray:
    """(network, run) seconds, NaN where a network has the very same number already.

    Networks that train in one stack share its time evenly, to the last digit; so equal numbers are
    one measurement, and their interval would say that time is known better than it is.
    """
    found = np.array(seconds, dtype=np.float64)
    for row in found:
        _, first = np.unique(row, return_index=True)
        again = np.ones(len(row), dtype=bool)
        again[first] = False
        row[again] = np.nan
    return found
