"""What every objective offers to the trainer."""

from __future__ import annotations

from typing import Protocol

import torch


class Objective(Protocol):
    """A loss over the logits, and if it likes over the last hidden activations, of some networks.

    Objectives are compared by value: networks of a stack with equal objectives are computed
    together, each network's share depending on its own rows only.
    """

    @property
    def uses_hidden(self) -> bool:
        """Whether the loss depends on the last hidden activations other than through logits."""
        ...

    def value_and_gradients(
        self,
        logits: torch.Tensor,
        hidden: torch.Tensor,
        targets: torch.Tensor,
        logits_gradient: torch.Tensor,
        hidden_gradient: torch.Tensor | None,
    ) -> torch.Tensor:
        """The mean loss of each network; gradients of it are written into the last two tensors.

        Args:
            logits: (network, batch, output).
            hidden: (network, batch, unit), the last hidden activations.
            targets: (network, batch) int64, the output that is right; −1 for a row of no class.
            logits_gradient: (network, batch, output), overwritten.
            hidden_gradient: (network, batch, unit), overwritten; None unless `uses_hidden`.

        Returns:
            (network,).
        """
        ...
