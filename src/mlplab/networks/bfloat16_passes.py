"""Passes over bfloat16 activations that sum in float32, compiled for the CPU.

torch does such a pass by turning the whole tensor to float32 and back: three passes for one. Here
an element is widened, changed and rounded where it lies.
"""

from __future__ import annotations

import numpy as np
import torch
from numba.extending import register_jitable

from mlplab.networks.aligned import as_array
from mlplab.networks.compiled import compiled


def add_bias(outputs: torch.Tensor, bias: torch.Tensor) -> None:
    """Add (network, 1, unit) float32 to (network, row, unit) bfloat16, in place."""
    _add_bias(as_array(outputs), bias.numpy())


def sum_rows(gradient: torch.Tensor, out: torch.Tensor) -> None:
    """The sums of (network, row, unit) bfloat16 over rows, to (network, 1, unit) float32."""
    _sum_rows(as_array(gradient), out.numpy())


@compiled
def _add_bias(outputs: np.ndarray, bias: np.ndarray) -> None:
    networks, rows, units = outputs.shape
    for network in range(networks):
        for row in range(rows):
            for unit in range(units):
                total = widened(outputs[network, row, unit]) + bias[network, 0, unit]
                outputs[network, row, unit] = rounded(total)


@compiled
def _sum_rows(gradient: np.ndarray, out: np.ndarray) -> None:
    networks, rows, units = gradient.shape
    for network in range(networks):
        for unit in range(units):
            out[network, 0, unit] = 0
        for row in range(rows):
            for unit in range(units):
                out[network, 0, unit] += widened(gradient[network, row, unit])


@register_jitable
def widened(of):
    """float32 from the bits of a bfloat16, which are its upper half."""
    return np.uint32(np.uint32(of) << np.uint32(16)).view(np.float32)


@register_jitable
def rounded(value):
    """The bits of the bfloat16 nearest to a float32, of two the even one; NaN stays NaN."""
    own = np.float32(value).view(np.uint32)
    odd = (own >> np.uint32(16)) & np.uint32(1)
    nearest = np.uint16((own + np.uint32(0x7FFF) + odd) >> np.uint32(16))
    return nearest if value == value else np.uint16(0x7FC0)
