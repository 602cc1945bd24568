"""Distance to the k-th nearest training row: what a row resembles, not which class it is near."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final, get_args

import numpy as np

from mlplab.openset.activations import Activations, Space
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.directions import unit_rows
from mlplab.openset.detectors.settings import check_choice, check_count, check_flag
from mlplab.openset.errors import refuse

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors as Search

# rows whose k neighbours are gathered at once: 512 · 10 · 784 float64 are 32 MB
_ROWS_REFINED_AT_ONCE = 512


@final
@dataclass(frozen=True, eq=False)
class NeighboursRule:
    """The remembered training rows, and the search among them."""

    space: Space
    k: int
    normalise: bool
    remembered: np.ndarray
    """(training row, feature) float32"""
    search: Search

    def nearest(self, activations: Activations) -> tuple[np.ndarray, np.ndarray]:
        """Distances (row, k) float64, increasing, and indices (row, k) of training rows."""
        x = _prepared(activations.array(self.space, NearestNeighbours.name), self.normalise)
        index = self.search.kneighbors(x, return_distance=False)
        distance = np.empty(index.shape)
        # The search subtracts squared lengths and so loses half the digits of small distances.
        for start in range(0, len(x), _ROWS_REFINED_AT_ONCE):
            part = slice(start, start + _ROWS_REFINED_AT_ONCE)
            difference = self.remembered[index[part]].astype(np.float64) - x[part, None]
            distance[part] = np.sqrt(np.einsum("rku,rku->rk", difference, difference))
        order = np.argsort(distance, axis=1, kind="stable")
        return np.take_along_axis(distance, order, 1), np.take_along_axis(index, order, 1)

    def __call__(self, activations: Activations) -> np.ndarray:
        return self.nearest(activations)[0][:, -1]


@final
@dataclass(frozen=True)
class NearestNeighbours(Detector):
    """How far the k-th most similar training row is, whatever its class.

    Score: the k-th smallest ‖h/‖h‖ − h_i/‖h_i‖‖ over training rows i.
    Source: Sun et al., Out-of-distribution detection with deep nearest neighbors, ICML 2022.
    The search is scikit-learn's, exact, in chunks that bound its memory.
    Known value: unit vectors at right angles are √2 apart.
    """

    name = "nearest neighbours"
    formula = "distance to the k-th neighbour of h/‖h‖"
    source = "Sun et al., ICML 2022"

    k: int = 10
    space: Space = "hidden"
    normalise: bool = True
    """Compare directions only; a row of zeros stays zero."""

    def __post_init__(self) -> None:
        check_count(self.name, "k", self.k)
        check_choice(self.name, "space", self.space, get_args(Space))
        check_flag(self.name, "normalise", self.normalise)

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        from sklearn.neighbors import NearestNeighbors as Search

        if len(activations) < self.k:
            refuse(
                f"{self.name}, k",
                f"at least {self.k} training rows for k = {self.k}",
                str(len(activations)),
                "give more rows or a smaller k",
            )
        rows = _prepared(activations.array(self.space, self.name), self.normalise)
        search = Search(n_neighbors=self.k, algorithm="brute", metric="euclidean").fit(rows)
        return NeighboursRule(self.space, self.k, self.normalise, rows, search)


def _prepared(x: np.ndarray, normalise: bool) -> np.ndarray:
    return np.ascontiguousarray(unit_rows(x) if normalise else x, dtype=np.float32)
