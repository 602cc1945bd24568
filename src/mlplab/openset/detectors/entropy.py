"""Entropies of the softmax: Shannon's, and the generalised one that heeds small probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.settings import check_count, check_number


@final
@dataclass(frozen=True)
class Entropy(Detector):
    """How evenly the probability is spread.

    Score: −Σ_c p_c log p_c.
    Source: Shannon 1948; as a detector, for example Chan et al., ICCV 2021.
    Known value: five equal logits give log 5 = 1.6094.
    """

    name = "entropy"
    formula = "−Σ p log p"
    source = "Chan et al., ICCV 2021"

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return _shannon


def _shannon(activations: Activations) -> np.ndarray:
    log_p = log_softmax(activations.logits)
    result: np.ndarray = -(np.exp(log_p) * log_p).sum(axis=1)
    return result


@final
@dataclass(frozen=True)
class Gen(Detector):
    """Generalised entropy: a power γ < 1 lets small departures from certainty count.

    Score: Σ p_c^γ (1 − p_c)^γ over the `top` most probable classes.
    Source: Liu et al., GEN: pushing the limits of softmax-based out-of-distribution detection,
    CVPR 2023, with γ = 0.1. They take the top tenth of 1,000 classes; here all are taken unless
    `top` says otherwise, for there are few.
    Known value: with γ = 1 it is Σ p(1 − p); five equal logits give 5 · 0.2 · 0.8 = 0.8.
    """

    name = "gen"
    formula = "Σ p^γ (1 − p)^γ"
    source = "Liu et al., CVPR 2023"

    gamma: float = 0.1
    top: int | None = None
    """How many of the most probable classes count; None for all."""

    def __post_init__(self) -> None:
        check_number(self.name, "gamma", self.gamma, 0.0, 1.0)
        if self.top is not None:
            check_count(self.name, "top", self.top)

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        return self._generalised

    def _generalised(self, activations: Activations) -> np.ndarray:
        log_p = np.sort(log_softmax(activations.logits), axis=1)[:, ::-1][:, : self.top]
        # 1 − p from log p, for 1 − p itself would lose every digit where p is nearly 1
        result: np.ndarray = (np.exp(self.gamma * log_p) * (-np.expm1(log_p)) ** self.gamma).sum(1)
        return result
