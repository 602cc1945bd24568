"""Distance to the centre of the predicted class: the 2023 report's first remedy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final, get_args

import numpy as np

from mlplab.openset.activations import Activations, Space
from mlplab.openset.detectors.centres import Centres, class_centres
from mlplab.openset.detectors.clusters import cluster_centres
from mlplab.openset.detectors.detector import Detector, Fitted
from mlplab.openset.detectors.directions import float_rows, unit_rows
from mlplab.openset.detectors.settings import check_choice, check_count, check_flag


@final
@dataclass(frozen=True, eq=False)
class CentreRule:
    """Scores by centres, wherever these come from."""

    name: str
    space: Space
    centres: Centres
    normalise: bool = False
    one_sided: bool = False
    clusters: tuple[np.ndarray, ...] = ()
    """(cluster, feature) for each class; empty where each class has its one centre."""

    def __call__(self, activations: Activations) -> np.ndarray:
        nearest = self.centres.nearest_by_logit(activations.logits)
        x = float_rows(activations.array(self.space, self.name), self.normalise)
        if not self.clusters:
            return self._distance(x, self.centres.means[nearest])
        scores = np.full(len(x), np.inf)
        for c in np.unique(nearest):
            its = nearest == c
            for centre in self.clusters[c]:
                scores[its] = np.minimum(scores[its], self._distance(x[its], centre))
        return scores

    def _distance(self, x: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(row,): of rows (row, feature) to a centre (feature,), or to one each."""
        if self.one_sided:
            aside, along = aside_and_along(x, centre)
            result: np.ndarray = np.hypot(aside, np.minimum(along, 0.0))
            return result
        result = np.linalg.norm(x - centre, axis=1)
        return result

    @property
    def remarks(self) -> tuple[str, ...]:
        """Classes without a centre."""
        missing = np.flatnonzero(~self.centres.present)
        return tuple(f"output {c} has no training rows and no centre" for c in missing)


def aside_and_along(x: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The deviation of rows (row, feature) from a centre (feature,), or one each, in two parts.

    Returns:
        (row,) how far it leads off the line from the origin through the centre, and (row,) how far
        it leads along it: negative towards the origin, positive beyond the centre.
    """
    deviation = x - centre
    direction = unit_rows(np.atleast_2d(centre))
    along = (deviation * direction).sum(axis=1)
    aside: np.ndarray = np.linalg.norm(deviation - along[:, None] * direction, axis=1)
    return aside, along


@dataclass(frozen=True)
class _ToCentre(Detector):
    space: Space = "hidden"
    normalise: bool = False
    """Compare directions x/‖x‖ only, centres being their means."""
    one_sided: bool = False
    """What reaches beyond the centre, seen from the origin, does not count."""

    def __post_init__(self) -> None:
        check_choice(self.name, "space", self.space, get_args(Space))
        check_flag(self.name, "normalise", self.normalise)
        check_flag(self.name, "one_sided", self.one_sided)

    def _learn(self, activations: Activations, labels: np.ndarray) -> CentreRule:
        x = float_rows(activations.array(self.space, self.name), self.normalise)
        centres = class_centres(x, labels, activations.logits.shape[1])
        return CentreRule(self.name, self.space, centres, self.normalise, self.one_sided)

    def with_centres(self, centres: Centres) -> Fitted:
        """The detector with centres found otherwise, such as running means during training."""
        classes, features = centres.means.shape
        widths: dict[str, int] = {"logits": classes, self.space: features}
        rule = CentreRule(self.name, self.space, centres, self.normalise, self.one_sided)
        return Fitted(self.name, rule, widths)


@final
@dataclass(frozen=True)
class ClassCentre(_ToCentre):
    """How far an input lies from the centre of the class it is taken for.

    Score: ‖x − μ_ŷ‖ with x the inputs, the last hidden activations or the logits; ŷ is the
    predicted class and μ its mean over training rows. With `normalise` x is its direction x/‖x‖.
    With `one_sided` what reaches beyond the centre, seen from the origin, does not count: such a
    row is the class all the more. With `clusters` a class has several centres, found by k-means
    among its training rows, and the nearest of the predicted class counts.
    Source: the 2023 report's first remedy; nearest-class-mean classifiers, Mensink et al.,
    PAMI 2013, where several centres a class are proposed too. `one_sided` is mlplab's own.
    Known value: centre (0, 0), activation (3, 4): 5.
    """

    name = "class centre"
    formula = "‖x − μ_ŷ‖"
    source = "the 2023 report, part two; Mensink et al., PAMI 2013"

    clusters: int = 1
    """Centres of a class."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count(self.name, "clusters", self.clusters)

    def _learn(self, activations: Activations, labels: np.ndarray) -> CentreRule:
        rule = super()._learn(activations, labels)
        if self.clusters == 1:
            return rule
        x = float_rows(activations.array(self.space, self.name), self.normalise)
        clusters = tuple(
            cluster_centres(x[labels == c], self.clusters) if present else rule.centres.means[[c]]
            for c, present in enumerate(rule.centres.present)
        )
        return replace(rule, clusters=clusters)


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
