"""Virtual-logit matching: what the features hold outside their principal space, and the energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.openset.activations import Activations, recovered_output_layer
from mlplab.openset.detectors.detector import Detector, ScoringRule
from mlplab.openset.detectors.probabilities import free_energy
from mlplab.openset.detectors.settings import check_count
from mlplab.openset.errors import refuse


@final
@dataclass(frozen=True, eq=False)
class _VimRule:
    origin: np.ndarray
    """(unit,): where all logits are zero."""
    minor: np.ndarray
    """(unit, direction): the directions outside the principal space."""
    alpha: float

    def residual(self, activations: Activations) -> np.ndarray:
        """‖P⊥(h − u)‖ (row,)."""
        h = activations.array("hidden", Vim.name).astype(np.float64)
        result: np.ndarray = np.linalg.norm((h - self.origin) @ self.minor, axis=1)
        return result

    def __call__(self, activations: Activations) -> np.ndarray:
        return self.alpha * self.residual(activations) + free_energy(activations.logits)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Without a residual only the energy is left."""
        return ("no residual: it is the energy alone",) * (self.alpha == 0.0)


@final
@dataclass(frozen=True)
class Vim(Detector):
    """The residual outside the principal space of the features, set against the energy.

    Score: α‖P⊥(h − u)‖ − log Σ exp z; u = −(Wᵀ)⁺b, P⊥ the projection off the `principal` largest
    directions of h − u, α = Σ max z / Σ ‖P⊥(h − u)‖ over training rows.
    Source: Wang et al., ViM: out-of-distribution with virtual-logit matching, CVPR 2022, with
    their sizes of the principal space: 1,000 of at least 2,048 units, 512 of at least 768, else
    half. The output layer is recovered by least squares where it is not given.
    Known value: residual 0 leaves the energy: five zeros give −1.6094.
    """

    name = "vim"
    formula = "α‖P⊥(h − u)‖ − log Σ exp z"
    source = "Wang et al., CVPR 2022"
    needs = ("logits", "hidden")

    principal: int | None = None
    """Directions of the principal space; None for the published rule."""

    def __post_init__(self) -> None:
        if self.principal is not None:
            check_count(self.name, "principal", self.principal)

    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        h = activations.array("hidden", self.name).astype(np.float64)
        kept = self._kept(h.shape[1])
        layer = recovered_output_layer(activations, self.name)
        kernel = layer.kernel.astype(np.float64)
        origin = -np.linalg.pinv(kernel.T) @ layer.bias.astype(np.float64)
        centred = h - origin
        axes = np.linalg.eigh(centred.T @ centred / len(h))[1]
        rule = _VimRule(origin, axes[:, : h.shape[1] - kept], 1.0)
        residual = float(rule.residual(activations).mean())
        evidence = float(activations.logits.astype(np.float64).max(axis=1).mean())
        # a residual of rounding errors only would be blown up to the size of the logits
        meant = residual > 1e-6 * float(np.linalg.norm(centred, axis=1).mean())
        return _VimRule(origin, rule.minor, evidence / residual if meant else 0.0)

    def _kept(self, units: int) -> int:
        if self.principal is None:
            return 1000 if units >= 2048 else 512 if units >= 768 else units // 2
        if self.principal >= units:
            refuse(
                f"{self.name}, principal",
                f"fewer directions than the {units} hidden units",
                str(self.principal),
            )
        return self.principal
