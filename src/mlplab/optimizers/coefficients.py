"""Every optimizer as coefficients of one update.

With gradient g, moments m and v, and coefficients that may differ by network and step t::

    g ← g + decay·w                     (kernels only)
    m ← keep_first·m + add_first·g
    v ← keep_second·v + add_second·g²
    w ← shrink_t·w − size_t·m / (√(v + inside_t) + outside_t)

| optimizer | m | v | size, inside, outside |
| --- | --- | --- | --- |
| sgd | μ·m + g | 0 | α, 1, 0: the denominator is exactly one |
| adagrad | g | v + g², from the initial accumulator | α; ε on its side |
| rmsprop | g | ρ·v + (1−ρ)·g² | α; ε on its side |
| adam | β1·m + (1−β1)·g | β2·v + (1−β2)·g² | α·√c2/c1 with c = 1 − βᵗ; ε as below |

Adam's three placements of ε, all multiplied through by √c2 so that the moments stay uncorrected:
before_correction (Kingma and Ba's ε̂; Keras) puts ε outside, outside_root (torch) ε·√c2 outside,
inside_root ε·c2 inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlplab.declarations.optimizer import Adagrad, AdamW, Optimizer, RmsProp, Sgd
from mlplab.optimizers.schedule import learning_rates


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Coefficients of a stack of networks, float64.

    The first six are (network,); the last four (step, network), row t−1 belonging to step t.
    Steps beyond a network's own number repeat its last row; they are never used for it.
    """

    keep_first: np.ndarray
    add_first: np.ndarray
    keep_second: np.ndarray
    add_second: np.ndarray
    initial_second: np.ndarray
    decay: np.ndarray
    size: np.ndarray
    inside: np.ndarray
    outside: np.ndarray
    shrink: np.ndarray


def coefficients(optimizers: Sequence[Optimizer], steps: Sequence[int]) -> Coefficients:
    """The coefficients of networks with these optimizers and numbers of steps."""
    longest = max(steps)
    constants = np.array([_constants(o) for o in optimizers]).T
    by_step = np.stack(
        [_by_step(o, s, longest) for o, s in zip(optimizers, steps, strict=True)], axis=2
    )
    return Coefficients(*constants, *by_step)


def _constants(optimizer: Optimizer) -> tuple[float, float, float, float, float, float]:
    """keep_first, add_first, keep_second, add_second, initial_second, decay."""
    decay = 0.0 if isinstance(optimizer, AdamW) else optimizer.weight_decay
    match optimizer:
        case Sgd():
            return optimizer.momentum, 1.0, 0.0, 0.0, 0.0, decay
        case Adagrad():
            return 0.0, 1.0, 1.0, 1.0, optimizer.initial_accumulator, decay
        case RmsProp():
            return 0.0, 1.0, optimizer.decay, 1.0 - optimizer.decay, 0.0, decay
        case _:
            beta1, beta2 = optimizer.beta1, optimizer.beta2
            return beta1, 1.0 - beta1, beta2, 1.0 - beta2, 0.0, decay


def _by_step(optimizer: Optimizer, steps: int, longest: int) -> np.ndarray:
    """size, inside, outside, shrink as (4, longest)."""
    rates = learning_rates(optimizer, steps)
    nothing = np.zeros(steps)
    shrink = 1.0 - rates * optimizer.weight_decay if isinstance(optimizer, AdamW) else nothing + 1
    match optimizer:
        case Sgd():
            table = rates, nothing + 1, nothing, shrink
        case Adagrad() | RmsProp():
            epsilon = nothing + optimizer.epsilon
            is_inside = optimizer.epsilon_placement == "inside_root"
            table = (
                (rates, epsilon, nothing, shrink)
                if is_inside
                else (rates, nothing, epsilon, shrink)
            )
        case _:
            t = np.arange(1, steps + 1, dtype=np.float64)
            first, second = 1 - optimizer.beta1**t, 1 - optimizer.beta2**t
            inside, outside = {
                "before_correction": (nothing, nothing + optimizer.epsilon),
                "outside_root": (nothing, optimizer.epsilon * np.sqrt(second)),
                "inside_root": (optimizer.epsilon * second, nothing),
            }[optimizer.epsilon_placement]
            table = rates * np.sqrt(second) / first, inside, outside, shrink
    return np.pad(np.stack(table), ((0, 0), (0, longest - steps)), mode="edge")
