"""What is recorded of a stack while it trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class History:
    """Measurements of the networks of a stack, by evaluation.

    Networks leave a stack when they are done, so every measurement says whose it is.
    """

    def __init__(self, networks: int) -> None:
        self._networks = networks
        self._steps: list[int] = []
        self._due: list[np.ndarray] = []
        self._values: list[dict[tuple[str, str], np.ndarray]] = []

    def add(
        self,
        step: int,
        due: np.ndarray,
        values: dict[tuple[str, str], np.ndarray],
        present: Sequence[int],
    ) -> None:
        """Record one evaluation.

        Args:
            step: the step just done.
            due: (network of the whole stack,) which networks record this step.
            values: (split, metric) → (present network,).
            present: their indices in the whole stack.
        """
        self._steps.append(step)
        self._due.append(due)
        spread = {}
        for name, own in values.items():
            spread[name] = np.full(self._networks, np.nan)
            spread[name][present] = own
        self._values.append(spread)

    def of(
        self, networks: Sequence[int]
    ) -> list[tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]]:
        """The steps at which each of some networks was recorded, and its curves."""
        columns = np.array(self._due)[:, networks].T
        found: dict[int, tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]] = {}
        for pattern in np.unique(columns, axis=0):
            places = np.flatnonzero((columns == pattern).all(axis=1))
            mine, own = np.flatnonzero(pattern).tolist(), np.asarray(networks)[places]
            nothing = np.full(self._networks, np.nan)
            tables = {
                name: np.stack([self._values[e].get(name, nothing)[own] for e in mine], axis=1)
                for name in dict.fromkeys(name for e in mine for name in self._values[e])
            }
            are_there = [~np.isnan(table).all(axis=1) for table in tables.values()]
            steps = np.array([self._steps[e] for e in mine], dtype=np.int64)
            for i, place in enumerate(places.tolist()):
                curves = zip(tables.items(), are_there, strict=True)
                found[place] = steps, {name: t[i] for (name, t), there in curves if there[i]}
        return [found[place] for place in range(len(networks))]
