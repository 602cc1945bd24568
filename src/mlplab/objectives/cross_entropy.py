"""Softmax cross-entropy, the loss of the 2023 report as it was meant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from mlplab.networks.aligned import as_array, flat
from mlplab.networks.recording import Operation, Recording, being_recorded
from mlplab.objectives.objective import BatchOutputs


@dataclass(frozen=True)
class CrossEntropy:
    """−log softmax(z)_y, mean over the batch; its gradient is (softmax(z) − onehot(y)) / batch.

    Every row must be of a known class. The gradient is written out, for this is the objective of
    nearly every network.
    """

    @property
    def extra_outputs(self) -> int:
        """None."""
        return 0

    @property
    def takes_bfloat16(self) -> bool:
        """It widens and rounds by itself."""
        return True

    @property
    def uses_hidden(self) -> bool:
        """It looks at logits only."""
        return False

    @property
    def keeps_centres(self) -> bool:
        """It keeps none."""
        return False

    def class_scores(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits themselves."""
        return logits

    def value_and_gradients(
        self,
        outputs: BatchOutputs,
        logits_gradient: torch.Tensor,
        hidden_gradient: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """See `Objective.value_and_gradients`."""
        if outputs.logits.device.type != "cpu":
            return by_tensor_operations(outputs, logits_gradient)
        logits = outputs.logits
        kept = torch.promote_types(logits.dtype, torch.float32)
        values = torch.empty(len(logits), dtype=kept)
        arrays = as_array(flat(logits)), outputs.targets.numpy(), as_array(flat(logits_gradient))
        if (written := being_recorded()) is not None:
            _write_down(written, *arrays, values.numpy(), logits.shape[2])
            return values
        from mlplab.objectives.fused_cross_entropy import fused_cross_entropy

        parts = torch.empty(logits.shape[2], dtype=kept)
        fused_cross_entropy(*arrays, values.numpy(), parts.numpy())
        return values


def _write_down(
    written: Recording,
    logits: np.ndarray,
    targets: np.ndarray,
    gradient: np.ndarray,
    values: np.ndarray,
    classes: int,
) -> None:
    places = written.places(logits, targets, gradient, values)
    rows, step = targets.shape[1], targets.strides[0] // targets.itemsize
    written.add(
        Operation.CROSS_ENTROPY,
        *places,
        len(logits),
        logits.shape[1],
        step,
        gradient.shape[1],
        rows,
        classes,
    )


def by_tensor_operations(outputs: BatchOutputs, logits_gradient: torch.Tensor) -> torch.Tensor:
    """`CrossEntropy.value_and_gradients` for devices other than the CPU."""
    batch = outputs.logits.shape[1]
    log_shares = torch.log_softmax(outputs.logits, dim=2)
    right = outputs.targets.unsqueeze(2)
    values = log_shares.gather(2, right).squeeze(2).mean(1).neg_()
    log_shares.exp_()
    log_shares.scatter_add_(2, right, log_shares.new_full((), -1.0).expand(right.shape))
    torch.mul(log_shares, 1.0 / batch, out=logits_gradient)
    return values
