"""What shows a vanishing gradient: its size, layer by layer, and units that no longer answer."""

from __future__ import annotations

import numpy as np
import torch

DIAGNOSTICS = ("gradient_size", "dead_units")
"""How the names of these metrics begin; the layer follows, from 1."""


def gradient_size(kernel_gradient: torch.Tensor) -> np.ndarray:
    """Root mean square of each network's (in, out) gradient: (network, in, out) → (network,)."""
    return kernel_gradient.double().square().mean((1, 2)).sqrt().cpu().numpy()


def dead_units(outputs: torch.Tensor) -> np.ndarray:
    """Share of units that give the same for every row: (network, row, unit) → (network,).

    For ReLU these are the units that are zero for the whole batch.
    """
    still = outputs.amax(1) == outputs.amin(1)
    return still.double().mean(1).cpu().numpy()
