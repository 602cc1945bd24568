"""Softmax cross-entropy, the loss of the 2023 report as it was meant."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mlplab.objectives.objective import BatchOutputs, Objective


@dataclass(frozen=True)
class CrossEntropy(Objective):
    """−log softmax(z)_y, mean over the batch; its gradient is (softmax(z) − onehot(y)) / batch.

    Every row must be of a known class. The gradient is written out, so that a step can be captured.
    """

    def value_and_gradients(
        self,
        outputs: BatchOutputs,
        logits_gradient: torch.Tensor,
        hidden_gradient: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """See `Objective.value_and_gradients`."""
        batch = outputs.logits.shape[1]
        log_softmax = torch.log_softmax(outputs.logits, dim=2)
        target = outputs.targets.unsqueeze(2)
        values = log_softmax.gather(2, target).squeeze(2).mean(1).neg_()
        softmax = log_softmax.exp_()
        softmax.scatter_add_(2, target, softmax.new_full((), -1.0).expand(target.shape))
        torch.mul(softmax, 1.0 / batch, out=logits_gradient)
        return values
