"""Softmax cross-entropy in which rows count by their class, for classes of unequal size."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mlplab.objectives.differentiated import DifferentiatedObjective
from mlplab.objectives.objective import BatchOutputs


@dataclass(frozen=True)
class WeightedCrossEntropy(DifferentiatedObjective):
    """Σ w_y·(−log softmax(z)_y) / Σ w_y over a batch, as torch's CrossEntropyLoss(weight=w).

    Every row must be of a known class.
    """

    weights: tuple[float, ...]
    """Of each output; above 0."""

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """See `DifferentiatedObjective.losses`."""
        weights = outputs.logits.new_tensor(self.weights)[outputs.targets]
        log_softmax = torch.log_softmax(outputs.logits, 2)
        values = -log_softmax.gather(2, outputs.targets.unsqueeze(2)).squeeze(2)
        return (weights * values).sum(1) / weights.sum(1)


def balanced_weights(counts: tuple[int, ...]) -> tuple[float, ...]:
    """Rows / (classes × rows of the class): the mean over rows is 1, and classes weigh alike.

    counts: rows of each class, at least one.
    """
    return tuple(sum(counts) / (len(counts) * count) for count in counts)
