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

    def of(self, network: int) -> tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]:
        """The steps at which one network was recorded, and its curves."""
        nothing = np.full(self._networks, np.nan)
        mine = [e for e, due in enumerate(self._due) if due[network]]
        names = dict.fromkeys(name for e in mine for name in self._values[e])
        curves = {
            name: np.array([self._values[e].get(name, nothing)[network] for e in mine])
            for name in names
        }
        steps = np.array([self._steps[e] for e in mine], dtype=np.int64)
        return steps, {n: c for n, c in curves.items() if not np.isnan(c).all()}
