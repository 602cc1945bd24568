"""How a network of regression did on the test part: its errors, with every prediction kept."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RegressionEvaluation:
    """Everything about one network's predictions that is recorded; all in the target's own unit."""

    target_name: str
    rmse: float
    mae: float
    r2: float
    """NaN where all true values are equal."""
    baseline: dict[str, float]
    """Metric → what it is for the mean of the training rows, predicted for every row."""
    true: str
    """(row,) float32, little-endian in Base64."""
    predicted: str
    """(row,) likewise, in the same order."""

    @property
    def rows(self) -> int:
        """How many rows were evaluated."""
        return len(self.true_values())

    def true_values(self) -> np.ndarray:
        """(row,) float64."""
        return _unpacked(self.true)

    def predicted_values(self) -> np.ndarray:
        """(row,) float64."""
        return _unpacked(self.predicted)

    def to_json(self) -> str:
        """Compact JSON, from which `from_json` gives an equal evaluation."""
        facts = {**vars(self), "r2": None if math.isnan(self.r2) else self.r2}
        facts["baseline"] = {k: None if math.isnan(v) else v for k, v in self.baseline.items()}
        return json.dumps(facts, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> RegressionEvaluation:
        """Read what `to_json` wrote."""
        facts = json.loads(text)
        baseline = {k: math.nan if v is None else v for k, v in facts.pop("baseline").items()}
        r2 = facts.pop("r2")
        return cls(**facts, r2=math.nan if r2 is None else r2, baseline=baseline)


def evaluate_regression(
    predicted: np.ndarray, true: np.ndarray, target_name: str, train_mean: float
) -> RegressionEvaluation:
    """Hold predictions against the truth.

    Args:
        predicted: (row,) in the target's own unit.
        true: (row,) likewise.
        target_name: of the column.
        train_mean: of the training rows, in the target's own unit.

    Raises:
        ValueError: shapes that differ, no row, or a prediction that is not finite.
    """
    if predicted.shape != true.shape or predicted.ndim != 1 or not len(true):
        raise ValueError(
            f"expected as many predictions as true values, at least one, got {predicted.shape} "
            f"and {true.shape}"
        )
    if not np.isfinite(predicted).all():
        raise ValueError("expected finite predictions, got NaN or infinity")
    true = true.astype(np.float64)
    found = regression_metrics(predicted.astype(np.float64), true)
    baseline = regression_metrics(np.full(len(true), train_mean), true)
    return RegressionEvaluation(
        target_name,
        found["rmse"],
        found["mae"],
        found["r2"],
        baseline,
        _packed(true),
        _packed(predicted),
    )


def regression_metrics(predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """RMSE, mean absolute error and R² of predictions (row,), in the unit of the true values."""
    error = predicted - true
    about_mean = float(np.square(true - true.mean()).sum())
    square = float(np.square(error).sum())
    return {
        "rmse": math.sqrt(square / len(true)),
        "mae": float(np.abs(error).mean()),
        "r2": 1 - square / about_mean if about_mean > 0 else math.nan,
    }


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float64)
