"""The energy of a network whose largest activations are clipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.openset.activations import Activations, OutputLayer, recovered_output_layer
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.probabilities import free_energy
from mlplab.openset.detectors.settings import check_number


@final
@dataclass(frozen=True, eq=False)
class _ReactRule:
    ceiling: float
    layer: OutputLayer

    def __call__(self, activations: Activations) -> np.ndarray:
        h = activations.array("hidden", React.name).astype(np.float64)
        return free_energy(np.minimum(h, self.ceiling) @ self.layer.kernel + self.layer.bias)

    @property
    def remarks(self) -> tuple[str, ...]:
        """A ceiling of zero leaves nothing of a ReLU layer."""
        return ("the clipping ceiling is zero: every activation is cut",) * (self.ceiling == 0.0)


@final
@dataclass(frozen=True)
class React(Detector):
    """Rectified activations: unknown inputs often owe their evidence to a few very active units.

    Score: −log Σ exp(z̃), z̃ the logits of min(h, c), c a percentile of all training activations.
    Source: Sun et al., ReAct: out-of-distribution detection with rectified activations,
    NeurIPS 2021, with the 90th percentile.
    Known value: ceiling 1, identity output layer, h = (3, 0.5): −log(e + e^0.5) = −1.4741.
    """

    name = "react"
    formula = "energy of min(h, c)"
    source = "Sun et al., NeurIPS 2021"
    needs = ("logits", "hidden")

    percentile: float = 90.0

    def __post_init__(self) -> None:
        check_number(self.name, "percentile", self.percentile, 0.0, 100.0)

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        h = activations.array("hidden", self.name)
        ceiling = float(np.percentile(h, self.percentile))
        return _ReactRule(ceiling, recovered_output_layer(activations, self.name))
