"""Initial weights, drawn from seed, layer and distribution alone.

A network's name, its place in a stack and its optimizer have no part in them: two networks of one
shape, seed and distribution begin equal, which is what makes their comparison paired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mlplab.declarations.form import residual_layers
from mlplab.declarations.initial_weights import (
    He,
    InitialWeights,
    LeCun,
    Normal,
    Orthogonal,
    Recorded,
    Uniform,
)

_PURPOSE = 1
"""Separates this stream of random numbers from that of the batches, which has the same seed."""


def draw_kernel(
    distribution: InitialWeights, seed: int, layer: int, inputs: int, outputs: int
) -> np.ndarray:
    """The initial kernel of one layer.

    Args:
        distribution: where weights are drawn from; not `Recorded`, which draws none.
        seed: the network's seed.
        layer: the layer's place, from 0.

    Returns:
        (in, out) float32.
    """
    generator = np.random.Generator(
        np.random.Philox(np.random.SeedSequence([_PURPOSE, seed, layer, inputs, outputs]))
    )
    shape = (inputs, outputs)
    match distribution:
        case Uniform(low=low, high=high):
            return _uniform(generator, shape, low, high)
        case Normal(mean=mean, deviation=deviation):
            return _normal(generator, shape, mean, deviation)
        case Orthogonal(gain=gain):
            return _orthogonal(generator, shape, gain)
        case Recorded():
            raise ValueError("recorded weights are read, not drawn")
        case _:
            fans = inputs if isinstance(distribution, He | LeCun) else (inputs + outputs) / 2
            gain = 2.0 if isinstance(distribution, He) else 1.0
            deviation = math.sqrt(gain / fans)
            if distribution.shape == "uniform":
                limit = math.sqrt(3.0) * deviation
                return _uniform(generator, shape, -limit, limit)
            return _normal(generator, shape, 0.0, deviation)


def draw_kernels(
    distribution: InitialWeights, seed: int, layers: Sequence[int]
) -> list[np.ndarray]:
    """The initial kernels of a network with these layers (in, hidden…, out); biases are zero.

    Weights too large for float32 are infinite: the network diverges, which is its result.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        kernels = [
            draw_kernel(distribution, seed, place, layers[place], layers[place + 1])
            for place in range(len(layers) - 1)
        ]
    for place in residual_layers(layers) if distribution.zero_residuals else ():
        kernels[place][:] = 0
    return kernels


def _uniform(
    generator: np.random.Generator, shape: tuple[int, int], low: float, high: float
) -> np.ndarray:
    kernel = generator.random(shape, dtype=np.float32)
    kernel *= np.float32(high - low)
    kernel += np.float32(low)
    return kernel


def _orthogonal(generator: np.random.Generator, shape: tuple[int, int], gain: float) -> np.ndarray:
    drawn = generator.standard_normal(sorted(shape, reverse=True))
    columns, triangle = np.linalg.qr(drawn)
    # So that every such matrix is as likely as any other (Mezzadri, 2007).
    columns *= np.where(np.diag(triangle) < 0, -gain, gain)
    kernel = columns if shape[0] >= shape[1] else columns.T
    return np.ascontiguousarray(kernel, dtype=np.float32)


def _normal(
    generator: np.random.Generator, shape: tuple[int, int], mean: float, deviation: float
) -> np.ndarray:
    kernel = generator.standard_normal(shape, dtype=np.float32)
    kernel *= np.float32(deviation)
    kernel += np.float32(mean)
    return kernel
