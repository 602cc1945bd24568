"""Objectives that learn from rows of classes that are not known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from mlplab.objectives.differentiated import (
    DifferentiatedObjective,
    known_cross_entropy,
    mean_over,
)
from mlplab.objectives.objective import BatchOutputs


@dataclass(frozen=True)
class SigmoidOutput(DifferentiatedObjective):
    """Cross-entropy of known rows, and binary cross-entropy of a further output over all rows.

    The report's second remedy: known = 1, negative = 0, trained beside the classifier.
    """

    weight: float = 1.0

    @property
    def extra_outputs(self) -> int:
        """The sigmoid output."""
        return 1

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """See `DifferentiatedObjective.losses`."""
        known = outputs.targets >= 0
        asked = binary_cross_entropy_with_logits(
            outputs.logits[..., -1], known.to(outputs.logits.dtype), reduction="none"
        )
        classes = known_cross_entropy(outputs.logits[..., :-1], outputs.targets)
        return classes + self.weight * asked.mean(1)


@dataclass(frozen=True)
class BackgroundClass(DifferentiatedObjective):
    """Cross-entropy over one class more, to which all negative rows belong."""

    @property
    def extra_outputs(self) -> int:
        """The background class."""
        return 1

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """See `DifferentiatedObjective.losses`."""
        background = outputs.logits.shape[2] - 1
        targets = torch.where(outputs.targets < 0, background, outputs.targets)
        return known_cross_entropy(outputs.logits, targets)


@dataclass(frozen=True)
class Entropic(DifferentiatedObjective):
    """Cross-entropy of known rows; −(1/K)·Σ_c log p_c of negative ones, log K at the least.

    Dhamija, Günther and Boult, Reducing network agnostophobia, NeurIPS 2018, equation 1; the same
    as outlier exposure (Hendrycks, Mazeika and Dietterich, ICLR 2019).
    """

    weight: float = 1.0

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """See `DifferentiatedObjective.losses`."""
        evenness = -torch.log_softmax(outputs.logits, 2).mean(2)
        negatives = mean_over(evenness, outputs.targets < 0)
        return known_cross_entropy(outputs.logits, outputs.targets) + self.weight * negatives


@dataclass(frozen=True)
class Objectosphere(DifferentiatedObjective):
    """Entropic, and lengths of h: max(0, ξ − ‖h‖)² of known rows, ‖h‖² of negative ones.

    Dhamija, Günther and Boult, NeurIPS 2018, equation 4.
    """

    margin: float = 5.0
    weight: float = 0.01

    @property
    def uses_hidden(self) -> bool:
        """Its lengths."""
        return True

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """See `DifferentiatedObjective.losses`."""
        known = outputs.targets >= 0
        square = outputs.hidden.square().sum(2)
        # The derivative of a square root at zero is infinite; a row of dead units has length zero.
        length = square.clamp(min=1e-12).sqrt()
        short = (self.margin - length).clamp(min=0).square()
        lengths = mean_over(short, known) + mean_over(square, ~known)
        return Entropic().losses(outputs) + self.weight * lengths


@dataclass(frozen=True)
class EnergyMargin(DifferentiatedObjective):
    """Cross-entropy, and max(0, E − m_known)² of known, max(0, m_negative − E)² of negative rows.

    E = −log Σ exp z. Liu et al., Energy-based out-of-distribution detection, NeurIPS 2020,
    equation 8.
    """

    margin_known: float = -8.0
    margin_negative: float = -2.0
    weight: float = 0.1

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        """See `DifferentiatedObjective.losses`."""
        known = outputs.targets >= 0
        energy = -torch.logsumexp(outputs.logits, 2)
        above = (energy - self.margin_known).clamp(min=0).square()
        below = (self.margin_negative - energy).clamp(min=0).square()
        margins = mean_over(above, known) + mean_over(below, ~known)
        return known_cross_entropy(outputs.logits, outputs.targets) + self.weight * margins
