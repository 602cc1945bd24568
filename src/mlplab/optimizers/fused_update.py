"""The update of all optimizers in one pass over memory, compiled for the CPU at hand.

An update as separate tensor operations reads and writes every parameter some twenty times; this
kernel reads weight, gradient and two moments once, and writes three of them. It is compiled when
first used, by Numba, which brings its own compiler; the machine code is kept for later processes.
No reassociation is allowed, so an element's result does not depend on where it lies.

Where products are of bfloat16, the gradient is read as it comes from the product, and the kernel's
operand for the next one is written along: otherwise two more passes over memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable

from mlplab.networks.bfloat16_passes import rounded, widened
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
    for network in range(networks):
        by = _of_network(constants, by_step, network, decays)
        for place in range(places):
            weight, slope = weights[network, place], gradient[network, place]
            m, v = first[network, place], second[network, place]
            weight, m, v = _changed(weight, slope, m, v, by)
            weights[network, place] = weight
            first[network, place], second[network, place] = m, v


@compiled
def fused_update_of_bfloat16(
    weights: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    operand: np.ndarray,
    constants: np.ndarray,
    by_step: np.ndarray,
    decays: bool,
) -> None:
    """`fused_update` with float32 weights and moments, from and to bfloat16.

    Args:
        gradient: (network, place or more) the bits of bfloat16, as uint16.
        operand: likewise; is given the changed weights, rounded to the nearest, ties to even.
    """
    networks, places = weights.shape
    for network in range(networks):
        by = _of_network(constants, by_step, network, decays)
        for place in range(places):
            weight, slope = weights[network, place], widened(gradient[network, place])
            m, v = first[network, place], second[network, place]
            weight, m, v = _changed(weight, slope, m, v, by)
            weights[network, place] = weight
            first[network, place], second[network, place] = m, v
            operand[network, place] = rounded(weight)


@register_jitable
def _of_network(constants: Any, by_step: Any, network: int, decays: bool) -> Any:
    """One network's coefficients, in the order in which `_changed` takes them."""
    one = constants.dtype.type(1)
    shrink = by_step[3, network] if decays else one
    decay = by_step[4, network] if decays else one - one
    keep_first, add_first = constants[0, network], constants[1, network]
    keep_second, add_second = constants[2, network], constants[3, network]
    size, inside, outside = by_step[0, network], by_step[1, network], by_step[2, network]
    return keep_first, add_first, keep_second, add_second, size, inside, outside, shrink, decay


@register_jitable
def _changed(weight: Any, slope: Any, m: Any, v: Any, by: Any) -> Any:
    """Weight and moments of one parameter after the step."""
    keep_first, add_first, keep_second, add_second, size, inside, outside, shrink, decay = by
    slope = slope + decay * weight
    m = keep_first * m + add_first * slope
    v = keep_second * v + add_second * (slope * slope)
    step = size * (m / (math.sqrt(v + inside) + outside))
    return shrink * weight - step, m, v
