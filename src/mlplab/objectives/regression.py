"""Objectives of a quantity, in the one output of a network; e is the output less the target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

from mlplab.objectives.objective import BatchOutputs


class QuantityObjective(ABC):
    """A mean over rows; a subclass states the loss of a row and its derivative by the output."""

    @property
    def extra_outputs(self) -> int:
        """None."""
        return 0

    @property
    def uses_hidden(self) -> bool:
        """No."""
        return False

    @property
    def keeps_centres(self) -> bool:
        """No."""
        return False

    @property
    def quantile(self) -> float:
        """That of the pinball loss which is measured."""
        return 0.5

    def class_scores(self, logits: torch.Tensor) -> torch.Tensor:
        """The output itself."""
        return logits

    @abstractmethod
    def losses_and_slopes(self, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of every row the loss and its derivative; all (network, batch)."""

    def value_and_gradients(
        self,
        outputs: BatchOutputs,
        logits_gradient: torch.Tensor,
        hidden_gradient: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """See `Objective.value_and_gradients`; targets are (network, batch) float."""
        losses, slopes = self.losses_and_slopes(outputs.logits.squeeze(2) - outputs.targets)
        torch.mul(slopes.unsqueeze(2), 1.0 / outputs.targets.shape[1], out=logits_gradient)
        return losses.mean(1)


@dataclass(frozen=True)
class MeanSquaredError(QuantityObjective):
    """e²."""

    def losses_and_slopes(self, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `QuantityObjective.losses_and_slopes`."""
        return error.square(), 2 * error


@dataclass(frozen=True)
class MeanAbsoluteError(QuantityObjective):
    """|e|, whose derivative at 0 is 0."""

    def losses_and_slopes(self, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `QuantityObjective.losses_and_slopes`."""
        return error.abs(), error.sign()


@dataclass(frozen=True)
class Huber(QuantityObjective):
    """½e² up to δ, then δ(|e| − ½δ): Huber, Robust estimation of a location parameter, 1964."""

    delta: float = 1.0

    def losses_and_slopes(self, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `QuantityObjective.losses_and_slopes`."""
        slopes = error.clamp(-self.delta, self.delta)
        return slopes * (error - 0.5 * slopes), slopes


@dataclass(frozen=True)
class Pinball(QuantityObjective):
    """max(−q·e, (1 − q)·e): Koenker and Bassett, Regression quantiles, 1978."""

    quantile: float = 0.5

    def losses_and_slopes(self, error: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `QuantityObjective.losses_and_slopes`."""
        above = 1.0 - self.quantile
        slopes = (error > 0).to(error.dtype) * above - (error < 0).to(error.dtype) * self.quantile
        return slopes * error, slopes
