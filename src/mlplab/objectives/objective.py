"""What every objective offers to the trainer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class BatchOutputs:
    """Outputs of some networks of a stack for their batches."""

    logits: torch.Tensor
    """(network, batch, output)."""
    hidden: torch.Tensor
    """(network, batch, unit), the last hidden activations."""
    targets: torch.Tensor
    """(network, batch) int64: the output of the row's class, −1 for a row of no known class; or
    float: the quantity, standardised."""
    centres: torch.Tensor | None = None
    """(network, class, unit) running class centres, for objectives that keep them; changed."""


class Objective(ABC):
    """A loss of logits, and where it `uses_hidden` of the last hidden activations.

    Objectives are compared by value: neighbours in a stack with equal objectives are computed
    together, each network's loss depending on its own rows only.
    """

    @property
    def extra_outputs(self) -> int:
        """Outputs behind those of the classes: a sigmoid output, a background class."""
        return 0

    @property
    def uses_hidden(self) -> bool:
        """Whether the loss depends on the last hidden activations other than through logits."""
        return False

    @property
    def keeps_centres(self) -> bool:
        """Whether running class centres are kept in training."""
        return False

    def class_scores(self, logits: torch.Tensor) -> torch.Tensor:
        """(network, row, output) → (network, row, class): the highest is the predicted class."""
        return logits[..., : logits.shape[-1] - self.extra_outputs]

    @abstractmethod
    def value_and_gradients(
        self,
        outputs: BatchOutputs,
        logits_gradient: torch.Tensor,
        hidden_gradient: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The loss of each network, (network,); its gradients overwrite the last two arguments.

        Args:
            logits_gradient: (network, batch, output).
            hidden_gradient: (network, batch, unit); None unless `uses_hidden`.
        """
