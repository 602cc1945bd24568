"""The weights of one network, outside a stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

Dense = tuple[np.ndarray, np.ndarray]
"""The kernel (in, out) and the bias (out,) of a dense layer."""


class LayerWeights(tuple[Dense, ...]):
    """One (kernel (in, out), bias (out,)) a dense layer, float32; what else there is by name.

    `others` are normalisations' and activations' tensors: `norm_2.weight`, `norm_2.running_mean`,
    `activation_1.weight`, `input_scale.weight`, each (unit,), counted from 1 by hidden layer.
    """

    others: Mapping[str, np.ndarray]

    def __new__(
        cls, layers: Iterable[Dense], others: Mapping[str, np.ndarray] | None = None
    ) -> LayerWeights:
        """Weights of these dense layers and these other tensors."""
        made = super().__new__(cls, layers)
        made.others = dict(others or {})
        return made
