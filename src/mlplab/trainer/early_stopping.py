"""When to stop a network, and the weights it had when it was best on validation rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mlplab.declarations.task import METRICS
from mlplab.networks.weights import LayerWeights
from mlplab.trainer.recipe import Recipe


class EarlyStops:
    """The patience of every network of a stack that has one; the others never stop early."""

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        self._rules = [recipe.training.early_stopping for recipe in recipes]
        self._best = np.full(len(recipes), np.inf)
        self._waited = np.zeros(len(recipes), dtype=np.int64)
        self._weights: dict[int, LayerWeights] = {}

    def update(
        self,
        present: Sequence[int],
        due: np.ndarray,
        values: Mapping[tuple[str, str], np.ndarray],
        weights_of: Callable[[int], LayerWeights],
    ) -> np.ndarray:
        """Which of `present` stop after an evaluation, (present,) bool.

        Args:
            due: (present,) bool, whose own evaluation this is.
            weights_of: gives the weights of one of `present`, by its index there.
        """
        stopping = np.zeros(len(present), dtype=bool)
        for place, network in enumerate(present):
            rule = self._rules[network]
            if rule is None or not due[place]:
                continue
            value = values["validation", rule.metric][place]
            score = -METRICS[rule.metric].sign * value
            if score < self._best[network]:
                self._best[network], self._waited[network] = score, 0
                if rule.restore_best:
                    self._weights[network] = weights_of(place)
            else:
                self._waited[network] += 1
            stopping[place] = self._waited[network] >= rule.patience
        return stopping

    def best_weights(self, network: int) -> LayerWeights | None:
        """The weights to restore, None where the last are to be kept."""
        return self._weights.get(network)
