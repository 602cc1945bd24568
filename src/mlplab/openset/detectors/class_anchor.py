"""Class anchor clustering: logits drawn to fixed anchors, distances read off at test time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.centres import class_centres
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.settings import check_choice, check_number


def anchor_distances(logits: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """Euclidean distances (row, class) of logits (row, class) to anchors (anchor, class)."""
    z = logits.astype(np.float64)
    return np.stack([np.linalg.norm(z - anchor, axis=1) for anchor in anchors], axis=1)


def anchor_scores(distances: np.ndarray) -> np.ndarray:
    """min_c d_c (1 − softmin_c) (row,) of distances (row, class)."""
    doubt = -np.expm1(log_softmax(-distances))
    result: np.ndarray = (distances * doubt).min(axis=1)
    return result


@final
@dataclass(frozen=True)
class ClassAnchor(Detector):
    """How far the logits lie from every anchor, the nearest counting by how clearly it is nearest.

    Score: min_c d_c (1 − softmin_c), d_c = ‖z − anchor_c‖, anchors 10·e_c.
    Source: Miller et al., Class anchor clustering: a loss for distance-based open set recognition,
    WACV 2021. After training they replace the anchors by the mean logits of correctly classified
    rows: `centres="means"`; by default the anchors of the loss stay.
    Known value: distances (1, 2, 3) give 1 − 0.6652 = 0.3348.
    """

    name = "class anchor"
    formula = "min_c d_c (1 − softmin_c)"
    source = "Miller et al., WACV 2021"
    training = "class anchor"

    magnitude: float = 10.0
    centres: Literal["anchors", "means"] = "anchors"

    def __post_init__(self) -> None:
        check_number(self.name, "magnitude", self.magnitude, 0.0, math.inf)
        check_choice(self.name, "centres", self.centres, ("anchors", "means"))

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        classes = activations.logits.shape[1]
        anchors = self.magnitude * np.eye(classes)
        if self.centres == "means":
            right = activations.predicted == labels
            found = class_centres(activations.logits[right], labels[right], classes)
            anchors[found.present] = found.means[found.present]
        return lambda a: anchor_scores(anchor_distances(a.logits, anchors))
