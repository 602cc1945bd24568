"""Where the time of a training step goes: every operation by itself, while all cores do the same.

A step is recorded as it is for training; its entries of one kind are then played alone, again and
again. What they compute means nothing then, but they take what they take in a step, but for what
caches keep between them.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from mlplab.networks.recording import Operation, Recording, recording
from mlplab.trainer.compiled_step import player
from mlplab.trainer.lean_step import StackState, take_step
from mlplab.trainer.resident import ResidentData

from benchmarks import machine
from benchmarks.findings import RESULTS, Findings, Table, keep, shown
from benchmarks.job import Order, Rows
from mlplab.declarations.initial_weights import Glorot
from mlplab.declarations.optimizer import Adam
from mlplab.declarations.training import Training
from mlplab.networks.fast_products import fast_float32_products
from mlplab.runner.environment import compute_on, usable_cores
from mlplab.trainer.batches import Batches
from mlplab.trainer.recipe import Recipe

STACKS = {
    "784-128-256-10": 4,
    "784-128-256-512-256-10": 2,
    "784-128-256-512-256-256-128-128-128-128-10": 2,
    "784-256-512-10": 2,
    "784-512-1024-10": 1,
    "784-1024-2048-10": 1,
}
"""Shapes of the 2023 report, and how many networks of each train together."""
BATCH = 256
PARTS = {
    "products": (
        Operation.MULTIPLY,
        Operation.MULTIPLY_SPARSE,
        Operation.MULTIPLY_SPARSE_TRANSPOSED,
        Operation.TURN,
    ),
    "bias and activation": (Operation.ADD_BIAS, Operation.GO_BACK),
    "loss": (Operation.CROSS_ENTROPY, Operation.NOTE_DIVERGENCE),
    "update": (Operation.UPDATE, Operation.UPDATE_WITH_OPERAND),
}
_SECONDS = 0.3


def recorded(
    layers: tuple[int, ...], networks: int, data: ResidentData
) -> tuple[object, Recording]:
    """The state of a stack, which holds its memory, and its step."""
    rows = np.arange(BATCH)
    recipes = [
        Recipe(
            layers=layers,
            activation="relu",
            dropout=0.0,
            initial_weights=Glorot(distribution="glorot"),
            optimizer=Adam(name="adam", learning_rate=0.001),
            training=Training(steps=1, batch_size=BATCH, evaluate_every=1),
            seed=seed,
            label_map=np.arange(10),
            train_rows=rows,
            validation_rows=rows[:0],
            test_rows=rows[:0],
        )
        for seed in range(networks)
    ]
    state = StackState.beginning(recipes, data.precision, data.device, sparse_inputs=data.sparse)
    batches = Batches(recipes, data, copies=not state.workspace.passes_zeros_over)
    inputs, targets = next(iter(batches.take(1)))
    by, number = state.tables.at(1), torch.ones((), dtype=torch.int64)
    take_step(state, inputs, targets, by, number)
    with recording() as written:
        take_step(state, inputs, targets, by, number)
    return (state, inputs, targets, by, number), written


def microseconds(
    layers: tuple[int, ...], networks: int, precision: str, rows: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    """Of a whole step and of its parts, while every core does the same; means over the cores.

    Args:
        rows: (BATCH, feature) float32; zeros in them may be passed over.
        labels: (BATCH,) int64.
    """
    data = ResidentData(rows, labels, precision)
    cores = usable_cores()
    together = threading.Barrier(cores)

    def on_one_core(_: int) -> dict[str, float]:
        compute_on(1)
        held, written = recorded(layers, networks, data)
        kinds = data.inputs.new_empty(0).float().dtype, data.inputs.dtype
        entries = written.entries
        found = {"step": _each(player(entries, *kinds), together)}
        for part, operations in PARTS.items():
            own = entries[np.isin(entries[:, 0], operations)]
            found[part] = _each(player(own, *kinds), together)
        del held
        return found

    with fast_float32_products(), ThreadPoolExecutor(cores) as pool:
        measured = list(pool.map(on_one_core, range(cores)))
    return {part: sum(one[part] for one in measured) / cores for part in measured[0]}


def _each(play: Callable[[], None], together: threading.Barrier) -> float:
    play()
    together.wait()
    began, times = time.perf_counter(), 0
    while time.perf_counter() - began < _SECONDS:
        play()
        times += 1
    return (time.perf_counter() - began) / times * 1e6


def flops(layers: tuple[int, ...], networks: int) -> int:
    """Of the products of a step, zeros included.

    These are three a layer, and two of the first, which passes nothing back.
    """
    pairs = [a * b for a, b in pairwise(layers)]
    return 2 * BATCH * networks * (3 * sum(pairs) - pairs[0])


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("step_shares", description=__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    load, rows, data = machine.load(), [], {}
    digits = Rows.of(Order("report-2023", seeds=1).job().study)
    inputs, labels = digits.train_inputs[:BATCH].numpy(), digits.train_labels[:BATCH].numpy()
    for name, networks in STACKS.items():
        layers = tuple(map(int, name.split("-")))
        data[name] = found = microseconds(layers, networks, given.precision, inputs, labels)
        rate = flops(layers, networks) / found["products"] / 1e3
        shares = [f"{found[part] / found['step']:.0%}" for part in PARTS]
        rows.append([name, str(networks), shown(found["step"]), *shares, shown(rate)])
    columns = ["network", "in the stack", "µs a step", *PARTS, "GFLOP/s of products, a core"]
    keep(
        Findings(
            name=f"step_shares-{given.precision}",
            title=f"Where a step's time goes, {given.precision}",
            protocol=(
                f"Stacks as the 2023 report's study makes them, batch {BATCH} of MNIST, Adam, a "
                "stack on every core at once. Each kind of operation is played by itself, so that "
                "shares need not add up to one: between them, caches are shared otherwise. Zeros "
                "that products pass over count as multiplied."
            ),
            tables=[Table("Shares of a step", columns, rows)],
            data={"microseconds": data},
            load_at_start=load,
        ),
        given.out,
    )
