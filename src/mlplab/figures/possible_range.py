"""How far an interval is drawn: where the metric can be, and not far beyond what was measured.

A t interval or prediction band of three runs may reach below zero or above one, and be many times
as wide as all that was measured. Its limits stand in the figure's numbers as they were computed;
drawn to their full length they would press the curves themselves into a line.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

_SHARES = ("accuracy", "dead_units")

CUT = (
    "Intervals are drawn as far as the metric can reach, and not far beyond what was measured; "
    "their full limits stand in the CSV."
)


def cut(
    table: pd.DataFrame, metric: str, measured: ArrayLike | None = None, beyond: float = 0.25
) -> pd.DataFrame:
    """The table with its columns `low` and `high` cut.

    measured: values that are drawn; the limits go beyond their range by no more than the share
        `beyond` of it.
    """
    lowest, highest = 0.0, 1.0 if metric in _SHARES else np.inf
    values = np.asarray([] if measured is None else measured, dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values):
        room = beyond * float(np.ptp(values))
        lowest = max(lowest, float(values.min()) - room)
        highest = min(highest, float(values.max()) + room)
    limits = {name: table[name].clip(lowest, highest) for name in ("low", "high")}
    return table.assign(**limits)


def reaches_beyond(
    table: pd.DataFrame, metric: str, measured: ArrayLike | None = None, beyond: float = 0.25
) -> bool:
    """Whether an interval is longer than it is drawn."""
    within = cut(table, metric, measured, beyond)
    return bool((within["low"] > table["low"]).any() or (within["high"] < table["high"]).any())
