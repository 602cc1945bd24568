"""Networks of one shape, trained together by operations of torch.

It serves GPUs, and on a CPU what the compiled loop does not know; tests hold that loop against it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from mlplab.networks.dense_stack import forward
from mlplab.networks.weights import LayerWeights
from mlplab.trainer.batches import Batches
from mlplab.trainer.captured_step import step_for
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.diagnostics import dead_units, gradient_size
from mlplab.trainer.eager_step import StackState
from mlplab.trainer.evaluation import (
    METRICS,
    QUANTITY_SUMS,
    EvaluationRows,
    Measurement,
    measure,
    metric_sums,
    metrics_of,
)
from mlplab.trainer.recipe import Recipe


class EagerNetworks:
    """A stack; the same operations as `CompiledNetworks`.

    Args:
        recipes: of one shape (`layers`), form and batch size.
        data: the rows they are trained and evaluated on.
    """

    def __init__(self, recipes: Sequence[Recipe], data: DeviceDataset) -> None:
        self._recipes, self._data = list(recipes), data
        self._state = StackState.init(recipes, data.inputs.dtype, data.device)
        self._step = step_for(self._state)
        self._batches = Batches(recipes, data)
        self._known_rows: dict[tuple[int, ...], EvaluationRows] = {}
        self.seconds = np.zeros(len(recipes))

    @property
    def step(self) -> int:
        """Steps done."""
        return self._state.step

    @property
    def diverged_at(self) -> np.ndarray:
        """(network,) the first step whose loss was not finite, 0 for none so far."""
        return self._state.diverged_at.cpu().numpy()

    def advance(self, steps: int, *, diagnose: bool) -> tuple[Measurement, np.ndarray]:
        """See `CompiledNetworks.advance`; seconds are divided evenly among the networks."""
        began = time.perf_counter()
        networks, layers = len(self._recipes), len(self._recipes[0].layers) - 1
        diagnostics = np.zeros((networks, 2, layers))

        def note_size(layer: int, gradient: torch.Tensor) -> None:
            diagnostics[:, 0, layer] = gradient_size(gradient)

        for number, (inputs, targets) in enumerate(self._batches.take(steps), start=1):
            self._step(inputs, targets, note_size if diagnose and number == steps else None)
        self._data.synchronise()
        self.seconds += (time.perf_counter() - began) / networks
        state = self._state
        logits = forward(state.stack, inputs, state.workspace)
        is_quantity = targets.is_floating_point()
        valid = torch.ones_like(targets, dtype=torch.bool) if is_quantity else targets >= 0
        sums = metric_sums(logits, targets, state.objectives, valid).cpu().numpy()
        rows = valid.sum(1).cpu().numpy()
        names = QUANTITY_SUMS if is_quantity else METRICS
        values = metrics_of(self._recipes, dict(zip(names, sums, strict=True)), rows)
        if diagnose:
            for layer, outputs in enumerate(state.workspace.outputs[:-1]):
                diagnostics[:, 1, layer] = dead_units(outputs)
        return Measurement(values, rows), diagnostics

    def measure(
        self, rows: Sequence[np.ndarray], networks: Sequence[int], *, keep_logits: bool = False
    ) -> Measurement:
        """See `CompiledNetworks.measure`."""
        own = [self._recipes[i] for i in networks]
        stack = self._state.stack
        if list(networks) != list(range(stack.networks)):
            stack = stack.select(torch.tensor(networks, device=self._data.device))
        name = (*networks, *map(id, rows))  # of arrays that the recipes hold
        if name not in self._known_rows:
            self._known_rows[name] = EvaluationRows(rows, own, self._data)
        return measure(stack, self._known_rows[name], own, keep_logits=keep_logits)

    def select(self, keep: Sequence[int]) -> None:
        """See `CompiledNetworks.select`."""
        self._recipes = [self._recipes[i] for i in keep]
        self.seconds = self.seconds[keep]
        self._known_rows.clear()
        del self._step  # its graph, if it has one, holds memory that the smaller stack can use
        index = torch.tensor(keep, device=self._data.device)
        self._state = self._state.select(index, self._recipes)
        self._step = step_for(self._state)
        self._batches.select(keep)

    def weights_of(self, network: int) -> LayerWeights:
        """A copy of one network's weights."""
        return self._state.stack.weights_of(network)

    def put(self, network: int, weights: LayerWeights) -> None:
        """Give one network these weights."""
        self._state.stack.put(network, weights)

    def centres_of(self, network: int) -> np.ndarray | None:
        """A copy of one network's class centres, None where its objective keeps none."""
        centres = self._state.centres
        if centres is None or not self._recipes[network].objective.keeps_centres:
            return None
        return centres[network].float().cpu().numpy().copy()
