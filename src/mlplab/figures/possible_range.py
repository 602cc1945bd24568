"""What a metric can be at all: intervals are drawn no farther than that.

A t interval or prediction band of three runs may reach below zero or above one. Its limits stand
in the figure's numbers as they were computed; drawn to their full length they would press the
curves themselves into a line.
"""

from __future__ import annotations

import pandas as pd

_SHARES = ("accuracy", "dead_units")

CUT = "Intervals are drawn as far as the metric can reach; their full limits stand in the CSV."


def cut(table: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The table with its columns `low` and `high` cut to what the metric can be."""
    highest = 1.0 if metric in _SHARES else None
    limits = {name: table[name].clip(0.0, highest) for name in ("low", "high")}
    return table.assign(**limits)


def reaches_beyond(table: pd.DataFrame, metric: str) -> bool:
    """Whether an interval is longer than it can be drawn."""
    within = cut(table, metric)
    return bool((within["low"] > table["low"]).any() or (within["high"] < table["high"]).any())
