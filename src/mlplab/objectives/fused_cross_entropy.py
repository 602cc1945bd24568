"""Softmax cross-entropy and its gradient, row by row, compiled for the CPU.

A batch of logits is a few kilobytes: a dozen tensor operations on it cost what they cost to call.
"""

from __future__ import annotations

import math

import numpy as np

from mlplab.networks.compiled import compiled


@compiled
def fused_cross_entropy(
    logits: np.ndarray, targets: np.ndarray, gradient: np.ndarray, values: np.ndarray
) -> None:
    """The mean loss of every network to `values`, and its gradient to `gradient`.

    Args:
        logits: (network, row, class); the highest of a row is taken off before any exponential.
        targets: (network, row), classes.
        gradient: of the shape of the logits, and their type.
        values: (network,).
    """
    networks, rows, classes = logits.shape
    share_of_row = logits.dtype.type(1 / rows)
    for network in range(networks):
        total = 0.0
        for row in range(rows):
            highest = logits[network, row, 0]
            for one in range(1, classes):
                highest = max(highest, logits[network, row, one])
            whole = highest - highest
            for one in range(classes):
                part = math.exp(logits[network, row, one] - highest)
                gradient[network, row, one] = part
                whole += part
            right = targets[network, row]
            scale = share_of_row / whole
            for one in range(classes):
                gradient[network, row, one] *= scale
            gradient[network, row, right] -= share_of_row
            total += math.log(whole) - (logits[network, row, right] - highest)
        values[network] = total / rows
