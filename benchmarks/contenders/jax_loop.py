"""JAX: a whole stretch of steps between evaluations compiled as one loop, batches gathered in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import jax
import jax.numpy as jnp

from benchmarks.contenders import Train
from benchmarks.contenders.in_processes import TrainSome, in_this_process
from benchmarks.contenders.jax_networks import (
    Order,
    first_state,
    held_by_device,
    measure_with,
    product_in,
    stretch_of,
)
from benchmarks.job import Ended, Job, Member, Rows
from mlplab.declarations.optimizer import Optimizer
from mlplab.networks.initial_weights import draw_kernels


def session(rows: Rows, precision: str) -> AbstractContextManager[Train]:
    """Rows go to the device once; what was compiled is kept for the next job."""
    return in_this_process(trainer(rows, precision))


def trainer(rows: Rows, precision: str) -> TrainSome:
    """Trains networks one after another."""
    held, product = held_by_device(rows, precision), product_in(precision)
    measured = jax.jit(measure_with(product))
    compiled: dict[Optimizer, Callable] = {}

    def train_each(job: Job, members: Sequence[Member]) -> list[Ended]:
        for optimizer in {member.optimizer: None for member in members}:
            if optimizer not in compiled:
                compiled[optimizer] = jax.jit(stretch_of(optimizer, product), donate_argnums=0)
        return [_train_one(job, m, held, compiled[m.optimizer], measured) for m in members]

    return train_each


def _train_one(
    job: Job, member: Member, held: tuple, stretch: Callable, measured: Callable
) -> Ended:
    train_inputs, train_labels, test_inputs, test_labels = held
    kernels = draw_kernels(member.network.initial_weights, member.seed, member.layers)
    state = jax.tree.map(jnp.array, first_state(member.optimizer, kernels))
    order = Order(member.seed, len(train_labels), job.batch_size)
    longest = member.network.training.evaluate_every
    done, stretches = 0, job.stretches()
    for steps in stretches:
        places = jnp.asarray(order.take(steps, longest))
        state = stretch(state, train_inputs, train_labels, places, done, steps)
        accuracy, loss = measured(state[0], test_inputs, test_labels)
        done += steps
    known, _ = measured(state[0], train_inputs, train_labels)
    return Ended(
        member.name, member.seed, len(stretches), float(accuracy), float(loss), float(known)
    )
