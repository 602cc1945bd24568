"""Softmax cross-entropy, the loss of the 2023 report as it was meant."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class CrossEntropy:
    """−log softmax(z)_y, mean over the batch; its gradient is (softmax(z) − onehot(y)) / batch."""

    @property
    def uses_hidden(self) -> bool:
        """It looks at logits only."""
        return False

    def value_and_gradients(
        self,
        logits: torch.Tensor,
        hidden: torch.Tensor,
        targets: torch.Tensor,
        logits_gradient: torch.Tensor,
        hidden_gradient: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """See Objective.value_and_gradients."""
        batch = logits.shape[1]
        log_shares = torch.log_softmax(logits, dim=2)
        right = targets.unsqueeze(2)
        values = log_shares.gather(2, right).squeeze(2).mean(1).neg_()
        log_shares.exp_()
        log_shares.scatter_add_(2, right, log_shares.new_full((), -1.0).expand(right.shape))
        torch.mul(log_shares, 1.0 / batch, out=logits_gradient)
        return values
