"""Probabilities from logits, in float64, where float32 would saturate."""

from __future__ import annotations

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithm of the softmax over the last axis, float64; finite for every finite logit.

    The largest logit is taken away first, so the sum is at least 1 and at most the number of
    outputs, and no exponential overflows.
    """
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted
