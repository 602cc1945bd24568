"""The largest logit, which keeps the size that softmax divides away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import Detector, ScoringRule


@final
@dataclass(frozen=True)
class MaxLogit(Detector):
    """How little evidence there is for the best class.

    Score: −max_c z_c.
    Source: Hendrycks et al., Scaling out-of-distribution detection for real-world settings,
    ICML 2022; Vaze et al., Open-set recognition: a good closed-set classifier is all you need?,
    ICLR 2022.
    Known value: logits (1, 4, 2) give −4.
    """

    name = "max logit"
    formula = "−max z"
    source = "Hendrycks et al., ICML 2022"

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return lambda a: -a.logits.astype(np.float64).max(axis=1)
