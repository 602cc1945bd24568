"""The one update of all optimizers, on a stack of networks at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mlplab.networks.aligned import aligned_stack, as_array, flat, select_networks
from mlplab.networks.recording import Operation, Recording, being_recorded
from mlplab.optimizers.coefficients import Coefficients


@dataclass(frozen=True, eq=False)
class StepCoefficients:
    """The coefficients of one step, in the precision and on the device of the weights."""

    constants: torch.Tensor
    """(4, network): keep_first, add_first, keep_second, add_second."""
    by_step: torch.Tensor
    """(5, network): size, inside, outside, shrink, decay."""


class CoefficientTables:
    """Coefficients on the device of the stack, handed out step by step."""

    def __init__(
        self, coefficients: Coefficients, dtype: torch.dtype, device: torch.device
    ) -> None:
        c = coefficients
        constants = np.stack([c.keep_first, c.add_first, c.keep_second, c.add_second])
        decay = np.broadcast_to(c.decay, c.size.shape)
        by_step = np.stack([c.size, c.inside, c.outside, c.shrink, decay], axis=1)
        self.constants = torch.as_tensor(constants, dtype=dtype, device=device)
        self.by_step = torch.as_tensor(by_step, dtype=dtype, device=device)
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


class Optimized:
    """A (network, row, column) tensor of weights with its gradient and its two moments.

    Args:
        weights: changed by `update`.
        gradient: of the same shape, in the precision of the products; used up by `update`.
        first, second: the moments.
        decays: whether weight decay applies (to kernels, not to biases).
        operand: what products read instead of the weights, kept up to date by `update`; None where
            they read the weights themselves.
    """

    def __init__(
        self,
        weights: torch.Tensor,
        gradient: torch.Tensor,
        first: torch.Tensor,
        second: torch.Tensor,
        *,
        decays: bool,
        operand: torch.Tensor | None = None,
    ) -> None:
        self.weights, self.gradient, self.operand = weights, gradient, operand
        self.first, self.second = first, second
        self.decays = decays
        on_cpu = weights.device.type == "cpu"
        # Views are made once: making them at every step would cost more than a small update.
        tensors = weights, gradient, first, second, operand
        self._flat = (
            tuple(None if t is None else as_array(flat(t)) for t in tensors) if on_cpu else None
        )

    @classmethod
    def beginning(
        cls,
        weights: torch.Tensor,
        gradient: torch.Tensor,
        initial_second: torch.Tensor,
        *,
        decays: bool,
        operand: torch.Tensor | None = None,
    ) -> Optimized:
        """Before the first step: the first moment zero, the second `initial_second` (network,)."""
        first, second = (aligned_stack(weights.shape, weights.dtype, weights.device) for _ in "12")
        second += initial_second.reshape(-1, 1, 1)
        return cls(weights, gradient, first, second, decays=decays, operand=operand)

    def select(
        self,
        keep: torch.Tensor,
        weights: torch.Tensor,
        gradient: torch.Tensor,
        operand: torch.Tensor | None = None,
    ) -> Optimized:
        """The same for the kept networks, whose weights, gradient and operand these are."""
        first, second = select_networks(self.first, keep), select_networks(self.second, keep)
        return Optimized(weights, gradient, first, second, decays=self.decays, operand=operand)

    def update(self, by: StepCoefficients) -> None:
        """One step of every network's own optimizer; the formula stands in `coefficients`."""
        if self._flat is None:
            self.update_by_tensor_operations(by)
            return
        coefficients = by.constants.numpy(), by.by_step.numpy()
        if (written := being_recorded()) is not None:
            self._write_down(written, coefficients)
            return
        from mlplab.optimizers.fused_update import fused_update

        fused_update(*self._flat, *coefficients, self.decays)

    def _write_down(self, written: Recording, coefficients: tuple[np.ndarray, ...]) -> None:
        assert self._flat is not None
        weights, gradient, *_, operand = self._flat
        operation = Operation.UPDATE if operand is None else Operation.UPDATE_WITH_OPERAND
        places = [0 if array is None else written.places(array)[0] for array in self._flat]
        strides = (0 if a is None else a.shape[1] for a in (weights, gradient, operand))
        by = written.places(*coefficients)
        written.add(operation, *places, len(self.weights), *strides, *by, self.decays)

    def update_by_tensor_operations(self, by: StepCoefficients) -> None:
        """`update` in tensor operations alone, for devices other than the CPU.

        The gradient is made small before it is squared, not the square after it: where an optimizer
        has no second moment, a square that overflows would make 0·∞ of it.
        """
        scratch = self.gradient.to(self.weights.dtype)
        keep_first, add_first, keep_second, add_second = by.constants[:, :, None, None]
        size, inside, outside, shrink, decay = by.by_step[:, :, None, None]
        if self.decays:
            scratch.addcmul_(self.weights, decay)
        self.first.mul_(keep_first).addcmul_(scratch, add_first)
        scratch.mul_(add_second.sqrt())
        self.second.mul_(keep_second).addcmul_(scratch, scratch)
        torch.add(self.second, inside, out=scratch)
        scratch.sqrt_().add_(outside)
        torch.div(self.first, scratch, out=scratch)
        if self.decays:
            self.weights.mul_(shrink)
        self.weights.addcmul_(scratch, -size)
        if self.operand is not None:
            self.operand.copy_(self.weights)
