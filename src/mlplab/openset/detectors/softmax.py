"""The largest softmax probability: the baseline that every other detector must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.probabilities import negative_log_of_largest


@final
@dataclass(frozen=True)
class Softmax(Detector):
    """How unsure the network is of its best class.

    Score: −log max_c p_c.
    Source: Hendrycks and Gimpel, A baseline for detecting misclassified and out-of-distribution
    examples, ICLR 2017. They use −max p, which orders rows the same but saturates.
    Known value: five equal logits give log 5 = 1.6094.
    """

    name = "softmax"
    formula = "−log max p"
    source = "Hendrycks and Gimpel, ICLR 2017"

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return lambda a: negative_log_of_largest(a.logits)
