"""Distances that know how each direction varies within a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final, get_args

import numpy as np

from mlplab.openset.activations import Activations, Space
from mlplab.openset.detectors.centres import Centres, class_centres
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.directions import float_rows
from mlplab.openset.detectors.settings import check_choice, check_flag, check_number


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


def whitening(deviations: np.ndarray, shrinkage: float) -> Whitening:
    """From deviations (row, feature) of their means, float64.

    With shrinkage s the covariance is (1−s)·Σ + s·(trace Σ / features)·1; with s = 0 directions
    without variance (dead units) are left out, which is the pseudo-inverse.
    """
    features = deviations.shape[1]
    variance, axes = np.linalg.eigh(deviations.T @ deviations / len(deviations))
    floor = np.finfo(np.float64).eps * max(deviations.shape) * max(float(variance[-1]), 0.0)
    rank = int(np.count_nonzero(variance > floor))
    variance = (1 - shrinkage) * np.maximum(variance, 0) + shrinkage * variance.sum() / features
    kept = variance > floor
    return Whitening(axes[:, kept] / np.sqrt(variance[kept]), rank)


@final
@dataclass(frozen=True, eq=False)
class MahalanobisRule:
    """The smallest squared distance to a class, less that to all rows where asked for."""

    name: str
    space: Space
    within: Whitening
    means: np.ndarray
    """(class, direction): whitened centres of the classes that have one."""
    overall: Whitening | None
    overall_mean: np.ndarray
    """(direction,)"""
    normalise: bool

    def __call__(self, activations: Activations) -> np.ndarray:
        x = float_rows(activations.array(self.space, self.name), self.normalise)
        white = x @ self.within.matrix
        nearest = np.full(len(x), np.inf)
        for mean in self.means:
            np.minimum(nearest, np.square(white - mean).sum(axis=1), out=nearest)
        if self.overall is None:
            return nearest
        background = np.square(x @ self.overall.matrix - self.overall_mean).sum(axis=1)
        result: np.ndarray = nearest - background
        return result

    @property
    def remarks(self) -> tuple[str, ...]:
        """Whether the covariance had to be helped."""
        if not self.within.singular:
            return ()
        return (f"covariance singular (rank {self.within.rank} of {len(self.within.matrix)})",)


@dataclass(frozen=True)
class _Mahalanobis(Detector):
    space: Space = "hidden"
    shrinkage: float | None = None
    """Share of a sphere mixed into the covariance; None for the pseudo-inverse."""
    normalise: bool = False
    """Compare directions x/‖x‖ only."""

    def __post_init__(self) -> None:
        check_choice(self.name, "space", self.space, get_args(Space))
        check_flag(self.name, "normalise", self.normalise)
        if self.shrinkage is not None:
            check_number(self.name, "shrinkage", self.shrinkage, 0.0, 1.0)

    def _distances(
        self, activations: Activations, labels: np.ndarray, relative: bool
    ) -> MahalanobisRule:
        x = float_rows(activations.array(self.space, self.name), self.normalise)
        centres: Centres = class_centres(x, labels, activations.logits.shape[1])
        shrinkage = self.shrinkage or 0.0
        within = whitening(x - centres.means[labels], shrinkage)
        middle = x.mean(axis=0)
        overall = whitening(x - middle, shrinkage) if relative else None
        return MahalanobisRule(
            self.name,
            self.space,
            within,
            centres.means[centres.present] @ within.matrix,
            overall,
            middle @ overall.matrix if overall is not None else middle,
            self.normalise,
        )


@final
@dataclass(frozen=True)
class Mahalanobis(_Mahalanobis):
    """The squared Mahalanobis distance to the nearest class.

    Score: min_c MD_c, MD_c = (x − μ_c)ᵀ Σ⁺ (x − μ_c), Σ the covariance within classes, shared.
    Source: Lee et al., A simple unified framework for detecting out-of-distribution samples,
    NeurIPS 2018, at one layer and without their input perturbation.
    Known value: unit covariance, centres (0, 0) and (10, 0), activation (3, 4): 25.
    """

    name = "mahalanobis"
    formula = "min_c (h − μ_c)ᵀ Σ⁺ (h − μ_c)"
    source = "Lee et al., NeurIPS 2018"

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return self._distances(activations, labels, relative=False)


@final
@dataclass(frozen=True)
class RelativeMahalanobis(_Mahalanobis):
    """The Mahalanobis distance to the nearest class, less that to the rows of all classes.

    Score: min_c (MD_c − MD_0), MD_0 with a mean and covariance of its own over all rows.
    Source: Ren et al., A simple fix to Mahalanobis distance for improving near-OOD detection, 2021.
    Known value: unit covariance within classes, centres (0, 0) and (10, 0), as many rows of each,
    activation (3, 4): 25 − (4/26 + 16) = 8.8462.
    """

    name = "relative mahalanobis"
    formula = "min_c (MD_c − MD_0)"
    source = "Ren et al., 2021"

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return self._distances(activations, labels, relative=True)
