"""Softmax cross-entropy and its gradient, row by row, compiled for the CPU.

A batch of logits is a few kilobytes: a dozen tensor operations on it cost what they cost to call.
"""

from __future__ import annotations

import math

import numpy as np

from mlplab.networks.bfloat16_bits import narrowed, widened
from mlplab.networks.compiled import compiled


@compiled
def fused_cross_entropy(
    logits: np.ndarray,
    targets: np.ndarray,
    gradient: np.ndarray,
    values: np.ndarray,
    parts: np.ndarray,
) -> None:
    """The mean loss of every network to `values`, and its gradient to `gradient`.

    Args:
        logits: (network, place), row after row, or the bits of bfloat16 as uint16; the highest of
            a row is taken off before any exponential.
        targets: (network, row), classes.
        gradient: of the shape of the logits, and their type.
        values: (network,).
        parts: (class,) to work in, of the type of the values.
    """
    rows, classes = targets.shape[1], len(parts)
    share_of_row = parts.dtype.type(1 / rows)
    for network in range(len(logits)):
        total = 0.0
        for row in range(rows):
            own = logits[network, row * classes : (row + 1) * classes]
            slopes = gradient[network, row * classes : (row + 1) * classes]
            highest = widened(own[0])
            for one in range(1, classes):
                highest = max(highest, widened(own[one]))
            whole = highest - highest
            for one in range(classes):
                parts[one] = math.exp(widened(own[one]) - highest)
                whole += parts[one]
            right = targets[network, row]
            scale = share_of_row / whole
            for one in range(classes):
                slope = parts[one] * scale
                if one == right:
                    slope -= share_of_row
                slopes[one] = narrowed(slope, slopes[one])
            total += math.log(whole) - (widened(own[right]) - highest)
        values[network] = total / rows
