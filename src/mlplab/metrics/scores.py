"""Metrics of a classifier from its scores: those that the end of a run has, beside accuracy and loss.

Held against scikit-learn's functions of the same names.
"""

from __future__ import annotations

import math

import numpy as np

from mlplab.metrics.roc_areas import sort_keys
from mlplab.networks.probabilities import log_softmax

_NUMBERS_AT_ONCE = 2**16
"""Scores of networks that are measured together: what is made of them stays near the caches."""


def score_metrics(scores: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """`score_metrics_of_many` for one network, scores (row, class)."""
    found = score_metrics_of_many(scores[None], targets)
    return {name: float(values[0]) for name, values in found.items()}


def score_metrics_of_many(scores: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Balanced accuracy, log loss, Brier score, AUROC, average precision and macro F1.

    balanced_accuracy: the mean recall of the classes that occur. brier_score: the squared distance
    of probabilities and truth, of two classes half of it. auroc: the mean over classes, each
    against the rest, of those that occur and are not alone. average_precision: of two classes that
    of the second, of more the mean over those that occur. macro_f1: the mean over the classes that
    occur or are predicted.

    Args:
        scores: (network, row, class), the softmax of which are probabilities.
        targets: (row,) the class of each row, −1 for a row of no class, which is left out.

    Returns:
        Metric → (network,) float64, NaN for what these rows do not tell.
    """
    from mlplab.declarations.task import CLASSIFICATION

    known = targets >= 0
    if not known.all():
        scores, targets = scores[:, known], targets[known]
    networks = len(scores)
    found: dict[str, np.ndarray] = {
        name: np.full(networks, math.nan) for name in CLASSIFICATION.measured_on_request
    }
    fine = np.isfinite(scores).all(axis=(1, 2))
    if not len(targets) or not fine.any():
        return found
    at_once = max(1, _NUMBERS_AT_ONCE // scores[0].size)
    places = np.flatnonzero(fine)
    for start in range(0, len(places), at_once):
        part = places[start : start + at_once]
        for name, values in _measured(scores[part], targets).items():
            found[name][part] = values
    return found


def _measured(scores: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """`score_metrics_of_many` of finite scores and rows that all have a class."""
    _, rows, classes = scores.shape
    log_probability = log_softmax(scores.reshape(-1, classes)).reshape(scores.shape)
    probability = np.exp(log_probability)
    predicted = scores.argmax(axis=2)
    support = np.bincount(targets, minlength=classes)
    right, taken = (
        np.stack([np.bincount(one, minlength=classes + 1)[:classes] for one in own])
        for own in (np.where(predicted == targets, targets, classes), predicted)
    )
    occurs, of_two = support > 0, classes == 2
    truth = np.zeros((rows, classes))
    truth[np.arange(rows), targets] = 1.0
    brier = np.square(probability - truth).sum(axis=2).mean(axis=1)
    log_loss = -_row_means(log_probability[:, np.arange(rows), targets])
    areas, precisions = _ranking(probability, targets, support)
    return {
        "balanced_accuracy": _row_means(right[:, occurs] / support[occurs]),
        "log_loss": log_loss,
        "brier_score": brier / 2 if of_two else brier,
        "auroc": _means(areas),
        "average_precision": precisions[:, 1] if of_two else _means(precisions),
        "macro_f1": np.array([_macro_f1(*own, support) for own in zip(right, taken, strict=True)]),
    }


def _macro_f1(right: np.ndarray, taken: np.ndarray, support: np.ndarray) -> float:
    either = (support + taken) > 0
    return float((2 * right[either] / (support + taken)[either]).mean())


def _means(values: np.ndarray) -> np.ndarray:
    """(network,) means of values (network, class); which are NaN is the same for all networks."""
    there = np.isfinite(values[0])
    return _row_means(values[:, there]) if there.any() else np.full(len(values), math.nan)


def _row_means(values: np.ndarray) -> np.ndarray:
    """Means over the second axis, which round alike however many networks there are."""
    return np.ascontiguousarray(values).mean(axis=1)


def _ranking(
    probability: np.ndarray, targets: np.ndarray, support: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each network and class against the rest the area under ROC and the average precision.

    Returns:
        Both (network, class), NaN for none.
    """
    networks, rows, classes = probability.shape
    found = np.full((2, networks, classes), math.nan)
    at_once = max(1, _NUMBERS_AT_ONCE // (networks * rows))
    for start in range(0, classes, at_once):
        block = range(start, min(start + at_once, classes))
        own = found[:, :, start : start + at_once]
        keys = np.sort(sort_keys(probability, targets, block), axis=2)[:, :, ::-1]
        hits = (keys & np.uint64(1)).cumsum(axis=2, dtype=np.float64)
        is_end = np.ones(keys.shape, dtype=bool)
        is_end[:, :, :-1] = (keys[:, :, 1:] ^ keys[:, :, :-1]) > 1
        positives, places = support[block].astype(np.float64), np.arange(1.0, rows + 1)
        own[:] = _areas_and_precisions(hits, places, positives, rows)
        # Equal probabilities are one place of the ranking.
        for network, one in np.argwhere(~is_end.all(axis=2) & (positives > 0)).tolist():
            ends = is_end[network, one]
            own[:, network, one] = _areas_and_precisions(
                hits[network, one, ends], places[ends], positives[one], rows
            )
    return found[0], found[1]


def _areas_and_precisions(
    hits: np.ndarray, places: np.ndarray, positives: np.ndarray, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Areas and precisions of rankings (..., place), NaN where one side is empty.

    Args:
        hits: (..., place) positives up to each place.
        places: (place,) rows up to it.
        positives: (...) of so many rows.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        recall = hits / positives[..., None]
        misses = (places - hits) / (rows - positives)[..., None]
    gained = np.diff(recall, prepend=0.0)
    precision = np.matmul(gained[..., None, :], (hits / places)[..., :, None])[..., 0, 0]
    begins = np.zeros((*hits.shape[:-1], 1))
    heights, widths = (np.concatenate([begins, own], axis=-1) for own in (recall, misses))
    return np.trapezoid(heights, widths, axis=-1), precision
