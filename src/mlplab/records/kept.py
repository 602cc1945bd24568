"""What was measured of the weights that a run keeps: its last, or those it went back to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlplab.declarations.training import Training

if TYPE_CHECKING:
    from mlplab.records.results import Run


def value_at_restored_weights(run: Run, split: str, metric: str, training: Training) -> float:
    """Return a curve's value at the weights that are kept; NaN where it was never measured.

    With early stopping that restores the best, these are the best on validation rows. Training
    rows are measured once, on the weights that are kept, and batches tell of the last step.
    """
    curve = measured(run, split, metric)[1]
    if not len(curve):
        return math.nan
    stopping = training.early_stopping
    if stopping is None or not stopping.restore_best or split in ("train", "batch"):
        return float(curve[-1])
    watched = measured(run, "validation", stopping.metric)[1]
    if len(watched) != len(curve):
        return float(curve[-1])
    return float(curve[watched.argmax() if stopping.metric == "accuracy" else watched.argmin()])


def measured(run: Run, split: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which a curve was measured, and its values there."""
    if (split, metric) not in run.curves:
        return np.empty(0), np.empty(0)
    curve = run.curves[split, metric]
    there = ~np.isnan(curve)
    return run.steps[there], curve[there]
