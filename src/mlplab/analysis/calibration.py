"""Whether a network's probabilities mean what they say, seed by seed and over its seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlplab.analysis.test_part import probabilities_and_targets
from mlplab.metrics.calibration import BINS, Calibration, calibration_of
from mlplab.metrics.classification import Evaluation
from mlplab.records.results import Results, Run
from mlplab.statistics.intervals import MeanInterval, t_interval
from mlplab.statistics.rows import fraction_interval


@dataclass(frozen=True, eq=False)
class CalibrationOverSeeds:
    """The calibration of one network on its test rows."""

    network: str
    seeds: tuple[int, ...]
    expected_error: MeanInterval
    """Mean over seeds of the expected calibration error, with its 95% t interval; scalars."""
    curve: pd.DataFrame
    """A row a bin that any seed has rows in: low, high (its borders), share (its fraction of all rows), then
    means over the seeds that have rows in it: confidence, accuracy, accuracy_low, accuracy_high
    (95% interval over seeds and rows, exact for rows; missing for one seed), n (seeds)."""


def calibration_over_seeds(results: Results, network: str) -> CalibrationOverSeeds | None:
    """The calibration of a network, None where no run of it has finished without diverging.

    Records of an earlier mlplab lack it; it is then measured again from weights and data.

    Raises:
        BadInput: weights or data that would be needed for that are not there.
    """
    found = {
        run.seed: _calibration(results, run)
        for run in results.runs
        if run.network == network and isinstance(run.evaluation, Evaluation)
    }
    if not found:
        return None
    errors = np.array([calibration.expected_error for calibration in found.values()])
    curve = _curve(list(found.values()))
    return CalibrationOverSeeds(network, tuple(found), t_interval(errors), curve)


def _calibration(results: Results, run: Run) -> Calibration:
    assert isinstance(run.evaluation, Evaluation)
    if run.evaluation.calibration is not None:
        return run.evaluation.calibration
    return calibration_of(*probabilities_and_targets(results, run))


def _curve(calibrations: list[Calibration]) -> pd.DataFrame:
    """The table of `CalibrationOverSeeds.curve`."""
    shape = (BINS, len(calibrations))
    rows, confidence, accuracy = np.zeros(shape), np.full(shape, np.nan), np.full(shape, np.nan)
    for seed, calibration in enumerate(calibrations):
        bins = list(calibration.bins)
        rows[bins, seed] = calibration.rows
        confidence[bins, seed] = calibration.confidence
        accuracy[bins, seed] = calibration.accuracy
    filled = np.flatnonzero(rows.sum(axis=1))
    interval = t_interval(accuracy[filled], axis=1)
    # Seeds share their rows: those of a bin are about as many as one seed has in it.
    a_seed = rows[filled].sum(axis=1) / np.maximum(interval.n, 1)
    exact = fraction_interval(interval.mean * a_seed, a_seed)
    below = np.hypot(interval.mean - interval.low, interval.mean - exact[0])
    above = np.hypot(interval.high - interval.mean, exact[1] - interval.mean)
    return pd.DataFrame(
        {
            "low": filled / BINS,
            "high": (filled + 1) / BINS,
            "share": rows[filled].sum(axis=1) / rows.sum(),
            "confidence": np.nanmean(confidence[filled], axis=1),
            "accuracy": interval.mean,
            "accuracy_low": np.maximum(interval.mean - below, 0),
            "accuracy_high": np.minimum(interval.mean + above, 1),
            "n": interval.n,
        }
    )
