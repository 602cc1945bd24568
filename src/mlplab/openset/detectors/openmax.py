"""OpenMax: extreme-value theory moves part of the logits to an extra class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.declarations import open_set_detectors as declared
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.centres import Centres, class_centres
from mlplab.openset.detectors.detector import learns
from mlplab.openset.detectors.weibull import Weibull, tail_fit
from mlplab.openset.errors import refuse


@final
@dataclass(frozen=True, eq=False)
class OpenMaxRule:
    """Centres of the logits of each class, and how far its own rows stray."""

    centres: Centres
    tails: tuple[Weibull | None, ...]
    """One a class; None for a class without a centre."""
    ranks: int

    def beyond(self, logits: np.ndarray) -> np.ndarray:
        """F_c(‖z − μ_c‖) (row, class): how surely a row lies beyond each class."""
        outside = np.ones(logits.shape)
        for c, tail in enumerate(self.tails):
            if tail is not None:
                distance = np.linalg.norm(logits - self.centres.means[c], axis=1)
                outside[:, c] = tail.cumulative(distance)
        return outside

    def recalibrated(self, logits: np.ndarray) -> np.ndarray:
        """Logits (row, class + 1) float64, the last that of the extra class."""
        z = logits.astype(np.float64)
        order = np.argsort(-z, axis=1, kind="stable")
        weight_by_rank = np.maximum(self.ranks - np.arange(z.shape[1]), 0) / self.ranks
        weight = np.empty_like(z)
        np.put_along_axis(weight, order, np.broadcast_to(weight_by_rank, z.shape), axis=1)
        # Scaling a negative logit down would raise it, so only positive ones give something away.
        moved = np.maximum(z, 0.0) * weight * self.beyond(z)
        return np.column_stack([z - moved, moved.sum(axis=1)])

    def __call__(self, activations: Activations) -> np.ndarray:
        return np.exp(log_softmax(self.recalibrated(activations.logits))[:, -1])

    @property
    def remarks(self) -> tuple[str, ...]:
        """Classes of which no training row is right."""
        missing = sum(tail is None for tail in self.tails)
        return (f"{missing} outputs without a correctly classified training row",) * bool(missing)


@learns(declared.OpenMax)
def _openmax(
    settings: declared.OpenMax, activations: Activations, labels: np.ndarray
) -> OpenMaxRule:
    right = activations.predicted == labels
    if not right.any():
        refuse(
            settings.name,
            "some training rows that the network classifies right",
            "none",
            "its centres and tails are made from those",
        )
    classes = activations.logits.shape[1]
    logits = activations.logits[right].astype(np.float64)
    own = labels[right]
    centres = class_centres(logits, own, classes)
    distances = np.linalg.norm(logits - centres.means[own], axis=1)
    tails = tuple(
        tail_fit(distances[own == c], settings.tail) if centres.present[c] else None
        for c in range(classes)
    )
    return OpenMaxRule(centres, tails, min(settings.ranks or 10, classes))
