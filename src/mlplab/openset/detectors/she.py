"""Agreement with the stored pattern of the predicted class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.centres import Centres, class_centres
from mlplab.openset.detectors.detector import Detector, ScoringRule


@final
@dataclass(frozen=True, eq=False)
class _SheRule:
    centres: Centres

    def __call__(self, activations: Activations) -> np.ndarray:
        nearest = self.centres.nearest_by_logit(activations.logits)
        h = activations.array("hidden", She.name).astype(np.float64)
        return -np.einsum("ru,ru->r", h, self.centres.means[nearest])


@final
@dataclass(frozen=True)
class She(Detector):
    """Simplified Hopfield energy: how little a row agrees with the mean of its predicted class.

    Score: −⟨h, μ_ŷ⟩.
    Source: Zhang et al., Out-of-distribution detection based on in-distribution data patterns
    memorization with modern Hopfield energy, ICLR 2023. They average correctly classified rows
    only; here μ is the mean of all training rows of the class, as in the other detectors.
    Known value: pattern (1, 2), activation (3, 4): −11.
    """

    name = "she"
    formula = "−⟨h, μ_ŷ⟩"
    source = "Zhang et al., ICLR 2023"
    needs = ("logits", "hidden")

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        h = activations.array("hidden", self.name)
        return _SheRule(class_centres(h, labels, activations.logits.shape[1]))
