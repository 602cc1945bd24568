"""Distance to the centre of the predicted class, and agreement with it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.cluster.vq import kmeans2

from mlplab.declarations import open_set_detectors as declared
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.centres import Centres, class_centres
from mlplab.openset.detectors.detector import Fitted, ScoringRule, learns
from mlplab.openset.detectors.directions import float_rows, unit_rows
from mlplab.openset.errors import refuse

_MOST_ROWS = 2000
"""Rows of a class among which clusters are sought: centres of many rows move little with more."""
_ROUNDS = 10
_SEED = 0


@final
@dataclass(frozen=True, eq=False)
class CentreRule:
    """Scores by centres, wherever these come from."""

    settings: declared.ClassCentre | declared.CentreLoss
    centres: Centres
    clusters: tuple[np.ndarray, ...] = ()
    """(cluster, feature) for each class; empty where each class has its one centre."""

    def __call__(self, activations: Activations) -> np.ndarray:
        nearest = self.centres.nearest_by_logit(activations.logits)
        x = float_rows(activations.array(self.settings.space), self.settings.normalise)
        if not self.clusters:
            return self._distance(x, self.centres.means[nearest])
        found = np.full(len(x), np.inf)
        for c in np.unique(nearest):
            its = nearest == c
            for centre in self.clusters[c]:
                found[its] = np.minimum(found[its], self._distance(x[its], centre))
        return found

    def _distance(self, x: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """(row,): of rows (row, feature) to a centre (feature,), or to one each."""
        if self.settings.one_sided:
            aside, along = aside_and_along(x, centre)
            return np.hypot(aside, np.minimum(along, 0.0))
        result = np.linalg.norm(x - centre, axis=1)
        return result

    @property
    def remarks(self) -> tuple[str, ...]:
        """Classes without a centre."""
        return self.centres.remarks


def aside_and_along(x: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The difference of rows (row, feature) from a centre (feature,), or one each, in two parts.

    Returns:
        (row,) how far it leads off the line from the origin through the centre, and (row,) how far
        it leads along it: negative towards the origin, positive beyond the centre.
    """
    difference = x - centre
    direction = unit_rows(np.atleast_2d(centre))
    along = (difference * direction).sum(axis=1)
    aside: np.ndarray = np.linalg.norm(difference - along[:, None] * direction, axis=1)
    return aside, along


@learns(declared.ClassCentre, declared.CentreLoss)
def _class_centre(
    settings: declared.ClassCentre | declared.CentreLoss,
    activations: Activations,
    labels: np.ndarray,
) -> CentreRule:
    x = float_rows(activations.array(settings.space), settings.normalise)
    centres = class_centres(x, labels, activations.logits.shape[1])
    if isinstance(settings, declared.CentreLoss):
        return CentreRule(settings, centres)
    if settings.centres == "running":
        refuse(
            settings.label,
            "the centres that training kept",
            "none",
            "give them to class_centre.with_centres",
        )
    if settings.clusters == 1:
        return CentreRule(settings, centres)
    clusters = tuple(
        cluster_centres(x[labels == c], settings.clusters) if present else centres.means[[c]]
        for c, present in enumerate(centres.present)
    )
    return CentreRule(settings, centres, clusters)


def with_centres(settings: declared.ClassCentre, means: np.ndarray) -> Fitted:
    """The detector with centres (class, feature) found otherwise, such as running means."""
    classes, features = means.shape
    centres = Centres(means.astype(np.float64), np.ones(classes, dtype=bool))
    widths: dict[str, int] = {"logits": classes, settings.space: features}
    return Fitted(settings.name, CentreRule(settings, centres), widths)


def cluster_centres(rows: np.ndarray, clusters: int) -> np.ndarray:
    """Centres (cluster, feature) float64 of the rows (row, feature) of one class, by k-means.

    Ten rounds of Lloyd's algorithm (IEEE Transactions on Information Theory 1982) from rows drawn
    with a fixed seed. Of a class with no more different rows than clusters, each of these is a
    centre.
    """
    draw = np.random.default_rng(_SEED)
    if len(rows) > _MOST_ROWS:
        rows = rows[np.sort(draw.choice(len(rows), _MOST_ROWS, replace=False))]
    start = np.unique(rows, axis=0)
    if len(start) <= clusters:
        return start.astype(np.float64)
    start = start[draw.choice(len(start), clusters, replace=False)]
    # a cluster that loses its rows to others keeps its last centre, which is no reason to warn
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        centres: np.ndarray = kmeans2(rows, start, iter=_ROUNDS, minit="matrix")[0]
    return centres.astype(np.float64)


@learns(declared.She)
def _she(settings: declared.She, activations: Activations, labels: np.ndarray) -> ScoringRule:
    h = activations.array("hidden")
    patterns = class_centres(h, labels, activations.logits.shape[1])

    def agreement(rows: Activations) -> np.ndarray:
        nearest = patterns.nearest_by_logit(rows.logits)
        h = rows.array("hidden").astype(np.float64)
        return -np.einsum("ru,ru->r", h, patterns.means[nearest])

    return agreement
