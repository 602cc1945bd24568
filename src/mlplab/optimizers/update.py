"""The one update of all optimizers, on a stack of networks at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mlplab.networks.aligned import aligned_stack
from mlplab.optimizers.coefficients import Coefficients


@dataclass(frozen=True, eq=False)
class StepCoefficients:
    """The coefficients of one step, in the precision and on the device of the weights."""

    constants: torch.Tensor
    """(4, network): keep_first, add_first, keep_second, add_second."""
    by_step: torch.Tensor
    """(5, network): size, eps_in_sqrt, eps_outside, decoupled_decay, decay."""


class CoefficientTables:
    """Coefficients on the device of the stack, handed out step by step."""

    def __init__(
        self, coefficients: Coefficients, dtype: torch.dtype, device: torch.device
    ) -> None:
        c = coefficients
        self.constants = torch.as_tensor(c.constants(), dtype=dtype, device=device)
        self.by_step = torch.as_tensor(c.by_step(), dtype=dtype, device=device)
        self.initial_second = torch.as_tensor(c.initial_second, dtype=dtype, device=device)
        """(network,) what the second moment starts from."""

    def at(self, step: int) -> StepCoefficients:
        """The coefficients of a step, counted from 1."""
        return StepCoefficients(self.constants, self.by_step[step - 1])

    def select(self, keep: torch.Tensor) -> CoefficientTables:
        """The tables of the kept networks only."""
        kept = object.__new__(CoefficientTables)
        kept.constants = self.constants.index_select(1, keep)
        kept.by_step = self.by_step.index_select(2, keep)
        kept.initial_second = self.initial_second.index_select(0, keep)
        return kept


@dataclass(frozen=True, eq=False)
class OptimizerState:
    """A (network, row, column) tensor of weights with its gradient and its two moments."""

    weights: torch.Tensor
    """Changed by `update`."""
    gradient: torch.Tensor
    """Of the same shape, in the precision of the products."""
    first: torch.Tensor
    second: torch.Tensor
    decays: bool
    """Whether weight decay applies (to kernels, not to biases)."""
    compute_weights: torch.Tensor
    """What products read, kept up to date by `update`; often the weights themselves."""

    @classmethod
    def init(
        cls,
        weights: torch.Tensor,
        gradient: torch.Tensor,
        initial_second: torch.Tensor,
        *,
        decays: bool,
        compute_weights: torch.Tensor | None = None,
    ) -> OptimizerState:
        """Before the first step: the first moment zero, the second `initial_second` (network,)."""
        first, second = (aligned_stack(weights.shape, weights.dtype, weights.device) for _ in "12")
        second += initial_second.reshape(-1, 1, 1)
        compute = weights if compute_weights is None else compute_weights
        return cls(weights, gradient, first, second, decays, compute)

    def update(self, by: StepCoefficients) -> None:
        """One step of every network's own optimizer; the formula stands in `coefficients`.

        The gradient is made small before it is squared, not the square after it: where an optimizer
        has no second moment, a square that overflows would make 0·∞ of it.
        """
        scratch = self.gradient.to(self.weights.dtype, copy=True)
        keep_first, add_first, keep_second, add_second = by.constants[:, :, None, None]
        size, eps_in_sqrt, eps_outside, decoupled_decay, decay = by.by_step[:, :, None, None]
        if self.decays:
            scratch.addcmul_(self.weights, decay)
        self.first.mul_(keep_first).addcmul_(scratch, add_first)
        scratch.mul_(add_second.sqrt())
        self.second.mul_(keep_second).addcmul_(scratch, scratch)
        torch.add(self.second, eps_in_sqrt, out=scratch)
        scratch.sqrt_().add_(eps_outside)
        torch.div(self.first, scratch, out=scratch)
        if self.decays:
            self.weights.mul_(decoupled_decay)
        self.weights.addcmul_(scratch, -size)
        if self.compute_weights is not self.weights:
            self.compute_weights.copy_(self.weights)
