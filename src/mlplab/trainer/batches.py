"""The batches of a stack: each network's own rows, read once where networks share them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from mlplab.trainer.batch_order import BatchOrder
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.recipe import Recipe

_LARGEST_BLOCK = 2**22
"""Row numbers prepared at once."""


class Batches:
    """Batches for the networks of a stack, step after step.

    Networks with one seed and the same rows form one stream; a stack of a single stream has each
    batch gathered once for all its networks.
    """

    def __init__(self, recipes: Sequence[Recipe], data: DeviceDataset) -> None:
        self._data = data
        self._recipes = list(recipes)
        self._batch_size = recipes[0].training.batch_size
        self._inputs: torch.Tensor | None = None
        self._targets: torch.Tensor | None = None
        self._orders: dict[tuple[int, int], BatchOrder] = {}
        for recipe in recipes:
            key = recipe.seed, len(recipe.train_rows)
            self._orders.setdefault(key, BatchOrder(*key, self._batch_size))

    def select(self, keep: Sequence[int]) -> None:
        """Go on for the kept networks only."""
        self._recipes = [self._recipes[network] for network in keep]
        wanted = {(r.seed, len(r.train_rows)) for r in self._recipes}
        self._orders = {key: order for key, order in self._orders.items() if key in wanted}

    def take(self, steps: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The next batches: inputs (network, batch, feature) and targets (network, batch).

        The memory of a batch is that of the next one too, as long as the same networks are left.
        """
        streams = {(r.seed, id(r.train_rows), r.targets_id): r for r in self._recipes}
        shared = len(streams) == 1
        members = self._recipes[:1] if shared else self._recipes
        networks = len(self._recipes)
        inputs, targets = self._memory(len(members))
        most = max(1, _LARGEST_BLOCK // (len(members) * self._batch_size))
        while steps:
            block = min(steps, most)
            steps -= block
            for rows, right in zip(*self._block(block, members), strict=True):
                self._data.gather(rows, inputs)
                targets.copy_(right)
                yield inputs.expand(networks, -1, -1), targets.expand(networks, -1)

    def _memory(self, members: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Where every batch is written: inputs (member, batch, feature), targets (member, batch)."""
        if self._inputs is None or self._targets is None or len(self._inputs) != members:
            self._inputs = self._data.memory(members, self._batch_size)
            is_quantity = self._recipes[0].quantity is not None
            kind = torch.float32 if is_quantity else torch.int64
            self._targets = torch.empty(
                members, self._batch_size, dtype=kind, device=self._data.device
            )
        return self._inputs, self._targets

    def _block(self, steps: int, members: Sequence[Recipe]) -> tuple[torch.Tensor, torch.Tensor]:
        """Row numbers and targets, each (step, member, batch)."""
        positions = {key: order.take(steps) for key, order in self._orders.items()}
        shape = steps, len(members), self._batch_size
        kind = np.int64 if self._recipes[0].quantity is None else np.float32
        rows, targets = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=kind)
        for member, recipe in enumerate(members):
            rows[:, member] = recipe.train_rows[positions[recipe.seed, len(recipe.train_rows)]]
            targets[:, member] = recipe.targets(self._data.labels, rows[:, member])
        device = self._data.device
        return torch.from_numpy(rows).to(device), torch.from_numpy(targets).to(device)
