"""The update of all optimizers in one pass over memory, compiled for the CPU at hand.

An update as separate tensor operations reads and writes every parameter some twenty times; this
kernel reads weight, gradient and two moments once, and writes three of them. It is compiled when
first used, by Numba, which brings its own compiler; the machine code is kept for later processes.
No reassociation is allowed, so an element's result does not depend on where it lies.
"""

from __future__ import annotations

import math

import numpy as np

from mlplab.networks.compiled import compiled


@compiled
def fused_update(
    weights: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    constants: np.ndarray,
    by_step: np.ndarray,
    decays: bool,
) -> None:
    """One step, in place.

    Args:
        weights, gradient, first, second: (network, place), all parameters of one tensor.
        constants: (4, network): keep_first, add_first, keep_second, add_second.
        by_step: (5, network): size, inside, outside, shrink, decay of this step.
        decays: whether shrink and decay apply; biases have neither.
    """
    networks, places = weights.shape
    one = weights.dtype.type(1)
    for network in range(networks):
        keep_first, add_first = constants[0, network], constants[1, network]
        keep_second, add_second = constants[2, network], constants[3, network]
        size, inside, outside = by_step[0, network], by_step[1, network], by_step[2, network]
        shrink = by_step[3, network] if decays else one
        decay = by_step[4, network] if decays else one - one
        for place in range(places):
            weight = weights[network, place]
            slope = gradient[network, place] + decay * weight
            m = keep_first * first[network, place] + add_first * slope
            v = keep_second * second[network, place] + add_second * (slope * slope)
            first[network, place] = m
            second[network, place] = v
            step = size * (m / (math.sqrt(v + inside) + outside))
            weights[network, place] = shrink * weight - step
