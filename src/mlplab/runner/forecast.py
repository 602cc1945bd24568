"""What a study will cost before it is run: arithmetic, time from measured rates, and disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mlplab.declarations.network import Network
from mlplab.declarations.size import Size
from mlplab.declarations.training import Training
from mlplab.runner.environment import usable_cores
from mlplab.runner.planning import stack_size
from mlplab.trainer.recipe import Recipe
from mlplab.trainer.resident import ResidentData
from mlplab.trainer.train import train

_MOST_MEASURED = 6
"""Shapes whose rate is measured; the others are taken to be like them."""
_WIDEST_MEASURED = 2048
"""Wider layers are measured at this width: beyond, the rate hardly changes but the wait does."""
_FLOPS_MEASURED = 2e9
_MOST_STEPS_MEASURED = 40
_ROWS = 1024
_BYTES_A_WEIGHT = 4
_BYTES_A_CURVE_VALUE = 20
_BYTES_A_RUN = 30_000
"""Evaluation, content key and the rest of a run's row in the records, roughly."""


@dataclass(frozen=True)
class Planned:
    """One network that is to be trained for some seeds."""

    network: Network
    size: Size
    seeds: int
    evaluated_rows: int
    """Rows of the validation and test parts, which every evaluation takes through the network."""

    @property
    def evaluations(self) -> int:
        """How often the network is looked at."""
        training = self.network.training
        return -(-training.steps // training.evaluate_every)

    @property
    def training_flops(self) -> int:
        """Of all seeds."""
        return self.seeds * self.size.training_flops

    @property
    def evaluation_flops(self) -> int:
        """Of all seeds."""
        rows = self.evaluated_rows * self.evaluations
        return self.seeds * self.size.evaluation_flops(rows)


@dataclass(frozen=True)
class Forecast:
    """What is to come, roughly."""

    seconds: float
    disk_bytes: int


def forecast(planned: Sequence[Planned], *, device: str, precision: str) -> Forecast:
    """Estimate time and disk of what is planned.

    Rates are measured by training stacks of the study's own shapes for a moment, on made-up data.
    Stacks train side by side, one a core, which shared memory and caches make slower than the
    estimate says; that and everything beside training is left out.
    """
    stacks = sum(-(-one.seeds // stack_size(one.size, device)) for one in planned)
    cores = usable_cores()
    threads = max(1, cores // max(1, stacks))
    rates = _rates(planned, device, precision, threads)
    work = sum((one.training_flops + one.evaluation_flops) / rates[_kind(one)] for one in planned)
    side_by_side = 1 if device == "cuda" else max(1, min(cores, stacks))
    return Forecast(work / side_by_side, sum(map(_disk_bytes, planned)))


def _disk_bytes(one: Planned) -> int:
    curves = len(("loss", "accuracy", "softmaxed_loss")) * (3 if one.evaluated_rows else 1)
    if one.network.training.diagnostics:
        curves += 2 * len(one.network.hidden)
    a_run = (
        _BYTES_A_WEIGHT * one.size.parameters
        + _BYTES_A_CURVE_VALUE * curves * one.evaluations
        + _BYTES_A_RUN
    )
    return one.seeds * a_run


Kind = tuple[tuple[int, ...], str, int]


def _kind(one: Planned) -> Kind:
    return one.size.layers, one.network.activation, one.size.batch_size


def _rates(
    planned: Sequence[Planned], device: str, precision: str, threads: int
) -> Mapping[Kind, float]:
    """Return FLOPs a second by kind of network: measured for the costliest, guessed for others."""
    work: dict[Kind, int] = {}
    of_kind: dict[Kind, Planned] = {}
    for one in planned:
        work[_kind(one)] = work.get(_kind(one), 0) + one.training_flops
        of_kind.setdefault(_kind(one), one)
    costliest = sorted(work, key=lambda kind: -work[kind])[:_MOST_MEASURED]
    measured = {
        kind: _measured_rate(of_kind[kind], device, precision, threads) for kind in costliest
    }
    typical = float(np.exp(np.mean(np.log(list(measured.values()))))) if measured else 1.0
    return {kind: measured.get(kind, typical) for kind in work}


def _measured_rate(one: Planned, device: str, precision: str, threads: int) -> float:
    """Train a stack of the network's shape for a moment; returns FLOPs a second."""
    layers = (
        one.size.layers[0],
        *(min(width, _WIDEST_MEASURED) for width in one.network.hidden),
        one.size.layers[-1],
    )
    size = Size(layers, one.size.batch_size, 1)
    networks = min(one.seeds, stack_size(size, device))
    steps = int(np.clip(_FLOPS_MEASURED / (networks * size.step_flops), 1, _MOST_STEPS_MEASURED))
    random = np.random.default_rng(0)
    rows = max(_ROWS, size.batch_size)
    data = ResidentData(
        random.random((rows, layers[0]), dtype=np.float32),
        random.integers(0, layers[-1], rows),
        getattr(torch, precision),
        device,
    )
    recipes = [_recipe(one.network, size, seed, steps, rows) for seed in range(networks)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        trained = train(recipes, data)
    finally:
        torch.set_num_threads(before)
    # The first part of the steps warms caches and allocators up.
    seconds = np.array([network.curves["batch", "seconds"] for network in trained]).sum(axis=0)
    return networks * steps * size.step_flops / max(seconds[-1] - seconds[0], 1e-9)


def _recipe(network: Network, size: Size, seed: int, steps: int, rows: int) -> Recipe:
    none = np.empty(0, dtype=np.int64)
    return Recipe(
        layers=size.layers,
        activation=network.activation,
        dropout=network.dropout,
        initial_weights=network.initial_weights,
        optimizer=network.optimizer,
        training=Training(steps=2 * steps, batch_size=size.batch_size, evaluate_every=steps),
        seed=seed,
        label_map=np.arange(size.layers[-1]),
        train_rows=np.arange(rows),
        validation_rows=none,
        test_rows=none,
    )
