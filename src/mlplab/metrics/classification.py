"""How a classifier did on the test part: counts, rates, log loss, ROC curves and calibration."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from pydantic import TypeAdapter

from mlplab.metrics.calibration import Calibration, calibration_of
from mlplab.metrics.roc import RocCurves, roc_curves
from mlplab.metrics.scores import score_metrics
from mlplab.networks.probabilities import log_softmax


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1 averaged over classes."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Evaluation:
    """Everything about one network's predictions that is recorded; plain numbers throughout."""

    class_names: tuple[str, ...]
    accuracy: float
    log_loss: float
    """Mean of −log of the probability of the true class, in nats."""
    confusion: tuple[tuple[int, ...], ...]
    """(true class, predicted output) counts; outputs that stand for no class come last."""
    precision: tuple[float, ...]
    """Of each class; 0 where it was never predicted."""
    recall: tuple[float, ...]
    """Of each class; 0 where it does not occur, which `support` tells."""
    f1: tuple[float, ...]
    support: tuple[int, ...]
    """Rows of each class."""
    macro: Averages
    """The mean over the classes that occur."""
    weighted: Averages
    """The mean over rows: each class counts by its support."""
    roc: RocCurves
    calibration: Calibration | None = None
    """None in records of before it was measured."""
    right: str | None = None
    """Which rows were right, in their order: bits packed as NumPy does, in Base64. None in records
    of before it was kept."""
    baseline: dict[str, float] | None = None
    """Metric → what it is for the class frequencies of the training rows, predicted for every row;
    None in records of before it was kept."""

    @property
    def rows(self) -> int:
        """How many rows were evaluated."""
        return sum(self.support)

    def right_rows(self) -> np.ndarray | None:
        """(row,) bool: which rows were right; None where that was not kept."""
        if self.right is None:
            return None
        packed = np.frombuffer(base64.b64decode(self.right), dtype=np.uint8)
        return np.unpackbits(packed, count=self.rows).astype(bool)

    def to_json(self) -> str:
        """Compact JSON, from which `from_json` gives an equal Evaluation."""
        return json.dumps(self, default=vars, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        """Read what `to_json` wrote."""
        return _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[Evaluation]:
    return TypeAdapter(Evaluation)


def evaluate(
    logits: np.ndarray,
    targets: np.ndarray,
    class_names: tuple[str, ...],
    train_counts: np.ndarray | None = None,
) -> Evaluation:
    """Hold predictions against the truth.

    Args:
        logits: (row, output); output c stands for class c, further outputs for no class.
        targets: (row,) whole numbers, the class of each row.
        class_names: one a class, in the order of the outputs.
        train_counts: (class,) training rows of each, for the trivial baseline; None for none.

    Raises:
        ValueError: when shapes or targets do not fit, there is no row, or a logit is not finite
            (a network that diverged has no evaluation).
    """
    _require_fitting(logits, targets, class_names)
    classes = len(class_names)
    log_probability = log_softmax(logits)
    probability = np.exp(log_probability)
    predicted = logits.argmax(axis=1)
    outputs = logits.shape[1]
    cells = np.bincount(targets * outputs + predicted, minlength=classes * outputs)
    confusion = cells.reshape(classes, outputs)
    right = np.diagonal(confusion).astype(np.float64)
    support = confusion.sum(axis=1)
    precision = _ratio(right, confusion.sum(axis=0)[:classes])
    recall = _ratio(right, support)
    f1 = _ratio(2 * precision * recall, precision + recall)
    return Evaluation(
        class_names=tuple(class_names),
        accuracy=float(right.sum() / len(targets)),
        log_loss=float(0 - log_probability[np.arange(len(targets)), targets].mean()),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        precision=tuple(precision.tolist()),
        recall=tuple(recall.tolist()),
        f1=tuple(f1.tolist()),
        support=tuple(support.tolist()),
        macro=_averages(precision, recall, f1, (support > 0).astype(np.float64)),
        weighted=_averages(precision, recall, f1, support.astype(np.float64)),
        roc=roc_curves(probability[:, :classes], targets),
        calibration=calibration_of(probability, targets),
        right=base64.b64encode(np.packbits(predicted == targets).tobytes()).decode("ascii"),
        baseline=None if train_counts is None else _baseline(train_counts, targets),
    )


def _baseline(train_counts: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    with np.errstate(divide="ignore"):
        # A class without training rows has a small probability, so that its log loss is finite.
        scores = np.log(np.maximum(train_counts, 1e-12) / train_counts.sum())
    found = score_metrics(np.broadcast_to(scores, (len(targets), len(scores))), targets)
    accuracy = float((targets == int(np.argmax(train_counts))).mean())
    found |= {"accuracy": accuracy, "loss": found["log_loss"]}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _require_fitting(logits: np.ndarray, targets: np.ndarray, class_names: tuple[str, ...]) -> None:
    if logits.ndim != 2 or targets.shape != logits.shape[:1]:
        raise ValueError(
            f"expected logits (row, output) and targets (row,), got {logits.shape} and "
            f"{targets.shape}"
        )
    if len(targets) == 0:
        raise ValueError("expected at least one row to evaluate on, got none")
    if logits.shape[1] < len(class_names):
        raise ValueError(
            f"expected an output for each of {len(class_names)} classes, got {logits.shape[1]}"
        )
    if targets.min() < 0 or targets.max() >= len(class_names):
        raise ValueError(
            f"expected targets from 0 to {len(class_names) - 1}, got {targets.min()} to "
            f"{targets.max()}"
        )
    if not np.isfinite(logits).all():
        raise ValueError("expected finite logits, got NaN or infinity")


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _averages(
    precision: np.ndarray, recall: np.ndarray, f1: np.ndarray, weights: np.ndarray
) -> Averages:
    return Averages(*(float(np.average(v, weights=weights)) for v in (precision, recall, f1)))
