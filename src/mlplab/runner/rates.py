"""How fast this machine trains, measured in a fraction of a second; the best is remembered.

Two short trainings, one on every core at once as in a real run, give the two numbers of a simple
model: a step costs so much for each layer of a stack, however small, and so much for its FLOPs.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import platformdirs
import torch

from mlplab.declarations.initial_weights import Glorot
from mlplab.declarations.optimizer import Adam
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.training import Training
from mlplab.records.atomic import replacing
from mlplab.runner.environment import processor
from mlplab.trainer.recipe import Recipe
from mlplab.trainer.resident import ResidentData
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
    """Of every step of a stack, for each layer, however small."""

    def or_better(self, other: Rates) -> Rates:
        """The better of two measurements, each rate by itself."""
        return Rates(
            max(self.flops_a_second, other.flops_a_second),
            min(self.seconds_a_layer, other.seconds_a_layer),
        )

    def seconds(self, *, steps: int, layers: int, flops: int, threads: int = 1) -> float:
        """Return the time of a stack that does so many steps and FLOPs in all."""
        shared = _SHARED_EFFICIENCY if threads > 1 else 1.0
        return steps * layers * self.seconds_a_layer + flops / (
            self.flops_a_second * threads * shared
        )


def measured_rates(*, device: str, precision: str, cores: int) -> Rates:
    """Return the best rates of this machine seen so far.

    They are measured now, in about half a second, and the faster of now and before is remembered:
    other programs make a machine slower than it is, never faster.
    """
    path = platformdirs.user_cache_path("mlplab") / "rates.json"
    name = "|".join(
        (version("mlplab"), torch.__version__, processor(), str(cores), device, precision)
    )
    known = _remembered(path)
    rates = measure_rates(device=device, precision=precision, cores=cores)
    if name in known:
        rates = rates.or_better(Rates(**known[name]))
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps({**known, name: asdict(rates)}, indent=1))
    except OSError:
        pass  # An estimate that is measured again next time is no harm.
    return rates


def measure_rates(*, device: str, precision: str, cores: int) -> Rates:
    """Measure the rates of this machine, in about half a second."""
    workers = 1 if device == "cuda" else cores

    def on_every_core(layers: tuple[int, ...], networks: int, batch: int, steps: int) -> float:
        recipes = [_recipe(layers, batch, steps, seed) for seed in range(networks)]
        data = _data(layers[0], precision, device)
        with ThreadPoolExecutor(workers) as pool:
            return max(pool.map(lambda _: _seconds_a_step(recipes, data), range(workers)))

    small, large = (16, 16, 16, _CLASSES), (784, 256, 256, _CLASSES)
    seconds_a_layer = on_every_core(small, networks=2, batch=16, steps=50) / (len(small) - 1)
    networks, batch = 4, 256
    step = on_every_core(large, networks, batch, steps=5)
    products = max(step - (len(large) - 1) * seconds_a_layer, step / 4)
    return Rates(networks * Size(large, batch, 1).step_flops / products, seconds_a_layer)


def _seconds_a_step(recipes: list[Recipe], data: ResidentData) -> float:
    torch.set_num_threads(1)
    best = float("inf")
    # The first steps of a shape also choose kernels and get memory; other programs disturb others.
    for _ in range(_TRIES):
        began = time.perf_counter()
        train(recipes, data)
        best = min(best, time.perf_counter() - began)
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


def _data(features: int, precision: str, device: str) -> ResidentData:
    random = np.random.default_rng(0)
    inputs = random.random((_ROWS, features), dtype=np.float32)
    labels = random.integers(0, _CLASSES, _ROWS)
    return ResidentData(inputs, labels, precision, device)


def _remembered(path: Path) -> dict[str, dict[str, float]]:
    try:
        known = json.loads(path.read_text())
        return {
            name: {"flops_a_second": r["flops_a_second"], "seconds_a_layer": r["seconds_a_layer"]}
            for name, r in known.items()
        }
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return {}
