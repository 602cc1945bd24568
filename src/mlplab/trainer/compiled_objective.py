"""Objectives that the compiled loop knows, as it is given them (`cpp/objectives.h`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlplab.networks import kernels
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.objective import Objective
from mlplab.objectives.regression import Huber, MeanAbsoluteError, MeanSquaredError, Pinball
from mlplab.objectives.weighted_cross_entropy import WeightedCrossEntropy
from mlplab.trainer.recipe import Recipe

_KINDS = {
    CrossEntropy: 0,
    WeightedCrossEntropy: 0,
    MeanSquaredError: 1,
    MeanAbsoluteError: 2,
    Huber: 3,
    Pinball: 4,
}
"""As `ObjectiveKind` of `cpp/interface.h` numbers them."""


def is_known(objective: Objective) -> bool:
    """Whether the compiled loop computes an objective."""
    return type(objective) in _KINDS


class CompiledObjectives:
    """The objectives of some networks, and the memory that they refer to."""

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        distinct = {id(recipe.objective): recipe.objective for recipe in recipes}
        self._weights = {name: _weights(one) for name, one in distinct.items()}
        self.structs = np.zeros(len(recipes), dtype=kernels.OBJECTIVE)
        """(network,)."""
        self.structs["label_map"] = [recipe.label_map.ctypes.data for recipe in recipes]
        self.structs["targets"] = [
            0 if recipe.quantity is None else recipe.quantity.targets.ctypes.data
            for recipe in recipes
        ]
        settings = {
            name: (
                _KINDS[type(one)],
                0 if (weights := self._weights[name]) is None else weights.ctypes.data,
                getattr(one, "delta", 0.0),
                getattr(one, "quantile", 0.5),
            )
            for name, one in distinct.items()
        }
        of_each = zip(*(settings[id(recipe.objective)] for recipe in recipes), strict=True)
        for field, values in zip(("kind", "weights", "delta", "quantile"), of_each, strict=True):
            self.structs[field] = values


def check_objective(recipe: Recipe, labels: np.ndarray) -> None:
    """The loop reads by address: targets and weights must be as it takes them to be.

    Args:
        labels: (row,) of the whole set.

    Raises:
        ValueError: they are not.
    """
    outputs = recipe.layers[-1]
    if recipe.quantity is not None:
        targets = recipe.quantity.targets
        is_as_read = targets.dtype == np.float32 and targets.flags.c_contiguous
        if outputs != 1 or targets.shape != labels.shape or not is_as_read:
            raise ValueError("a quantity has one output, and contiguous float32 for every row")
    elif _KINDS[type(recipe.objective)] != 0:
        raise ValueError("classes are trained with cross-entropy")
    elif len(recipe.train_rows) and recipe.targets(labels, recipe.train_rows).min() < 0:
        raise ValueError("every training row must be of a known class")
    weights = _weights(recipe.objective)
    if weights is not None and len(weights) != outputs:
        raise ValueError(f"{outputs} outputs have so many weights, received {len(weights)}")


def _weights(objective: Objective) -> np.ndarray | None:
    if isinstance(objective, WeightedCrossEntropy):
        return np.array(objective.weights, dtype=np.float32)
    return None
