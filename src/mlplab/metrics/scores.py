"""Metrics of a classifier from its scores: those that the end of a run has, beside accuracy and loss.

Held against scikit-learn's functions of the same names.
"""

from __future__ import annotations

import math

import numpy as np

from mlplab.networks.probabilities import log_softmax


def score_metrics(scores: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Balanced accuracy, log loss, Brier score, AUROC, average precision and macro F1.

    balanced_accuracy: the mean recall of the classes that occur. brier_score: the squared distance
    of probabilities and truth, of two classes half of it. auroc: the mean over classes, each
    against the rest, of those that occur and are not alone. average_precision: of two classes that
    of the second, of more the mean over those that occur. macro_f1: the mean over the classes that
    occur or are predicted.

    Args:
        scores: (row, class), the softmax of which are probabilities.
        targets: (row,) the class of each row, −1 for a row of no class, which is left out.

    Returns:
        NaN for what these rows do not tell.
    """
    from mlplab.declarations.task import CLASSIFICATION

    known = targets >= 0
    scores, targets = scores[known], targets[known]
    if not len(targets) or not np.isfinite(scores).all():
        return dict.fromkeys(CLASSIFICATION.measured_on_request, math.nan)
    log_probability = log_softmax(scores)
    probability = np.exp(log_probability.astype(np.float64))
    classes, rows = scores.shape[1], np.arange(len(targets))
    predicted = scores.argmax(axis=1)
    right = np.bincount(targets[predicted == targets], minlength=classes).astype(np.float64)
    support = np.bincount(targets, minlength=classes)
    taken = np.bincount(predicted, minlength=classes)
    occurs, either = support > 0, (support + taken) > 0
    truth = np.zeros_like(probability)
    truth[rows, targets] = 1.0
    brier = float(np.square(probability - truth).sum(axis=1).mean())
    areas, precisions = _ranking(probability, targets, support)
    of_two = classes == 2
    return {
        "balanced_accuracy": float((right[occurs] / support[occurs]).mean()),
        "log_loss": float(-log_probability[rows, targets].mean()),
        "brier_score": brier / 2 if of_two else brier,
        "auroc": _mean(areas),
        "average_precision": float(precisions[1]) if of_two else _mean(precisions),
        "macro_f1": float((2 * right[either] / (support + taken)[either]).mean()),
    }


def _mean(values: np.ndarray) -> float:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else math.nan


def _ranking(
    probability: np.ndarray, targets: np.ndarray, support: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each class against the rest the area under ROC and the average precision, NaN for none."""
    areas, precisions = np.full(len(support), math.nan), np.full(len(support), math.nan)
    for one in np.flatnonzero(support).tolist():
        order = np.argsort(-probability[:, one], kind="stable")
        ranked = probability[order, one]
        ends = np.append(
            np.flatnonzero(np.diff(ranked)), len(ranked) - 1
        )  # ties are taken together
        hits = np.cumsum(targets[order] == one)[ends].astype(np.float64)
        recall = hits / support[one]
        precisions[one] = float(np.diff(recall, prepend=0.0) @ (hits / (ends + 1)))
        others = len(targets) - support[one]
        if others:
            misses = (ends + 1 - hits) / others
            areas[one] = float(np.trapezoid(np.append(0.0, recall), np.append(0.0, misses)))
    return areas, precisions
