"""How sure a softmax is, in float64, exact where a network is almost certain."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from mlplab.networks.probabilities import log_softmax


def negative_log_of_largest(logits: np.ndarray) -> np.ndarray:
    """−log max p (row,)."""
    result: np.ndarray = -log_softmax(logits).max(axis=1)
    return result


def free_energy(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """−T·log Σ exp(z/T) (row,)."""
    z = logits.astype(np.float64)
    result: np.ndarray = -temperature * logsumexp(z / temperature, axis=1)
    return result
