"""JAX: a whole stretch of steps between evaluations compiled as one loop, batches gathered in it.

The four updates are written out, as optax does them. ε stands inside the root where the study says
so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contenders import Train
from benchmarks.job import Clock, Ended, Job, Member, Outcome, Rows
from mlplab.declarations.optimizer import Adagrad, Adam, Optimizer, RmsProp, Sgd
from mlplab.networks.initial_weights import draw_kernels

Tree = Any
"""Arrays in lists and tuples, as JAX takes them."""


@contextmanager
def session(rows: Rows, precision: str) -> Iterator[Train]:
    """Rows go to the device once; what was compiled is kept for the next job."""
    held = tuple(
        jnp.asarray(t.numpy())
        for t in (rows.train_inputs, rows.train_labels, rows.test_inputs, rows.test_labels)
    )
    compiled: dict[Optimizer, tuple[Callable, Callable]] = {}

    def train(job: Job) -> Outcome:
        clock = Clock()
        shown = []
        for member in job.members:
            if member.optimizer not in compiled:
                compiled[member.optimizer] = _stretch_of(member.optimizer), jax.jit(_measure)
            shown.append(_train_one(job, member, held, *compiled[member.optimizer]))
        return Outcome(clock.read(), shown)

    yield train


def _train_one(
    job: Job, member: Member, held: tuple, stretch: Callable, measured: Callable
) -> Ended:
    train_inputs, train_labels, test_inputs, test_labels = held
    kernels = draw_kernels(member.network.initial_weights, member.seed, member.layers)
    weights = [(jnp.asarray(kernel), jnp.zeros(kernel.shape[1])) for kernel in kernels]
    start = getattr(member.optimizer, "initial_accumulator", 0.0)
    # Two trees of their own: what is handed over to be overwritten must not be handed over twice.
    state = (
        weights,
        jax.tree.map(jnp.zeros_like, weights),
        jax.tree.map(lambda w: jnp.full_like(w, start), weights),
    )
    order = _Order(member.seed, len(train_labels), job.batch_size)
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


class _Order:
    """Batches without replacement."""

    def __init__(self, seed: int, rows: int, size: int) -> None:
        self._random, self._rows, self._size = np.random.default_rng(seed), rows, size
        self._left = np.empty(0, dtype=np.int64)

    def take(self, steps: int, longest: int) -> np.ndarray:
        """(longest, size) row numbers, of which the first `steps` are to be used: one shape."""
        while len(self._left) < steps * self._size:
            self._left = np.concatenate([self._left, self._random.permutation(self._rows)])
        own = self._left[: steps * self._size].reshape(steps, self._size)
        self._left = self._left[steps * self._size :]
        return np.pad(own, ((0, longest - steps), (0, 0)))


def _logits(weights: Tree, inputs: jax.Array) -> jax.Array:
    for kernel, bias in weights[:-1]:
        inputs = jax.nn.relu(inputs @ kernel + bias)
    kernel, bias = weights[-1]
    return inputs @ kernel + bias


def _loss(weights: Tree, inputs: jax.Array, labels: jax.Array) -> jax.Array:
    shares = jax.nn.log_softmax(_logits(weights, inputs))
    return -jnp.take_along_axis(shares, labels[:, None], 1).mean()


def _measure(weights: Tree, inputs: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    right = (_logits(weights, inputs).argmax(1) == labels).mean()
    return right, _loss(weights, inputs, labels)


def _stretch_of(optimizer: Optimizer) -> Callable:
    """A compiled function of (state, inputs, labels, places, steps done, steps)."""

    def stretch(
        state: Tree,
        inputs: jax.Array,
        labels: jax.Array,
        places: jax.Array,
        done: jax.Array,
        steps: jax.Array,
    ) -> Tree:
        def step(number: jax.Array, state: Tree) -> Tree:
            weights, first, second = state
            rows = places[number]
            slopes = jax.grad(_loss)(weights, inputs[rows], labels[rows])
            return _updated(optimizer, weights, slopes, first, second, done + number + 1.0)

        return jax.lax.fori_loop(0, steps, step, state)

    return jax.jit(stretch, donate_argnums=0)


def _updated(
    optimizer: Optimizer, weights: Tree, slopes: Tree, first: Tree, second: Tree, step: jax.Array
) -> Tree:
    """Weights and both moments after one step.

    Raises:
        ValueError: an optimizer that this peer does not have.
    """
    rate = optimizer.learning_rate
    match optimizer:
        case Sgd(momentum=momentum):
            first = jax.tree.map(lambda m, g: momentum * m + g, first, slopes)
            return jax.tree.map(lambda w, m: w - rate * m, weights, first), first, second
        case Adagrad() | RmsProp():
            keep, add = (1.0, 1.0) if isinstance(optimizer, Adagrad) else _shares(optimizer.decay)
            second = jax.tree.map(lambda v, g: keep * v + add * g * g, second, slopes)
            epsilon = optimizer.epsilon
            inside = optimizer.epsilon_placement == "inside_root"

            def move(w: jax.Array, g: jax.Array, v: jax.Array) -> jax.Array:
                root = jnp.sqrt(v + epsilon) if inside else jnp.sqrt(v) + epsilon
                return w - rate * g / root

            return jax.tree.map(move, weights, slopes, second), first, second
        case Adam():
            first = _mixed(first, slopes, optimizer.beta1, 1)
            second = _mixed(second, slopes, optimizer.beta2, 2)
            size = rate * jnp.sqrt(1 - optimizer.beta2**step) / (1 - optimizer.beta1**step)
            weights = jax.tree.map(
                lambda w, m, v: w - size * m / (jnp.sqrt(v) + optimizer.epsilon),
                weights,
                first,
                second,
            )
            return weights, first, second
    raise ValueError(f"this peer does not know {optimizer.name}")


def _shares(decay: float) -> tuple[float, float]:
    return decay, 1.0 - decay


def _mixed(moments: Tree, slopes: Tree, beta: float, power: int) -> Tree:
    return jax.tree.map(lambda m, g: beta * m + (1 - beta) * g**power, moments, slopes)
