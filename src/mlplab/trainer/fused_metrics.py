"""The metrics of rows from their logits, row by row, compiled for the CPU."""

from __future__ import annotations

import math

import numpy as np

from mlplab.networks.compiled import compiled


@compiled
def fused_metric_sums(
    logits: np.ndarray,
    targets: np.ndarray,
    valid: np.ndarray | None,
    shares: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Sums over rows of loss, accuracy and softmaxed loss.

    Args:
        logits: (network, row, class).
        targets: (network, row), classes.
        valid: None, or (network, row) bool: which rows count.
        shares: (class,) to work in, of the type of the logits.
        sums: (3, network) float64, where they are added.
    """
    networks, rows, classes = logits.shape
    for network in range(networks):
        for row in range(rows):
            if valid is not None and not valid[network, row]:
                continue
            likeliest = 0
            for one in range(1, classes):
                if logits[network, row, one] > logits[network, row, likeliest]:
                    likeliest = one
            highest = logits[network, row, likeliest]
            right = targets[network, row]
            whole = highest - highest
            for one in range(classes):
                shares[one] = math.exp(logits[network, row, one] - highest)
                whole += shares[one]
            sums[0, network] += math.log(whole) - (logits[network, row, right] - highest)
            sums[1, network] += likeliest == right
            again = whole - whole
            for one in range(classes):
                again += math.exp(shares[one] / whole)
            sums[2, network] += math.log(again) - shares[right] / whole
