"""Weights small enough for a page: whole numbers of 8 or 16 bits, times a factor for each unit."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplab.networks.weights import LayerWeights

MOST_AT_16_BITS = 900_000
MOST_AT_8_BITS = 1_900_000
"""Parameters; with them a page stays below 5 MB."""


@dataclass(frozen=True, eq=False)
class Reduced:
    """A network's weights as a page holds them."""

    layers: LayerWeights
    """What the page computes with, float32."""
    bits: int
    record: list[dict[str, Any]]
    """Of each layer, for JSON."""


def reduced(layers: LayerWeights) -> Reduced | None:
    """Weights in fewer bits; None where they would still be too many for a page."""
    parameters = sum(kernel.size + bias.size for kernel, bias in layers)
    if parameters > MOST_AT_8_BITS:
        return None
    bits = 16 if parameters <= MOST_AT_16_BITS else 8
    most, kind = 2 ** (bits - 1) - 1, np.dtype(f"<i{bits // 8}")
    found, record = [], []
    for kernel, bias in layers:
        factor = (np.abs(kernel).max(axis=0) / most).astype(np.float32)
        factor[factor == 0] = 1
        whole = np.rint(kernel / factor).astype(kind)
        found.append((whole.astype(np.float32) * factor, bias.astype(np.float32)))
        record.append(
            {
                "inputs": kernel.shape[0],
                "outputs": kernel.shape[1],
                "kernel": packed(whole),
                "factor": packed(factor),
                "bias": packed(bias.astype(np.float32)),
            }
        )
    return Reduced(LayerWeights(found), bits, record)


def packed(array: np.ndarray) -> str:
    """An array's bytes, compressed, as text."""
    little = array.astype(array.dtype.newbyteorder("<"))
    return base64.b64encode(zlib.compress(little.tobytes(), 9)).decode()
