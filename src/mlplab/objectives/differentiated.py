"""Objectives given by their formula alone; gradients for logits and hidden are autograd's."""

from __future__ import annotations

from abc import abstractmethod

import torch

from mlplab.objectives.objective import BatchOutputs, Objective


class DifferentiatedObjective(Objective):
    """A subclass states `losses`."""

    @abstractmethod
    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """The loss of each network, (network,), differentiable."""

    def value_and_gradients(
        self,
        outputs: BatchOutputs,
        logits_gradient: torch.Tensor,
        hidden_gradient: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """See `Objective.value_and_gradients`."""
        with torch.enable_grad():
            logits = outputs.logits.detach().requires_grad_()
            hidden = outputs.hidden.detach().requires_grad_(hidden_gradient is not None)
            losses = self.losses(BatchOutputs(logits, hidden, outputs.targets, outputs.centres))
            wanted = [logits] if hidden_gradient is None else [logits, hidden]
            gradients = torch.autograd.grad(losses.sum(), wanted)
        logits_gradient.copy_(gradients[0])
        if hidden_gradient is not None:
            hidden_gradient.copy_(gradients[1])
        return losses.detach()


def mean_over(values: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The mean over chosen rows, 0 where there are none: (network, batch) → (network,).

    Rows that are not chosen are replaced, not multiplied by zero: their values may be infinite.
    """
    chosen = torch.where(rows, values, torch.zeros_like(values))
    return chosen.sum(1) / rows.sum(1).clamp(min=1)


def known_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy, mean over rows of known classes: (network, batch, class) → (network,)."""
    log_softmax = torch.log_softmax(logits, 2)
    values = -log_softmax.gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)
    return mean_over(values, targets >= 0)
