"""The ends of a run: at its last evaluation, and at the weights that it keeps.

With early stopping they differ, as the best weights are restored. A third end, the mean over the
runs that still train at a step, is one of several runs: `Ensemble.at_each_step` of figures.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlplab.declarations.task import METRICS
from mlplab.declarations.training import Training

if TYPE_CHECKING:
    from mlplab.records.results import Run


def value_at_restored_weights(run: Run, split: str, metric: str, training: Training) -> float:
    """Return a curve's value at the weights that are kept; NaN where it was never measured.

    With early stopping that restores the best, these are the best on validation rows. Training
    rows are measured once, on the weights that are kept, and batches tell of the last step.
    """
    stopping = training.early_stopping
    if stopping is None or not stopping.restore_best or split in ("train", "batch"):
        return value_at_last_evaluation(run, split, metric)
    curve = measured(run, split, metric)[1]
    watched = measured(run, "validation", stopping.metric)[1]
    if not len(curve) or len(watched) != len(curve):
        return value_at_last_evaluation(run, split, metric)
    return float(curve[(METRICS[stopping.metric].sign * watched).argmax()])


def value_at_last_evaluation(run: Run, split: str, metric: str) -> float:
    """Return a curve's last value, whenever the run stopped; NaN where it was never measured."""
    curve = run.curves.get((split, metric))
    if curve is None or not len(curve):
        return math.nan
    last = float(curve[-1])
    if math.isnan(last):
        there = curve[~np.isnan(curve)]
        last = float(there[-1]) if len(there) else math.nan
    return last


def measured(run: Run, split: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which a curve was measured, and its values there."""
    if (split, metric) not in run.curves:
        return np.empty(0), np.empty(0)
    curve = run.curves[split, metric]
    there = ~np.isnan(curve)
    return run.steps[there], curve[there]
