"""How classifiers did on the test part: counts, rates, log loss, ROC areas and calibration."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from scipy.sparse import coo_array

from mlplab.metrics.calibration import Calibration, calibrations
from mlplab.metrics.roc import RocCurves
from mlplab.metrics.roc_areas import RocAreas, roc_areas
from mlplab.metrics.scores import score_metrics
from mlplab.networks.probabilities import log_softmax

MOST_IN_FULL = 1000
"""Of more classes a confusion matrix is recorded by its filled cells, at most one a test row."""
_NUMBERS_AT_ONCE = 2**17
"""Outputs of several networks that are evaluated together: as many as stay in a core's cache."""


@dataclass(frozen=True)
class Averages:
    """Precision, recall and F1 averaged over classes."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class FilledCells:
    """Those cells of a confusion matrix that hold a row; each field (cell,) but the last."""

    true: tuple[int, ...]
    predicted: tuple[int, ...]
    rows: tuple[int, ...]
    outputs: int
    """Columns of the whole matrix."""


@dataclass(frozen=True)
class Evaluation:
    """Everything about one network's predictions that is recorded; plain numbers throughout."""

    class_names: tuple[str, ...]
    accuracy: float
    log_loss: float
    """Mean of −log of the probability of the true class, in nats."""
    confusion: tuple[tuple[int, ...], ...] | FilledCells
    """(true class, predicted output) counts; outputs that stand for no class come last. Of more
    than `MOST_IN_FULL` classes only the cells that hold a row; `counts` gives both alike."""
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
    areas: RocAreas
    calibration: Calibration | None = None
    """None in records of before it was measured."""
    right: str | None = None
    """Which rows were right, in their order: bits packed as NumPy does, in Base64. None in records
    of before it was kept."""
    curves: RocCurves | None = None
    """Only in records of before: the ROC curves as they were drawn. Others are computed again."""
    baseline: dict[str, float] | None = None
    """Metric → what it is for the class frequencies of the training rows, predicted for every row;
    None in records of before it was kept."""

    @property
    def rows(self) -> int:
        """How many rows were evaluated."""
        return sum(self.support)

    @property
    def counts(self) -> coo_array:
        """The confusion matrix (true class, predicted output), sparse."""
        if not isinstance(self.confusion, FilledCells):
            return coo_array(np.array(self.confusion, dtype=np.int64))
        cells = self.confusion
        places = np.array(cells.true), np.array(cells.predicted)
        shape = len(self.class_names), cells.outputs
        return coo_array((np.array(cells.rows, dtype=np.int64), places), shape)

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
        """Read what `to_json` wrote, now or when it wrote ROC curves with their areas."""
        fields = json.loads(text)
        if "roc" in fields:
            fields["curves"] = curves = fields.pop("roc")
            fields["areas"] = {
                "classes": [curve["area"] for curve in curves["classes"]],
                "micro": curves["micro"]["area"],
                "macro": curves["macro"]["area"],
            }
        return _adapter().validate_python(fields)


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
    return evaluate_many([logits], targets, class_names, train_counts)[0]


def evaluate_many(
    logits: Sequence[np.ndarray],
    targets: np.ndarray,
    class_names: tuple[str, ...],
    train_counts: np.ndarray | None = None,
) -> list[Evaluation]:
    """`evaluate` for several networks on the same rows, at the cost of few calls of NumPy.

    Args:
        logits: of each network (row, output), all of one shape.
        targets: (row,).
        class_names, train_counts: as for `evaluate`.

    Raises:
        ValueError: as for `evaluate`.
    """
    if not len(logits):
        return []
    _require_fitting(logits[0], targets, class_names)
    at_once = max(1, _NUMBERS_AT_ONCE // logits[0].size)
    baseline = None if train_counts is None else _baseline(train_counts, targets)
    found: list[Evaluation] = []
    for start in range(0, len(logits), at_once):
        stacked = np.stack(logits[start : start + at_once])
        found += _evaluated(stacked, targets, class_names, baseline)
    return found


def _evaluated(
    logits: np.ndarray,
    targets: np.ndarray,
    class_names: tuple[str, ...],
    baseline: dict[str, float] | None,
) -> list[Evaluation]:
    """Evaluations of logits (network, row, output)."""
    if not np.isfinite(logits).all():
        raise ValueError("expected finite logits, got NaN or infinity")
    networks, rows, outputs = logits.shape
    classes = len(class_names)
    flat = logits.reshape(-1, outputs)
    each = np.arange(len(flat))
    predicted = flat.argmax(axis=1)
    log_probability = log_softmax(flat)
    loss = 0 - log_probability[each, np.tile(targets, networks)].reshape(networks, rows).mean(
        axis=1
    )
    probability = np.exp(log_probability, out=log_probability)
    confidence = probability[each, predicted].reshape(networks, rows)
    predicted = predicted.reshape(networks, rows)
    is_right = predicted == targets
    of_outputs = probability.reshape(logits.shape)[:, :, :classes]
    packed = np.packbits(is_right, axis=1)
    return [
        Evaluation(
            class_names=tuple(class_names),
            log_loss=log_loss,
            confusion=confusion,
            **rates,
            areas=areas,
            calibration=calibration,
            right=base64.b64encode(right.tobytes()).decode("ascii"),
            baseline=baseline,
        )
        for log_loss, confusion, rates, areas, calibration, right in zip(
            loss.tolist(),
            _confusions(predicted, targets, classes, outputs),
            _rates(predicted, targets, classes, outputs),
            roc_areas(of_outputs, targets),
            calibrations(confidence, is_right),
            packed,
            strict=True,
        )
    ]


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


def _confusions(
    predicted: np.ndarray, targets: np.ndarray, classes: int, outputs: int
) -> list[tuple[tuple[int, ...], ...] | FilledCells]:
    """One of each network, from predicted outputs (network, row)."""
    cells = targets * outputs + predicted
    if classes <= MOST_IN_FULL:
        counts = [np.bincount(own, minlength=classes * outputs) for own in cells]
        return [tuple(map(tuple, own.reshape(classes, outputs).tolist())) for own in counts]
    found: list[tuple[tuple[int, ...], ...] | FilledCells] = []
    for own in cells:
        filled, rows = np.unique(own, return_counts=True)
        true, predicted_as, held = (
            tuple(column.tolist()) for column in (*np.divmod(filled, outputs), rows)
        )
        found.append(FilledCells(true, predicted_as, held, outputs))
    return found


def _rates(
    predicted: np.ndarray, targets: np.ndarray, classes: int, outputs: int
) -> list[dict[str, Any]]:
    """What predicted outputs (network, row) tell of each class, one dictionary a network."""

    def counted(of: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(own, minlength=outputs)[:classes] for own in of])

    # A wrong row counts for an output beyond the others.
    right = counted(np.where(predicted == targets, targets, outputs)).astype(np.float64)
    support = counted(np.broadcast_to(targets, predicted.shape))
    precision = _ratio(right, counted(predicted))
    recall = _ratio(right, support)
    f1 = _ratio(2 * precision * recall, precision + recall)
    of_classes = np.stack([precision, recall, f1], axis=1)
    averaged = [_averages(of_classes, weights) for weights in (support > 0, support)]
    return [
        {
            "accuracy": accuracy,
            **dict(zip(("precision", "recall", "f1"), map(tuple, rates), strict=True)),
            "support": tuple(rows),
            "macro": Averages(*macro),
            "weighted": Averages(*weighted),
        }
        for accuracy, rates, rows, macro, weighted in zip(
            (right.sum(axis=1) / support.sum(axis=1)).tolist(),
            of_classes.tolist(),
            support.tolist(),
            *averaged,
            strict=True,
        )
    ]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def _averages(rates: np.ndarray, weights: np.ndarray) -> list[list[float]]:
    """[network][rate]: means of rates (network, rate, class) weighted by (network, class)."""
    sums = (rates * weights[:, None]).sum(axis=2)
    averages: list[list[float]] = (sums / weights.sum(axis=1)[:, None]).tolist()
    return averages
