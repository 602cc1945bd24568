"""Free energy of the logits, and the training method that puts a margin on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.probabilities import free_energy
from mlplab.openset.detectors.settings import check_number


@dataclass(frozen=True)
class _FreeEnergy(Detector):
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.name, "temperature", self.temperature, 0.0, math.inf)

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return lambda a: free_energy(a.logits, self.temperature)


@final
@dataclass(frozen=True)
class Energy(_FreeEnergy):
    """How little evidence there is for all classes together.

    Score: −T·log Σ_c exp(z_c / T).
    Source: Liu et al., Energy-based out-of-distribution detection, NeurIPS 2020.
    Known value: five zeros give −log 5 = −1.6094 at T = 1.
    """

    name = "energy"
    formula = "−T·log Σ exp(z/T)"
    source = "Liu et al., NeurIPS 2020"


@final
@dataclass(frozen=True)
class EnergyMargin(_FreeEnergy):
    """The energy of a network whose energies were pushed apart in training.

    Score: −T·log Σ_c exp(z_c / T), as for `energy`; what differs is the network
    (`losses.energy_margin`).
    Source: Liu et al., NeurIPS 2020, section 3.2.
    Known value: five zeros give −1.6094.
    """

    name = "energy margin"
    formula = "−T·log Σ exp(z/T)"
    source = "Liu et al., NeurIPS 2020"
    training = "energy margin"
    needs_negatives = True
