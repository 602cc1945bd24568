"""Whether a device trains as the reference does: a small stack, in a second or two."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from mlplab.declarations.initial_weights import Glorot
from mlplab.declarations.optimizer import Adam, Optimizer, Sgd
from mlplab.declarations.training import Training
from mlplab.networks.fast_products import fast_float32_products
from mlplab.trainer.compiled_networks import CompiledNetworks, is_compiled
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.eager_networks import EagerNetworks
from mlplab.trainer.recipe import Recipe

TOLERANCE = 1e-3
"""Of a weight after the check's steps; float32 in another order of sums is within 1e-5."""
_STEPS, _ROWS, _LAYERS, _BATCH = 20, 256, (20, 33, 17, 4), 32


@dataclass(frozen=True)
class DeviceCheck:
    """What a check found."""

    device: str
    passed: bool
    difference: float
    """The largest of any weight from the reference's; NaN where training failed."""
    tolerance: float
    seconds: float
    problem: str
    """What went wrong, empty where nothing did."""


def check_device(device: str) -> DeviceCheck:
    """Train a small stack on a device and by operations of torch on the CPU, and compare weights.

    On "cpu" that holds the compiled loop against the eager path; on "cuda" the captured step.
    """
    began = time.perf_counter()
    difference, problem = float("nan"), ""
    try:
        expected, found = _weights("cpu", eager=True), _weights(device)
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:
            problem = f"weights differ by {difference:.2g}, more than {TOLERANCE:g}"
    except Exception as error:  # whatever a driver or a library raises is what is to be reported
        problem = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    seconds = time.perf_counter() - began
    return DeviceCheck(device, not problem, difference, TOLERANCE, seconds, problem)


def _weights(device: str, *, eager: bool = False) -> np.ndarray:
    """All weights of the check's networks after its steps."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((_ROWS, _LAYERS[0]), dtype=np.float32)
    data = DeviceDataset(inputs, random.integers(0, _LAYERS[-1], _ROWS), device=device)
    optimizers: tuple[Optimizer, ...] = (
        Adam(name="adam", learning_rate=0.003),
        Sgd(name="sgd", learning_rate=0.1),
    )
    recipes = [_recipe(seed, optimizer) for seed, optimizer in enumerate(optimizers)]
    first = recipes[0]
    compiled = is_compiled(first.form, first.dropout, first.objective, device) and not eager
    with fast_float32_products():
        networks = (CompiledNetworks if compiled else EagerNetworks)(recipes, data)
        networks.advance(_STEPS, diagnose=False)
        every = [networks.weights_of(i) for i in range(len(recipes))]
    return np.concatenate([part.ravel() for own in every for layer in own for part in layer])


def _recipe(seed: int, optimizer: Optimizer) -> Recipe:
    rows = np.arange(_ROWS)
    return Recipe(
        layers=_LAYERS,
        activation="relu",
        dropout=0.0,
        initial_weights=Glorot(distribution="glorot"),
        optimizer=optimizer,
        training=Training(steps=_STEPS, batch_size=_BATCH, evaluate_every=_STEPS),
        seed=seed,
        label_map=np.arange(_LAYERS[-1]),
        train_rows=rows,
        validation_rows=rows[:0],
        test_rows=rows[:0],
    )
