"""The one update of all optimizers, on a stack of networks at once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from mlplab.networks.aligned import aligned_stack, select_networks
from mlplab.optimizers.coefficients import Coefficients


@dataclass(frozen=True, eq=False)
class StepCoefficients:
    """The coefficients of one step, each (network, 1, 1) in the precision of the weights."""

    keep_first: torch.Tensor
    add_first: torch.Tensor
    keep_second: torch.Tensor
    add_second: torch.Tensor
    decay: torch.Tensor | None
    size: torch.Tensor
    inside: torch.Tensor
    outside: torch.Tensor
    shrink: torch.Tensor | None

    def without_decay(self) -> StepCoefficients:
        """The same for biases, which no weight decay touches."""
        if self.decay is None and self.shrink is None:
            return self
        return replace(self, decay=None, shrink=None)


class CoefficientTables:
    """Coefficients on the device of the stack, handed out step by step."""

    def __init__(
        self, coefficients: Coefficients, dtype: torch.dtype, device: torch.device
    ) -> None:
        self._tables = {
            field.name: torch.as_tensor(getattr(coefficients, field.name), dtype=dtype).to(device)
            for field in fields(coefficients)
        }
        self._any_decay = bool(np.any(coefficients.decay))
        self._any_shrink = bool(np.any(coefficients.shrink != 1))

    @property
    def initial_second(self) -> torch.Tensor:
        """(network,) what the second moment starts from."""
        return self._tables["initial_second"]

    def at(self, step: int) -> StepCoefficients:
        """The coefficients of a step, counted from 1."""
        table = {
            name: (values if values.ndim == 1 else values[step - 1]).reshape(-1, 1, 1)
            for name, values in self._tables.items()
        }
        del table["initial_second"]
        if not self._any_decay:
            table["decay"] = None
        if not self._any_shrink:
            table["shrink"] = None
        return StepCoefficients(**table)

    def select(self, keep: torch.Tensor) -> CoefficientTables:
        """The tables of the kept networks only."""
        kept = object.__new__(CoefficientTables)
        kept._tables = {n: v.index_select(v.ndim - 1, keep) for n, v in self._tables.items()}
        kept._any_decay, kept._any_shrink = self._any_decay, self._any_shrink
        return kept


@dataclass(frozen=True, eq=False)
class Moments:
    """The two running moments of one (network, row, column) tensor of weights."""

    first: torch.Tensor
    second: torch.Tensor

    @classmethod
    def beginning(cls, weights: torch.Tensor, initial_second: torch.Tensor) -> Moments:
        """Moments before the first step: zero, and `initial_second` (network,)."""
        first, second = (aligned_stack(*weights.shape, weights.dtype, weights.device) for _ in "12")
        second += initial_second.reshape(-1, 1, 1)
        return cls(first, second)

    def select(self, keep: torch.Tensor) -> Moments:
        """The moments of the kept networks only."""
        return Moments(select_networks(self.first, keep), select_networks(self.second, keep))


def update(
    weights: torch.Tensor, gradient: torch.Tensor, moments: Moments, by: StepCoefficients
) -> None:
    """One step of every network's own optimizer, in place.

    Args:
        weights: (network, row, column), changed.
        gradient: (network, row, column), used up as scratch memory.
        moments: of these weights, changed.
        by: the step's coefficients; the formula stands in `coefficients`.
    """
    if by.decay is not None:
        gradient.addcmul_(weights, by.decay)
    moments.first.mul_(by.keep_first).addcmul_(gradient, by.add_first)
    gradient.mul_(gradient)
    moments.second.mul_(by.keep_second).addcmul_(gradient, by.add_second)
    torch.add(moments.second, by.inside, out=gradient)
    gradient.sqrt_().add_(by.outside)
    torch.div(moments.first, gradient, out=gradient)
    if by.shrink is not None:
        weights.mul_(by.shrink)
    weights.addcmul_(gradient, -by.size)
