"""One more class that stands for everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import Detector, ScoringRule


@final
@dataclass(frozen=True)
class BackgroundClass(Detector):
    """The probability of the extra class of a (K+1)-way network trained with negatives.

    Score: p_{K+1}. The label, where a row is accepted, is that of the largest known logit.
    Source: Dhamija et al., Reducing network agnostophobia, NeurIPS 2018 (as a baseline).
    Known value: two known logits and the background equal: 1/3.
    """

    name = "background class"
    formula = "p_{K+1}"
    source = "Dhamija et al., NeurIPS 2018"
    needs = ("logits", "background_logit")
    training = "background class"
    needs_negatives = True

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return self._probability

    def _probability(self, activations: Activations) -> np.ndarray:
        extra = activations.array("background_logit", self.name)
        together = np.column_stack([activations.logits, extra])
        result: np.ndarray = np.exp(log_softmax(together)[:, -1])
        return result
