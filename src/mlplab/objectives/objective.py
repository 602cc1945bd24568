"""What every objective offers to the trainer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch


@dataclass(frozen=True, eq=False)
class BatchOutputs:
    """What some networks of a stack gave for their batches."""

    logits: torch.Tensor
    """(network, batch, output)."""
    hidden: torch.Tensor
    """(network, batch, unit), the last hidden activations."""
    targets: torch.Tensor
    """(network, batch) int64: the output that is right; −1 for a row of no known class."""
    centres: torch.Tensor | None = None
    """(network, class, unit) running class centres, for objectives that keep them; changed."""


class Objective(Protocol):
    """A loss over logits, and if it likes over the last hidden activations, of some networks.

    Objectives are compared by value: neighbours in a stack with equal objectives are computed
    together, each network's share depending on its own rows only.
    """

    @property
    def extra_outputs(self) -> int:
        """Outputs behind those of the classes: a sigmoid output, a background class."""
        ...

    @property
    def takes_bfloat16(self) -> bool:
        """Whether logits, and their gradient, may be of bfloat16 where the CPU computes."""
        ...

    @property
    def uses_hidden(self) -> bool:
        """Whether the loss depends on the last hidden activations other than through logits."""
        ...

    @property
    def keeps_centres(self) -> bool:
        """Whether running class centres are kept in training."""
        ...

    def class_scores(self, logits: torch.Tensor) -> torch.Tensor:
        """(network, row, output) → (network, row, class): what classes are told apart by."""
        ...

    def value_and_gradients(
        self,
        outputs: BatchOutputs,
        logits_gradient: torch.Tensor,
        hidden_gradient: torch.Tensor | None,
    ) -> torch.Tensor:
        """The loss of each network, (network,); its gradients overwrite the last two arguments.

        Args:
            logits_gradient: (network, batch, output).
            hidden_gradient: (network, batch, unit); None unless `uses_hidden`.
        """
        ...
