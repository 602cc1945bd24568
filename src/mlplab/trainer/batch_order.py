"""The order in which training rows come, decided by the seed alone."""

from __future__ import annotations

import numpy as np

_PURPOSE = 2
"""Separates this stream of random numbers from that of the initial weights."""


class BatchOrder:
    """Batches drawn without replacement; a batch that meets the end of an epoch runs into the next.

    Two networks with one seed and equally many training rows see the same positions at every step,
    whatever else differs between them.
    """

    def __init__(self, seed: int, rows: int, batch_size: int) -> None:
        self._seed, self._rows, self._batch_size = seed, rows, batch_size
        self._epoch, self._left = 0, np.empty(0, dtype=np.int64)

    def take(self, steps: int) -> np.ndarray:
        """The next batches: (step, batch) int64 positions among the training rows."""
        wanted = steps * self._batch_size
        parts = [self._left]
        have = len(self._left)
        while have < wanted:
            parts.append(self._permutation(self._epoch))
            self._epoch += 1
            have += self._rows
        positions = np.concatenate(parts)
        self._left = positions[wanted:]
        return positions[:wanted].reshape(steps, self._batch_size)

    def _permutation(self, epoch: int) -> np.ndarray:
        entropy = np.random.SeedSequence([_PURPOSE, self._seed, self._rows, epoch])
        return np.random.Generator(np.random.Philox(entropy)).permutation(self._rows)
