"""Detectors that know the output layer: ViM and ReAct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.declarations import open_set_detectors as declared
from mlplab.openset.activations import Activations, OutputLayer
from mlplab.openset.detectors.detector import learns
from mlplab.openset.detectors.from_outputs import free_energy
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
        h = activations.array("hidden").astype(np.float64)
        return np.linalg.norm((h - self.origin) @ self.minor, axis=1)

    def __call__(self, activations: Activations) -> np.ndarray:
        return self.alpha * self.residual(activations) + free_energy(activations.logits)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Without a residual only the energy is left."""
        return ("no residual: it is the energy alone",) * (self.alpha == 0.0)


@learns(declared.Vim)
def _vim(settings: declared.Vim, activations: Activations, labels: np.ndarray) -> _VimRule:
    h = activations.array("hidden").astype(np.float64)
    kept = _principal(settings, h.shape[1])
    layer = recovered_output_layer(activations, settings.name)
    origin = -np.linalg.pinv(layer.kernel.astype(np.float64).T) @ layer.bias.astype(np.float64)
    centred = h - origin
    axes = np.linalg.eigh(centred.T @ centred / len(h))[1]
    rule = _VimRule(origin, axes[:, : h.shape[1] - kept], 1.0)
    residual = float(rule.residual(activations).mean())
    evidence = float(activations.logits.astype(np.float64).max(axis=1).mean())
    # a residual of rounding errors only would be blown up to the size of the logits
    meant = residual > 1e-6 * float(np.linalg.norm(centred, axis=1).mean())
    return _VimRule(origin, rule.minor, evidence / residual if meant else 0.0)


def _principal(settings: declared.Vim, units: int) -> int:
    if settings.principal is None:
        return 1000 if units >= 2048 else 512 if units >= 768 else units // 2
    if settings.principal >= units:
        expected = f"fewer directions than the {units} hidden units"
        refuse("vim, principal", expected, str(settings.principal))
    return settings.principal


@final
@dataclass(frozen=True, eq=False)
class _ReactRule:
    ceiling: float
    layer: OutputLayer

    def __call__(self, activations: Activations) -> np.ndarray:
        h = activations.array("hidden").astype(np.float64)
        return free_energy(np.minimum(h, self.ceiling) @ self.layer.kernel + self.layer.bias)

    @property
    def remarks(self) -> tuple[str, ...]:
        """A ceiling of zero leaves nothing of a ReLU layer."""
        return ("the clipping ceiling is zero: every activation is cut",) * (self.ceiling == 0.0)


@learns(declared.React)
def _react(settings: declared.React, activations: Activations, labels: np.ndarray) -> _ReactRule:
    ceiling = float(np.percentile(activations.array("hidden"), settings.percentile))
    return _ReactRule(ceiling, recovered_output_layer(activations, settings.name))


def recovered_output_layer(activations: Activations, detector: str) -> OutputLayer:
    """The output layer, as given or by least squares from hidden to logits.

    The minimum-norm solution; exact on the span of the hidden activations, up to their rounding.

    Raises:
        ValueError: the logits are no affine function of the hidden activations.
    """
    if activations.output_layer is not None:
        return activations.output_layer
    hidden = activations.array("hidden").astype(np.float64)
    logits = activations.logits.astype(np.float64)
    centre, middle = hidden.mean(axis=0), logits.mean(axis=0)
    kernel = np.linalg.lstsq(hidden - centre, logits - middle, rcond=1e-7)[0]
    bias = middle - centre @ kernel
    error = np.abs(hidden @ kernel + bias - logits).max()
    if error > 1e-3 * max(float(np.abs(logits).max()), 1e-30):
        refuse(
            detector,
            "logits that are a dense layer of the last hidden activations",
            f"a fit that misses them by up to {error:.2g}",
            "give the activations of the layer right before the output",
        )
    return OutputLayer(kernel=kernel, bias=bias)
