"""Distance to the k-th nearest training row: what a row resembles, not which class it is near."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from mlplab.declarations import open_set_detectors as declared
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import learns
from mlplab.openset.detectors.directions import unit_rows
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

    settings: declared.NearestNeighbours
    remembered: np.ndarray
    """(training row, feature) float32"""

    @cached_property
    def _squares(self) -> np.ndarray:
        """(training row,) float64: ‖r‖²."""
        return np.einsum("ru,ru->r", self.remembered, self.remembered, dtype=np.float64)

    def nearest(self, activations: Activations) -> tuple[np.ndarray, np.ndarray]:
        """Distances (row, k) float64, increasing, and indices (row, k) of training rows."""
        from mlplab.networks.fast_products import fast_float32_products

        x = _prepared(activations, self.settings)
        distances = np.empty((len(x), self.settings.k))
        indices = np.empty((len(x), self.settings.k), dtype=np.int64)
        left = np.arange(len(x))
        with fast_float32_products():
            # Rows with more neighbours within rounding than were looked at are searched again.
            for precision in (np.float32, np.float64):
                if not len(left):
                    break
                sure = self._search(x, left, precision, distances, indices)
                left = left[~sure]
        return distances, indices

    def _search(
        self,
        x: np.ndarray,
        rows: np.ndarray,
        precision: type[np.floating],
        distances: np.ndarray,
        indices: np.ndarray,
    ) -> np.ndarray:
        """Fill in the neighbours of some rows of x; tells (row,) of which they are surely those."""
        sure = np.zeros(len(rows), dtype=bool)
        start = 0
        for candidates, farthest in self._candidates(x[rows], precision):
            part = slice(start, start := start + len(candidates))
            some = rows[part]
            distances[some], indices[some] = self._nearest(x[some], candidates)
            sure[part] = np.square(distances[some, -1]) <= farthest
        return sure

    def _candidates(
        self, x: np.ndarray, precision: type[np.floating]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Training rows (row, candidate) near each row of x, a few rows of x at a time, and the
        squared distance (row,) that no other training row is nearer than.

        By ‖r‖² − 2·x·r, one large product: it subtracts large numbers and so loses half the digits
        of small distances, enough to find who is near, and with some to spare.
        """
        import torch

        training = torch.from_numpy(self.remembered.astype(precision, copy=False))
        squares = torch.from_numpy(self._squares.astype(precision))
        most = min(self.settings.k + _SPARE, len(training))
        products = torch.empty(min(_ROWS_AT_ONCE, len(x)), len(training), dtype=training.dtype)
        for part in torch.from_numpy(x.astype(precision, copy=False)).split(_ROWS_AT_ONCE):
            near = torch.mm(part * -2, training.T, out=products[: len(part)]).add_(squares)
            values, found = near.topk(most, dim=1, largest=False, sorted=False)
            limits = self._no_nearer(part.numpy(), values.amax(1).numpy(), most)
            ordered = found.numpy()
            ordered.sort(axis=1)
            for first in range(0, len(part), _EXACT_AT_ONCE):
                some = slice(first, first + _EXACT_AT_ONCE)
                yield ordered[some], limits[some]

    def _no_nearer(self, x: np.ndarray, largest: np.ndarray, candidates: int) -> np.ndarray:
        """(row,) the squared distance of the farthest candidate, less what rounding may hide.

        A product of n terms is off by less than n·u·‖x‖·‖r‖ (Higham, Accuracy and Stability of
        Numerical Algorithms, 2002, 3.1), and twice that is subtracted from ‖r‖².
        """
        if candidates == len(self.remembered):
            return np.full(len(x), np.inf)
        own = np.einsum("ru,ru->r", x, x, dtype=np.float64)
        unit = np.finfo(x.dtype).eps / 2
        reach = np.sqrt(own * self._squares.max()) + self._squares.max()
        rounding = 2 * unit * (x.shape[1] + 2) * reach
        return own + largest.astype(np.float64) - rounding

    def _nearest(self, x: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest of the candidates, by exact distances."""
        difference = self.remembered[candidates].astype(np.float64) - x[:, None]
        distance = np.sqrt(np.einsum("rku,rku->rk", difference, difference))
        order = np.argsort(distance, axis=1, kind="stable")[:, : self.settings.k]
        return np.take_along_axis(distance, order, 1), np.take_along_axis(candidates, order, 1)

    def __call__(self, activations: Activations) -> np.ndarray:
        return self.nearest(activations)[0][:, -1]


@learns(declared.NearestNeighbours)
def _nearest_neighbours(
    settings: declared.NearestNeighbours, activations: Activations, labels: np.ndarray
) -> NeighboursRule:
    if len(activations) < settings.k:
        refuse(
            f"{settings.name}, k",
            f"at least {settings.k} training rows for k = {settings.k}",
            str(len(activations)),
            "give more rows or a smaller k",
        )
    return NeighboursRule(settings, _prepared(activations, settings))


def _prepared(activations: Activations, settings: declared.NearestNeighbours) -> np.ndarray:
    x = activations.array(settings.space)
    return np.ascontiguousarray(unit_rows(x) if settings.normalise else x, dtype=np.float32)
