"""Networks taught to be undecided about negatives: entropic open-set and Objectosphere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.probabilities import negative_log_of_largest


@final
@dataclass(frozen=True)
class Entropic(Detector):
    """Doubt of a network trained to give negatives the uniform distribution.

    Score: 1 − max p, computed without cancellation.
    Source: Dhamija et al., Reducing network agnostophobia, NeurIPS 2018; Hendrycks et al., Deep
    anomaly detection with outlier exposure, ICLR 2019.
    Known value: five equal logits give 0.8.
    """

    name = "entropic"
    formula = "1 − max p"
    source = "Dhamija et al., NeurIPS 2018; Hendrycks et al., ICLR 2019"
    training = "entropic"
    needs_negatives = True

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return lambda a: -np.expm1(-negative_log_of_largest(a.logits))


@final
@dataclass(frozen=True)
class Objectosphere(Detector):
    """Doubt, and the shortness of the hidden activations, which training gives to negatives.

    Score: −max p · ‖h‖.
    Source: Dhamija et al., NeurIPS 2018.
    Known value: two equal logits, h = (3, 4): −2.5.
    """

    name = "objectosphere"
    formula = "−max p · ‖h‖"
    source = "Dhamija et al., NeurIPS 2018"
    needs = ("logits", "hidden")
    training = "objectosphere"
    needs_negatives = True

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return self._score

    def _score(self, activations: Activations) -> np.ndarray:
        h = activations.array("hidden", self.name).astype(np.float64)
        largest = np.exp(-negative_log_of_largest(activations.logits))
        result: np.ndarray = -largest * np.linalg.norm(h, axis=1)
        return result
