"""The update of all optimizers in one pass over memory, compiled for the CPU at hand.

An update as separate tensor operations reads and writes every parameter some twenty times; this
kernel reads weight, gradient and two moments once, and writes three of them. Moments that an
optimizer does not have are left alone. It is compiled when first used, by Numba, which brings its
own compiler; the machine code is kept for later processes. No reassociation is allowed, so an
element's result does not depend on where it lies.

Where products are of bfloat16, the gradient is read as it comes from the product, and the kernel's
operand for the next one is written along: otherwise two more passes over memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable

from mlplab.networks.bfloat16_bits import narrowed, widened
from mlplab.networks.compiled import compiled


@compiled
def fused_update(
    weights: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    operand: np.ndarray | None,
    constants: np.ndarray,
    by_step: np.ndarray,
    decays: bool,
) -> None:
    """One step, in place.

    Args:
        weights, first, second: (network, place), all parameters of one tensor.
        gradient: (network, place or more), of their type, or the bits of bfloat16 as uint16.
        operand: None, or bits likewise; they are given the changed weights, rounded to the nearest.
        constants: (4, network): keep_first, add_first, keep_second, add_second.
        by_step: (5, network): size, inside, outside, shrink, decay of this step.
        decays: whether shrink and decay apply; biases have neither.
    """
    for network in range(len(weights)):
        by = _of_network(constants, by_step, network, decays)
        keep_first, add_first, keep_second, add_second = by[:4]
        has_first = keep_first != 0 or add_first != 1
        into = None if operand is None else operand[network]
        w, g, m, v = weights[network], gradient[network], first[network], second[network]
        if has_first and keep_second == 0 and add_second == 0:
            _with_the_first(w, g, m, into, by)
        elif has_first:
            _with_both_moments(w, g, m, v, into, by)
        elif add_second != 0:
            _with_the_second(w, g, v, into, by)
        else:
            _without_moments(w, g, into, by)


@register_jitable
def _of_network(constants: Any, by_step: Any, network: int, decays: bool) -> Any:
    """One network's coefficients, in the order in which the loops take them."""
    one = constants.dtype.type(1)
    shrink = by_step[3, network] if decays else one
    decay = by_step[4, network] if decays else one - one
    keep_first, add_first = constants[0, network], constants[1, network]
    keep_second, add_second = constants[2, network], constants[3, network]
    size, inside, outside = by_step[0, network], by_step[1, network], by_step[2, network]
    return keep_first, add_first, keep_second, add_second, size, inside, outside, shrink, decay


@register_jitable
def _with_both_moments(
    weights: Any, gradient: Any, first: Any, second: Any, operand: Any, by: Any
) -> None:
    keep_first, add_first, keep_second, add_second, size, inside, outside, shrink, decay = by
    for place in range(len(weights)):
        weight = weights[place]
        slope = widened(gradient[place]) + decay * weight
        m = keep_first * first[place] + add_first * slope
        v = keep_second * second[place] + add_second * (slope * slope)
        weight = shrink * weight - size * (m / (math.sqrt(v + inside) + outside))
        weights[place], first[place], second[place] = weight, m, v
        if operand is not None:
            operand[place] = narrowed(weight, operand[place])


@register_jitable
def _with_the_first(weights: Any, gradient: Any, first: Any, operand: Any, by: Any) -> None:
    """The second moment is zero, and no square is taken: SGD with momentum."""
    keep_first, add_first, _, _, size, inside, outside, shrink, decay = by
    divisor = math.sqrt(inside) + outside
    for place in range(len(weights)):
        weight = weights[place]
        slope = widened(gradient[place]) + decay * weight
        m = keep_first * first[place] + add_first * slope
        weight = shrink * weight - size * (m / divisor)
        weights[place], first[place] = weight, m
        if operand is not None:
            operand[place] = narrowed(weight, operand[place])


@register_jitable
def _with_the_second(weights: Any, gradient: Any, second: Any, operand: Any, by: Any) -> None:
    """The first moment is the gradient: Adagrad, and RMSprop without momentum."""
    _, _, keep_second, add_second, size, inside, outside, shrink, decay = by
    for place in range(len(weights)):
        weight = weights[place]
        slope = widened(gradient[place]) + decay * weight
        v = keep_second * second[place] + add_second * (slope * slope)
        weight = shrink * weight - size * (slope / (math.sqrt(v + inside) + outside))
        weights[place], second[place] = weight, v
        if operand is not None:
            operand[place] = narrowed(weight, operand[place])


@register_jitable
def _without_moments(weights: Any, gradient: Any, operand: Any, by: Any) -> None:
    """The first moment is the gradient and the second zero: SGD without momentum."""
    _, _, _, _, size, inside, outside, shrink, decay = by
    divisor = math.sqrt(inside) + outside
    for place in range(len(weights)):
        weight = weights[place]
        slope = widened(gradient[place]) + decay * weight
        weight = shrink * weight - size * (slope / divisor)
        weights[place] = weight
        if operand is not None:
            operand[place] = narrowed(weight, operand[place])
