"""JAX: many networks in one compiled program, vmapped; each has a seed and batches of its own.

Networks of one depth and optimizer are stacked. Hidden layers are filled up to a whole number of
vector registers, so that networks of nearly one width share a stack: the units filled in have no
weights, so they give nothing and never change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders import Train
from benchmarks.contenders.in_processes import TrainSome, in_this_process
from benchmarks.contenders.jax_networks import (
    Order,
    Tree,
    first_state,
    held_by_device,
    measure_with,
    product_in,
    stretch_of,
)
from benchmarks.contenders.stacks import stacks_of
from benchmarks.job import Ended, Job, Member, Rows
from mlplab.declarations.optimizer import Optimizer
from mlplab.networks.initial_weights import draw_kernels

_REGISTER = 16
"""float32 numbers in a vector register of AVX-512."""
_LARGEST_STACK = 128
_LARGEST_OUTPUT = 2**22
"""Numbers that one layer may give in evaluation; more networks are evaluated in turn."""
_ON_OWN_ROWS = (0, None, None, 0, None, None)
"""State and row numbers are of each network; rows and steps are of all."""


def session(rows: Rows, precision: str) -> AbstractContextManager[Train]:
    """Rows go to the device once; what was compiled is kept for the next job."""
    return in_this_process(trainer(rows, precision))


def trainer(rows: Rows, precision: str) -> TrainSome:
    """Trains networks stack by stack."""
    held, product = held_by_device(rows, precision), product_in(precision)
    measured = jax.jit(_measure_each(measure_with(product)))
    compiled: dict[Optimizer, Callable] = {}

    def train_all(job: Job, members: Sequence[Member]) -> list[Ended]:
        shown = []
        for stack in stacks_of(members, _LARGEST_STACK, _filled_up):
            optimizer = stack[0].optimizer
            if optimizer not in compiled:
                every = jax.vmap(stretch_of(optimizer, product), in_axes=_ON_OWN_ROWS)
                compiled[optimizer] = jax.jit(every, donate_argnums=0)
            shown += _train_stack(job, stack, held, compiled[optimizer], measured)
        return shown

    return train_all


def _train_stack(
    job: Job, stack: Sequence[Member], held: tuple, stretch: Callable, measured: Callable
) -> list[Ended]:
    train_inputs, train_labels, test_inputs, test_labels = held
    state = jax.tree.map(jnp.array, first_state(stack[0].optimizer, _kernels(stack)))
    orders = [Order(member.seed, len(train_labels), job.batch_size) for member in stack]
    longest = stack[0].network.training.evaluate_every
    done, stretches = 0, job.stretches()
    for steps in stretches:
        places = jnp.asarray(np.stack([order.take(steps, longest) for order in orders]))
        state = stretch(state, train_inputs, train_labels, places, done, steps)
        accuracies, losses = measured(state[0], test_inputs, test_labels)
        done += steps
    known, _ = measured(state[0], train_inputs, train_labels)
    ends = np.asarray(accuracies), np.asarray(losses), np.asarray(known)
    return [
        Ended(member.name, member.seed, len(stretches), *map(float, own))
        for member, *own in zip(stack, *ends, strict=True)
    ]


def _measure_each(measure: Callable) -> Callable:
    """A function of (weights, inputs, labels) that gives accuracies and losses, (network,)."""

    def each(weights: Tree, inputs: jax.Array, labels: jax.Array) -> Tree:
        widest = max(kernel.shape[-1] for kernel, _ in weights)
        at_once = max(1, _LARGEST_OUTPUT // (len(labels) * widest))
        return jax.lax.map(
            lambda own: measure(own, inputs, labels),
            weights,
            batch_size=min(at_once, len(weights[0][0])),
        )

    return each


def _filled_up(layers: tuple[int, ...]) -> tuple[int, ...]:
    """Units from input to output, hidden ones up to whole registers."""
    features, *hidden, classes = layers
    return (features, *(-(-units // _REGISTER) * _REGISTER for units in hidden), classes)


def _kernels(stack: Sequence[Member]) -> list[np.ndarray]:
    """(network, inputs, outputs) of each layer, zero where units were filled in."""
    layers = _filled_up(stack[0].layers)
    shapes = pairwise(layers)
    kernels = [np.zeros((len(stack), *shape), np.float32) for shape in shapes]
    for place, member in enumerate(stack):
        drawn = draw_kernels(member.network.initial_weights, member.seed, member.layers)
        for whole, own in zip(kernels, drawn, strict=True):
            whole[place, : own.shape[0], : own.shape[1]] = own
    return kernels
