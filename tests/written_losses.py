"""What each training method minimises, written from its equations with SciPy, for comparison.

Values only, in float64, one a row; a trainer averages them over the rows they are meant for.
Every method adds its term to the cross-entropy of the known rows unless the docstring says
otherwise.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, logsumexp


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """−log p_y (row,). The background class is the same with K + 1 logits."""
    result: np.ndarray = -log_softmax(logits, axis=1)[np.arange(len(logits)), labels]
    return result


def sigmoid_output(sigmoid_logit: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Binary cross-entropy (row,) of σ(a) against known (row,) bool, of known and negative rows."""
    a = sigmoid_logit.astype(np.float64)
    result: np.ndarray = np.logaddexp(0.0, np.where(known, -a, a))
    return result


def entropic(logits: np.ndarray) -> np.ndarray:
    """−(1/K) Σ_c log p_c (row,) of negative rows; log K at least, reached by equal logits."""
    result: np.ndarray = -log_softmax(logits, axis=1).mean(axis=1)
    return result


def objectosphere(hidden: np.ndarray, known: np.ndarray, margin: float) -> np.ndarray:
    """max(0, ξ − ‖h‖)² of known rows, ‖h‖² of negative ones (row,); added to `entropic`.

    Dhamija et al., NeurIPS 2018, equation 4.
    """
    length = np.linalg.norm(hidden.astype(np.float64), axis=1)
    result: np.ndarray = np.square(np.where(known, np.maximum(margin - length, 0.0), length))
    return result


def class_anchor(distances: np.ndarray, labels: np.ndarray, weight: float = 0.1) -> np.ndarray:
    """λ·d_y + log(1 + Σ_{j≠y} exp(d_y − d_j)) (row,) of distances (row, class).

    It takes the place of the cross-entropy. The second term is the cross-entropy of −d, so no
    class, first or last, is left out of the sum. Miller et al., WACV 2021.
    """
    own = distances[np.arange(len(distances)), labels].astype(np.float64)
    return weight * own + cross_entropy(-distances, labels)


def centre_loss(hidden: np.ndarray, centres: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """½‖h − c_y‖² (row,); centres (class, unit). Wen et al., ECCV 2016, equation 2."""
    difference = hidden.astype(np.float64) - centres[labels]
    result: np.ndarray = 0.5 * np.square(difference).sum(axis=1)
    return result


def energy_margin(
    logits: np.ndarray, known: np.ndarray, margin_known: float, margin_negative: float
) -> np.ndarray:
    """max(0, E − m_known)² of known rows, max(0, m_negative − E)² of negative ones (row,).

    Liu et al., NeurIPS 2020, equation 8; energies are negative, m_known < m_negative.
    """
    energy = -logsumexp(logits, axis=1)
    excess = np.where(known, energy - margin_known, margin_negative - energy)
    result: np.ndarray = np.square(np.maximum(excess, 0.0))
    return result
