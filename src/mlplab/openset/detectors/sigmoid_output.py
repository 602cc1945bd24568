"""The sigmoid output beside the classifier: the 2023 report's second remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import expit

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import Detector, ScoringRule


@final
@dataclass(frozen=True)
class SigmoidOutput(Detector):
    """An output trained as known = 1, negative = 0, and asked first at test time.

    Score: 1 − σ(a), computed as σ(−a) so that certainty does not round to zero.
    Source: the 2023 report's second remedy.
    Known value: a = 0 gives 0.5, a = 40 gives 4.2e-18.
    """

    name = "sigmoid output"
    formula = "1 − σ"
    source = "the 2023 report, part two"
    needs = ("logits", "sigmoid_logit")
    training = "sigmoid output"
    needs_negatives = True

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return lambda a: expit(-a.array("sigmoid_logit", self.name).astype(np.float64))
