"""OpenMax: extreme-value theory moves part of the logits to an extra class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.centres import Centres, class_centres
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.settings import check_count
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
        result: np.ndarray = np.exp(log_softmax(self.recalibrated(activations.logits))[:, -1])
        return result

    @property
    def remarks(self) -> tuple[str, ...]:
        """Classes of which no training row is right."""
        missing = sum(tail is None for tail in self.tails)
        return (f"{missing} outputs without a correctly classified training row",) * bool(missing)


@final
@dataclass(frozen=True)
class OpenMax(Detector):
    """The probability of an extra class, after far rows have lost part of their logits to it.

    Score: p_0 of softmax(z'_0, z'_1 … z'_K); z'_c = z_c − z_c⁺·w·F_c(‖z − μ_c‖),
    z'_0 = Σ z_c⁺·w·F_c. F_c is a Weibull distribution fitted to the `tail` largest distances of
    class c to its centre μ_c; w = (α − rank)/α for the α = `ranks` largest logits, rank from 0.
    Centres and tails come from correctly classified training rows.
    Source: Bendale and Boult, Towards open set deep networks, CVPR 2016.
    Deviations: the distance is Euclidean; only the positive part z⁺ of a logit is moved, for
    scaling a negative one down would raise it; w starts at 1, as in their program (their algorithm
    2 prints it one rank later). A row's score depends on no other row.
    Known value: two logits (2, 0), both F = 1, α = 1: (0, 0, 2) gives e²/(e² + 2) = 0.7870.
    """

    name = "openmax"
    formula = "p of the extra class after Weibull recalibration of z"
    source = "Bendale and Boult, CVPR 2016"

    tail: int = 20
    """Largest distances of each class that the Weibull distribution is fitted to."""
    ranks: int | None = None
    """How many of the largest logits are recalibrated; None for all, at most 10."""

    def __post_init__(self) -> None:
        check_count(self.name, "tail", self.tail)
        if self.ranks is not None:
            check_count(self.name, "ranks", self.ranks)

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        right = activations.predicted == labels
        if not right.any():
            refuse(
                self.name,
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
            tail_fit(distances[own == c], self.tail) if centres.present[c] else None
            for c in range(classes)
        )
        return OpenMaxRule(centres, tails, min(self.ranks or 10, classes))
