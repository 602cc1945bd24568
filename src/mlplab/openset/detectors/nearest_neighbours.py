"""Distance to the k-th nearest training row: what a row resembles, not which class it is near."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final, get_args

import numpy as np

from mlplab.networks.fast_products import fast_float32_products
from mlplab.openset.activations import Activations, Space
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.directions import unit_rows
from mlplab.openset.detectors.settings import check_choice, check_count, check_flag
from mlplab.openset.errors import refuse

_ROWS_AT_ONCE = 512
"""Against 30,000 training rows these have 61 MB of products."""
_EXACT_AT_ONCE = 32
"""Rows whose candidates, 20 · 512 float64 each, stay in the caches."""
_SPARE = 10
"""More neighbours than are asked for are looked at exactly, in case rounding misplaced one."""


@final
@dataclass(frozen=True, eq=False)
class NeighboursRule:
    """The remembered training rows, and the search among them."""

    space: Space
    k: int
    normalise: bool
    remembered: np.ndarray
    """(training row, feature) float32"""

    @cached_property
    def _squares(self) -> np.ndarray:
        """(training row,) float32: ‖r‖²."""
        squares: np.ndarray = np.einsum("ru,ru->r", self.remembered, self.remembered)
        return squares

    def nearest(self, activations: Activations) -> tuple[np.ndarray, np.ndarray]:
        """Distances (row, k) float64, increasing, and indices (row, k) of training rows."""
        x = _prepared(activations.array(self.space, NearestNeighbours.name), self.normalise)
        distances = np.empty((len(x), self.k))
        indices = np.empty((len(x), self.k), dtype=np.int64)
        start = 0
        with fast_float32_products():
            for candidates in self._candidates(x):
                some = slice(start, start := start + len(candidates))
                distances[some], indices[some] = self._nearest(x[some], candidates)
        return distances, indices

    def _candidates(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """(row, candidate) training rows near each row of x, a few rows of x at a time.

        By ‖r‖² − 2·x·r, one large product in float32: it subtracts large numbers and so loses half
        the digits of small distances, enough to find who is near, and with some to spare.
        """
        import torch

        rows = torch.from_numpy(self.remembered)
        squares = torch.from_numpy(self._squares)
        most = min(self.k + _SPARE, len(rows))
        products = torch.empty(min(_ROWS_AT_ONCE, len(x)), len(rows))
        for part in torch.from_numpy(x).split(_ROWS_AT_ONCE):
            near = torch.mm(part * -2, rows.T, out=products[: len(part)]).add_(squares)
            found = near.topk(most, dim=1, largest=False, sorted=False).indices.numpy()
            found.sort(axis=1)
            yield from np.split(found, range(_EXACT_AT_ONCE, len(found), _EXACT_AT_ONCE))

    def _nearest(self, x: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest of the candidates, by exact distances."""
        difference = self.remembered[candidates].astype(np.float64) - x[:, None]
        distance = np.sqrt(np.einsum("rku,rku->rk", difference, difference))
        order = np.argsort(distance, axis=1, kind="stable")[:, : self.k]
        return np.take_along_axis(distance, order, 1), np.take_along_axis(candidates, order, 1)

    def __call__(self, activations: Activations) -> np.ndarray:
        return self.nearest(activations)[0][:, -1]


@final
@dataclass(frozen=True)
class NearestNeighbours(Detector):
    """How far the k-th most similar training row is, whatever its class.

    Score: the k-th smallest ‖h/‖h‖ − h_i/‖h_i‖‖ over training rows i.
    Source: Sun et al., Out-of-distribution detection with deep nearest neighbors, ICML 2022.
    The search compares with every training row, in chunks that bound its memory.
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
        if len(activations) < self.k:
            refuse(
                f"{self.name}, k",
                f"at least {self.k} training rows for k = {self.k}",
                str(len(activations)),
                "give more rows or a smaller k",
            )
        rows = _prepared(activations.array(self.space, self.name), self.normalise)
        return NeighboursRule(self.space, self.k, self.normalise, rows)


def _prepared(x: np.ndarray, normalise: bool) -> np.ndarray:
    return np.ascontiguousarray(unit_rows(x) if normalise else x, dtype=np.float32)
