"""The logarithm of a softmax in float64, exact where a network is almost certain."""

from __future__ import annotations

import numpy as np

_NUMBERS_AT_ONCE = 2**24
"""Of more, a part at a time: the steps in between would take several times their memory."""


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """log p (row, class) of logits (row, class), float64; finite for every finite logit.

    The largest entry is −log1p(Σ of the others' exp(z_c − z_max)), so margins of 20, 30 and 300
    stay apart: in float32 all of them give p = 1.
    """
    if logits.size <= _NUMBERS_AT_ONCE:
        return _log_softmax(logits)
    result = np.empty(logits.shape)
    at_once = max(1, _NUMBERS_AT_ONCE // logits.shape[1])
    for start in range(0, len(logits), at_once):
        result[start : start + at_once] = _log_softmax(logits[start : start + at_once])
    return result


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    z = logits.astype(np.float64)
    rows = np.arange(len(z))
    top = z.argmax(axis=1)
    shifted = z - z[rows, top][:, None]
    others = np.exp(shifted)
    others[rows, top] = 0.0
    result: np.ndarray = shifted - np.log1p(others.sum(axis=1))[:, None]
    return result
