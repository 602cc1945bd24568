"""Objectives that draw each class to a point: a fixed anchor, or the running mean of its rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mlplab.objectives.differentiated import (
    DifferentiatedObjective,
    known_cross_entropy,
    mean_over,
)
from mlplab.objectives.objective import BatchOutputs


@dataclass(frozen=True)
class ClassAnchor(DifferentiatedObjective):
    """λ·d_y + log(1 + Σ_{j≠y} exp(d_y − d_j)), d_j = ‖z − magnitude·e_j‖; the class is the nearest.

    Miller et al., Class anchor clustering, WACV 2021. The second term is the cross-entropy of −d.
    """

    magnitude: float = 10.0
    weight: float = 0.1

    def class_scores(self, logits: torch.Tensor) -> torch.Tensor:
        """−d, so that the nearest anchor has the highest score."""
        anchors = self.magnitude * torch.eye(
            logits.shape[-1], dtype=logits.dtype, device=logits.device
        )
        square = (logits.unsqueeze(-2) - anchors).square().sum(-1)
        return -square.clamp(min=1e-12).sqrt()

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """See `DifferentiatedObjective.losses`."""
        nearness = self.class_scores(outputs.logits)
        targets = outputs.targets
        own = -nearness.gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)
        return known_cross_entropy(nearness, targets) + self.weight * mean_over(own, targets >= 0)


@dataclass(frozen=True)
class CentreLoss(DifferentiatedObjective):
    """Cross-entropy and weight · ½‖h − c_y‖², after which each centre moves towards its rows.

    c ← c + rate · Σ(h − c) / (1 + n) over the n rows of the class in the batch: Wen et al., A
    discriminative feature learning approach for deep face recognition, ECCV 2016, equation 4.
    With weight 0 the centres are running means that training does not feel.
    """

    weight: float = 0.003
    rate: float = 0.5

    @property
    def uses_hidden(self) -> bool:
        """Its distance to the centre."""
        return True

    @property
    def keeps_centres(self) -> bool:
        """One a class."""
        return True

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """See `DifferentiatedObjective.losses`; moves the centres after using them."""
        hidden, targets, centres = outputs.hidden, outputs.targets, outputs.centres
        assert centres is not None
        known = targets >= 0
        units = hidden.shape[2]
        place = targets.clamp(min=0).unsqueeze(2).expand(-1, -1, units)
        away = hidden - centres.gather(1, place)
        pull = mean_over(0.5 * away.square().sum(2), known)
        self._move(centres, torch.where(known.unsqueeze(2), away.detach(), 0.0), targets)
        return known_cross_entropy(outputs.logits, targets) + self.weight * pull

    def _move(self, centres: torch.Tensor, away: torch.Tensor, targets: torch.Tensor) -> None:
        """Move the centres by `away`, (network, row, unit), which is zero for rows of no class."""
        # Elsewhere than on a CPU rows of one class would be added in whatever order they come.
        summed = _scattered if centres.device.type == "cpu" else by_product
        sums, counts = summed(away.to(centres.dtype), targets, centres.shape[1])
        centres += self.rate * sums / (1 + counts).unsqueeze(2)


def _scattered(
    away: torch.Tensor, targets: torch.Tensor, classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums over the rows of a class, (network, class, unit), and how many there are."""
    networks, _, units = away.shape
    place, known = targets.clamp(min=0), (targets >= 0).to(away.dtype)
    sums = away.new_zeros(networks, classes, units)
    sums.scatter_add_(1, place.unsqueeze(2).expand(-1, -1, units), away)
    return sums, away.new_zeros(networks, classes).scatter_add_(1, place, known)


def by_product(
    away: torch.Tensor, targets: torch.Tensor, classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """`_scattered` as a product with ones and zeros, whose sums have an order."""
    every = torch.arange(classes, device=targets.device)
    is_of = (targets.unsqueeze(1) == every.unsqueeze(1)).to(away.dtype)
    return torch.bmm(is_of, away), is_of.sum(2)
