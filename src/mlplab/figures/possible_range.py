"""How far an interval is drawn: where the metric can be, and not far beyond what was measured.

A t interval or prediction band of three runs may reach below zero or above one, and be many times
as wide as all that was measured. Its limits stand in the figure's numbers as they were computed;
drawn to their full length they would press the curves themselves into a line.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mlplab.declarations.task import METRICS
from mlplab.figures.vega import Spec

_EXPLODED = 20.0
"""A run that reaches so many times as far as the median of the runs sets no linear axis."""

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
    lowest, highest = _bounds(metric)
    values = np.asarray([] if measured is None else measured, dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values):
        room = beyond * float(np.ptp(values))
        lowest = max(lowest, float(values.min()) - room)
        highest = min(highest, float(values.max()) + room)
    limits = {name: table[name].clip(lowest, highest) for name in ("low", "high")}
    return table.assign(**limits)


def _bounds(metric: str) -> tuple[float, float]:
    if metric not in METRICS:
        return 0.0, 1.0 if metric == "dead_units" else np.inf
    low, high = METRICS[metric].low, METRICS[metric].high
    return -np.inf if low is None else low, np.inf if high is None else high


def reaches_beyond(
    table: pd.DataFrame, metric: str, measured: ArrayLike | None = None, beyond: float = 0.25
) -> bool:
    """Whether an interval is longer than it is drawn."""
    within = cut(table, metric, measured, beyond)
    return bool((within["low"] > table["low"]).any() or (within["high"] < table["high"]).any())


def value_axis(runs: Sequence[ArrayLike], metric: str) -> tuple[Spec, str]:
    """The vertical scale of curves, and what a reader must know of it; empty where nothing.

    Args:
        runs: the values of each run, without those that are not finite.
        metric: of the values.
    """
    arrays = [np.asarray(run, dtype=np.float64) for run in runs]
    values = np.concatenate(arrays) if arrays else np.empty(0)
    if not len(values):
        return {"zero": False}, ""
    low, high = float(values.min()), float(values.max())
    if low == high:
        # Vega writes the label 0 where the axis has no length.
        room = 0.05 * abs(low) or 0.5
        highest = _bounds(metric)[1]
        return {"domain": [low - room, max(min(high + room, highest), high)], "zero": False}, ""
    usual = float(np.median([run.max() for run in arrays if len(run)]))
    if _bounds(metric)[1] == 1.0 or high <= max(_EXPLODED * usual, 100.0):
        return {"zero": False}, ""
    if low > 0:
        told = f"The axis is logarithmic, since a run reaches {_large(high)}."
        return {"type": "log", "nice": False}, told
    top = max(_EXPLODED * usual, 100.0)
    told = f"The axis ends at {_large(top)}, though a run reaches {_large(high)}."
    return {"domain": [low, top], "zero": False}, told


def _large(value: float) -> str:
    return f"{value:,.0f}" if value < 1e7 else f"{value:.2e}"
