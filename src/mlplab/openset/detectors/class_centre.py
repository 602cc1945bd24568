"""Distance to the centre of the predicted class: the 2023 report's first remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final, get_args

import numpy as np

from mlplab.openset.activations import Activations, Space
from mlplab.openset.detectors.centres import Centres, class_centres
from mlplab.openset.detectors.detector import Detector, Fitted, ScoringRule
from mlplab.openset.detectors.directions import check_normalise, float_rows
from mlplab.openset.detectors.settings import check_choice


@final
@dataclass(frozen=True, eq=False)
class CentreRule:
    """Scores by centres, wherever these come from."""

    name: str
    space: Space
    centres: Centres
    normalise: bool = False

    def __call__(self, activations: Activations) -> np.ndarray:
        nearest = self.centres.nearest_by_logit(activations.logits)
        x = float_rows(activations.array(self.space, self.name), self.normalise)
        result: np.ndarray = np.linalg.norm(x - self.centres.means[nearest], axis=1)
        return result

    @property
    def remarks(self) -> tuple[str, ...]:
        """Classes without a centre."""
        missing = np.flatnonzero(~self.centres.present)
        return tuple(f"output {c} has no training rows and no centre" for c in missing)


@dataclass(frozen=True)
class _ToCentre(Detector):
    space: Space = "hidden"
    normalise: bool = False
    """Compare directions x/‖x‖ only, centres being their means."""

    def __post_init__(self) -> None:
        check_choice(self.name, "space", self.space, get_args(Space))
        check_normalise(self.name, self.normalise)

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        x = float_rows(activations.array(self.space, self.name), self.normalise)
        centres = class_centres(x, labels, activations.logits.shape[1])
        return CentreRule(self.name, self.space, centres, self.normalise)

    def with_centres(self, centres: Centres) -> Fitted:
        """The detector with centres found otherwise, such as running means during training."""
        classes, features = centres.means.shape
        widths: dict[str, int] = {"logits": classes, self.space: features}
        return Fitted(self.name, CentreRule(self.name, self.space, centres, self.normalise), widths)


@final
@dataclass(frozen=True)
class ClassCentre(_ToCentre):
    """How far an input lies from the centre of the class it is taken for.

    Score: ‖x − μ_ŷ‖ with x the inputs, the last hidden activations or the logits; ŷ is the
    predicted class and μ its mean over training rows. With `normalise` x is its direction x/‖x‖.
    Source: the 2023 report's first remedy; nearest-class-mean classifiers, Mensink et al.,
    PAMI 2013.
    Known value: centre (0, 0), activation (3, 4): 5.
    """

    name = "class centre"
    formula = "‖x − μ_ŷ‖"
    source = "the 2023 report, part two; Mensink et al., PAMI 2013"


@final
@dataclass(frozen=True)
class CentreLoss(_ToCentre):
    """The distance to the class centre in a network trained to keep its classes tight.

    Score: ‖h − μ_ŷ‖, as for `class centre`; what differs is the network (`losses.centre_loss`).
    Source: Wen et al., A discriminative feature learning approach for deep face recognition,
    ECCV 2016. Centres are the exact means after training rather than the running ones of training.
    Known value: centre (0, 0), activation (3, 4): 5.
    """

    name = "centre loss"
    formula = "‖h − μ_ŷ‖"
    source = "Wen et al., ECCV 2016"
    training = "centre loss"
