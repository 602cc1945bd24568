"""Every optimizer as coefficients of one update.

With gradient g, moments m and v, and coefficients that may differ by network and step t::

    g ← g + decay·w                     (kernels only)
    m ← keep_first·m + add_first·g
    v ← keep_second·v + add_second·g²
    w ← decoupled_decay_t·w − size_t·m / (√(v + eps_in_sqrt_t) + eps_outside_t)

| optimizer | m | v | size, eps_in_sqrt, eps_outside |
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
    eps_in_sqrt: np.ndarray
    eps_outside: np.ndarray
    decoupled_decay: np.ndarray

    def constants(self) -> np.ndarray:
        """(4, network): keep_first, add_first, keep_second, add_second."""
        return np.stack([self.keep_first, self.add_first, self.keep_second, self.add_second])

    def by_step(self) -> np.ndarray:
        """(step, 5, network): size, eps_in_sqrt, eps_outside, decoupled_decay, decay."""
        decay = np.broadcast_to(self.decay, self.size.shape)
        own = self.size, self.eps_in_sqrt, self.eps_outside, self.decoupled_decay, decay
        return np.stack(own, axis=1)


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
    """size, eps_in_sqrt, eps_outside, decoupled_decay as (4, longest)."""
    rates = learning_rates(optimizer, steps)
    zeros = np.zeros(steps)
    decoupled_decay = (
        1.0 - rates * optimizer.weight_decay if isinstance(optimizer, AdamW) else zeros + 1
    )
    match optimizer:
        case Sgd():
            table = rates, zeros + 1, zeros, decoupled_decay
        case Adagrad() | RmsProp():
            epsilon = zeros + optimizer.epsilon
            in_sqrt = optimizer.epsilon_placement == "inside_root"
            table = (
                (rates, epsilon, zeros, decoupled_decay)
                if in_sqrt
                else (rates, zeros, epsilon, decoupled_decay)
            )
        case _:
            t = np.arange(1, steps + 1, dtype=np.float64)
            first, second = 1 - optimizer.beta1**t, 1 - optimizer.beta2**t
            eps_in_sqrt, eps_outside = {
                "before_correction": (zeros, zeros + optimizer.epsilon),
                "outside_root": (zeros, optimizer.epsilon * np.sqrt(second)),
                "inside_root": (optimizer.epsilon * second, zeros),
            }[optimizer.epsilon_placement]
            table = rates * np.sqrt(second) / first, eps_in_sqrt, eps_outside, decoupled_decay
    return np.pad(np.stack(table), ((0, 0), (0, longest - steps)), mode="edge")
