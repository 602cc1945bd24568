"""How fast this machine trains, measured in a fraction of a second; the best is remembered.

Two short trainings, one on every core at once as in a real run, give the two numbers of a simple
model: a step costs so much for each layer, however small, and so much for its FLOPs. On a CPU that
is a step of one network, on a GPU of a stack.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields

import numpy as np

from mlplab.declarations.initial_weights import Glorot
from mlplab.declarations.optimizer import Adam
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.training import Training
from mlplab.runner.environment import Placement, compute_on
from mlplab.runner.remembered import recall, remember
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.recipe import Recipe
from mlplab.trainer.train import train

_ROWS, _CLASSES = 2048, 10
_TRIES = 3
_SHARED_EFFICIENCY = 0.8
"""What is left of a core's speed when several work on one product."""


@dataclass(frozen=True)
class Rates:
    """The speed of training on one core, or on the whole GPU."""

    flops_a_second: float
    """Of the products of training, with all that goes with them."""
    seconds_a_layer: float
    """Of every step, for each layer, however small."""

    def or_better(self, other: Rates) -> Rates:
        """The better of two measurements, each rate by itself."""
        return Rates(
            max(self.flops_a_second, other.flops_a_second),
            min(self.seconds_a_layer, other.seconds_a_layer),
        )

    def seconds(self, *, steps: int, layers: int, flops: int, threads: int = 1) -> float:
        """Return the time of so many steps and FLOPs in all."""
        shared = _SHARED_EFFICIENCY if threads > 1 else 1.0
        return steps * layers * self.seconds_a_layer + flops / (
            self.flops_a_second * threads * shared
        )


def measured_rates(on: Placement) -> Rates:
    """Return the best rates of this machine seen so far.

    They are measured now, in about half a second, and the faster of now and before is remembered:
    other programs make a machine slower than it is, never faster.
    """
    rates = measure_rates(on)
    names = [field.name for field in fields(Rates)]
    if known := recall("rates", names, on):
        rates = rates.or_better(Rates(**known))
    remember("rates", asdict(rates), on)
    return rates


def measure_rates(on: Placement) -> Rates:
    """Measure the rates of this machine, in about half a second."""
    small, large = Size((16, 16, 16, _CLASSES), 16, 1), Size((784, 256, 256, _CLASSES), 256, 1)
    calls = seconds_a_step_on_every_core(small, on, networks=1, steps=50)
    seconds_a_layer = calls / (len(small.layers) - 1)
    networks = 4 if on.device == "cuda" else 1
    step = seconds_a_step_on_every_core(large, on, networks=networks, steps=5)
    products = max(step - (len(large.layers) - 1) * seconds_a_layer, step / 4)
    return Rates(networks * large.step_flops / products, seconds_a_layer)


def seconds_a_step_on_every_core(size: Size, on: Placement, *, networks: int, steps: int) -> float:
    """Return the time of a step of a stack while every core trains one, the best of a few tries.

    Args:
        networks: in each stack.
        steps: of each try.
    """
    workers = 1 if on.device == "cuda" else on.cores
    recipes = [_recipe(size.layers, size.batch_size, steps, seed) for seed in range(networks)]
    data = _data(size.layers[0], on.precision, on.device)
    with ThreadPoolExecutor(workers) as pool:
        return max(pool.map(lambda _: _seconds_a_step(recipes, data), range(workers)))


def _seconds_a_step(recipes: list[Recipe], data: DeviceDataset) -> float:
    compute_on(1)
    best = float("inf")
    # The first steps of a shape also choose kernels and get memory; other programs disturb others.
    for _ in range(_TRIES):
        # Of the steps alone: to draw weights and to evaluate weighs much in so short a training.
        best = min(best, sum(network.seconds for network in train(recipes, data)))
    return best / recipes[0].training.steps


def _recipe(layers: tuple[int, ...], batch: int, steps: int, seed: int) -> Recipe:
    few = np.arange(8, dtype=np.int64)
    return Recipe(
        layers=layers,
        activation="relu",
        dropout=0.0,
        initial_weights=Glorot(distribution="glorot"),
        optimizer=Adam(name="adam", learning_rate=0.001),
        training=Training(steps=steps, batch_size=batch, evaluate_every=steps),
        seed=seed,
        label_map=np.arange(_CLASSES, dtype=np.int64),
        train_rows=np.arange(batch, dtype=np.int64),
        validation_rows=few,
        test_rows=few,
    )


def _data(features: int, precision: str, device: str) -> DeviceDataset:
    """Numbers of which none is zero: what is foreseen for inputs that mostly are is too long."""
    random = np.random.default_rng(0)
    inputs = random.random((_ROWS, features), dtype=np.float32)
    labels = random.integers(0, _CLASSES, _ROWS)
    return DeviceDataset(inputs, labels, precision, device)
