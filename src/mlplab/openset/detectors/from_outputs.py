"""Detectors that read a network's outputs alone, and those that an objective gives their meaning.

Formulas and sources stand with the declarations.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logsumexp

from mlplab.declarations import open_set_detectors as declared
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.centres import class_centres
from mlplab.openset.detectors.detector import ScoringRule, learns, scores


def negative_log_of_largest(logits: np.ndarray) -> np.ndarray:
    """−log max p (row,) in float64, exact where a network is almost certain."""
    return -log_softmax(logits).max(axis=1)


def free_energy(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """−T·log Σ exp(z/T) (row,)."""
    z = logits.astype(np.float64)
    return -temperature * logsumexp(z / temperature, axis=1)


@scores(declared.Softmax)
def _softmax(activations: Activations, settings: declared.Softmax) -> np.ndarray:
    return negative_log_of_largest(activations.logits)


@scores(declared.MaxLogit)
def _max_logit(activations: Activations, settings: declared.MaxLogit) -> np.ndarray:
    return -activations.logits.astype(np.float64).max(axis=1)


@scores(declared.Energy, declared.EnergyMargin)
def _energy(
    activations: Activations, settings: declared.Energy | declared.EnergyMargin
) -> np.ndarray:
    return free_energy(activations.logits, settings.temperature)


@scores(declared.Entropy)
def _shannon(activations: Activations, settings: declared.Entropy) -> np.ndarray:
    log_p = log_softmax(activations.logits)
    return -(np.exp(log_p) * log_p).sum(axis=1)


@scores(declared.Gen)
def _generalised_entropy(activations: Activations, settings: declared.Gen) -> np.ndarray:
    log_p = np.sort(log_softmax(activations.logits), axis=1)[:, ::-1][:, : settings.top]
    # 1 − p from log p, for 1 − p itself would lose every digit where p is nearly 1
    terms = np.exp(settings.gamma * log_p) * (-np.expm1(log_p)) ** settings.gamma
    return terms.sum(axis=1)


@scores(declared.Entropic)
def _doubt(activations: Activations, settings: declared.Entropic) -> np.ndarray:
    return -np.expm1(-negative_log_of_largest(activations.logits))


@scores(declared.Objectosphere)
def _doubt_and_shortness(activations: Activations, settings: declared.Objectosphere) -> np.ndarray:
    h = activations.array("hidden").astype(np.float64)
    largest = np.exp(-negative_log_of_largest(activations.logits))
    return -largest * np.linalg.norm(h, axis=1)


@scores(declared.SigmoidOutput)
def _sigmoid(activations: Activations, settings: declared.SigmoidOutput) -> np.ndarray:
    return expit(-activations.array("sigmoid_logit").astype(np.float64))


@scores(declared.BackgroundClass)
def _background(activations: Activations, settings: declared.BackgroundClass) -> np.ndarray:
    together = np.column_stack([activations.logits, activations.array("background_logit")])
    return np.exp(log_softmax(together)[:, -1])


@learns(declared.ClassAnchor)
def _class_anchor(
    settings: declared.ClassAnchor, activations: Activations, labels: np.ndarray
) -> ScoringRule:
    classes = activations.logits.shape[1]
    anchors = settings.magnitude * np.eye(classes)
    if settings.centres == "means":
        right = activations.predicted == labels
        found = class_centres(activations.logits[right], labels[right], classes)
        anchors[found.present] = found.means[found.present]
    return lambda a: anchor_scores(anchor_distances(a.logits, anchors))


def anchor_distances(logits: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Euclidean distances (row, class) of logits (row, class) to anchors (anchor, class)."""
    z = logits.astype(np.float64)
    return np.stack([np.linalg.norm(z - anchor, axis=1) for anchor in anchors], axis=1)


def anchor_scores(distances: np.ndarray) -> np.ndarray:
    """min_c d_c (1 − softmin_c) (row,) of distances (row, class)."""
    doubt = -np.expm1(log_softmax(-distances))
    return (distances * doubt).min(axis=1)
