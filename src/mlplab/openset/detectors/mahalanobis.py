"""Distances that know how each direction varies within a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.declarations import open_set_detectors as declared
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.centres import class_centres
from mlplab.openset.detectors.detector import learns
from mlplab.openset.detectors.directions import float_rows

_Settings = declared.Mahalanobis | declared.RelativeMahalanobis


@final
@dataclass(frozen=True, eq=False)
class Whitening:
    """x · matrix has unit covariance: ‖(x − μ)·matrix‖² is a squared Mahalanobis distance."""

    matrix: np.ndarray
    """(feature, direction)"""
    rank: int
    """Directions in which the rows vary."""

    @property
    def singular(self) -> bool:
        """Whether some direction does not vary at all."""
        return self.rank < len(self.matrix)


def whitening(differences: np.ndarray, shrinkage: float) -> Whitening:
    """From differences (row, feature) of rows from their means, float64.

    With shrinkage s the covariance is (1−s)·Σ + s·(trace Σ / features)·1; with s = 0 directions
    without variance (dead units) are left out, which is the pseudo-inverse.
    """
    features = differences.shape[1]
    variance, axes = np.linalg.eigh(differences.T @ differences / len(differences))
    floor = np.finfo(np.float64).eps * max(differences.shape) * max(float(variance[-1]), 0.0)
    rank = int(np.count_nonzero(variance > floor))
    variance = (1 - shrinkage) * np.maximum(variance, 0) + shrinkage * variance.sum() / features
    kept = variance > floor
    return Whitening(axes[:, kept] / np.sqrt(variance[kept]), rank)


@final
@dataclass(frozen=True, eq=False)
class MahalanobisRule:
    """The smallest squared distance to a class, less that to all rows where asked for."""

    settings: _Settings
    within: Whitening
    means: np.ndarray
    """(class, direction): whitened centres of the classes that have one."""
    overall: Whitening | None
    overall_mean: np.ndarray
    """(direction,)"""

    def __call__(self, activations: Activations) -> np.ndarray:
        x = float_rows(activations.array(self.settings.space), self.settings.normalise)
        white = x @ self.within.matrix
        nearest = np.full(len(x), np.inf)
        for mean in self.means:
            np.minimum(nearest, np.square(white - mean).sum(axis=1), out=nearest)
        if self.overall is None:
            return nearest
        background = np.square(x @ self.overall.matrix - self.overall_mean).sum(axis=1)
        return nearest - background

    @property
    def remarks(self) -> tuple[str, ...]:
        """Whether the covariance is singular."""
        if not self.within.singular:
            return ()
        return (f"covariance singular (rank {self.within.rank} of {len(self.within.matrix)})",)


@learns(declared.Mahalanobis, declared.RelativeMahalanobis)
def _mahalanobis(
    settings: _Settings, activations: Activations, labels: np.ndarray
) -> MahalanobisRule:
    x = float_rows(activations.array(settings.space), settings.normalise)
    centres = class_centres(x, labels, activations.logits.shape[1])
    shrinkage = settings.shrinkage or 0.0
    within = whitening(x - centres.means[labels], shrinkage)
    middle = x.mean(axis=0)
    relative = isinstance(settings, declared.RelativeMahalanobis)
    overall = whitening(x - middle, shrinkage) if relative else None
    return MahalanobisRule(
        settings,
        within,
        centres.means[centres.present] @ within.matrix,
        overall,
        middle @ overall.matrix if overall is not None else middle,
    )
