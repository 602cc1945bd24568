"""The networks and updates of a study in JAX, and a stretch of steps as one loop on the device.

The four updates are written out, as optax does them. ε stands inside the root where the study says
so. In bfloat16 the operands of products are, and sums, weights and moments stay float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.job import Rows
from mlplab.declarations.optimizer import Adagrad, Adam, Optimizer, RmsProp, Sgd

Tree = Any
"""Arrays in lists and tuples, as JAX takes them."""
Product = Callable[[jax.Array, jax.Array], jax.Array]
"""Of two matrices."""


def held_by_device(rows: Rows, precision: str) -> tuple[jax.Array, ...]:
    """Training inputs and labels and test inputs and labels; inputs as products take them."""
    train, test = (
        jnp.asarray(inputs.numpy(), dtype=precision)
        for inputs in (rows.train_inputs, rows.test_inputs)
    )
    return (
        train,
        jnp.asarray(rows.train_labels.numpy()),
        test,
        jnp.asarray(rows.test_labels.numpy()),
    )


def product_in(precision: str) -> Product:
    """The product, forward and backward, whose operands have a precision."""
    return jnp.matmul if precision == "float32" else _bfloat16_product


@jax.custom_vjp
def _bfloat16_product(left: jax.Array, right: jax.Array) -> jax.Array:
    return _rounded_product(left, right)


def _rounded_product(left: jax.Array, right: jax.Array) -> jax.Array:
    rounded = left.astype(jnp.bfloat16), right.astype(jnp.bfloat16)
    return jnp.matmul(*rounded, preferred_element_type=jnp.float32)


def _forward(left: jax.Array, right: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _rounded_product(left, right), (left, right)


def _backward(operands: tuple[jax.Array, jax.Array], slopes: jax.Array) -> tuple:
    """JAX by itself would multiply backwards in float32, since the slopes are."""
    left, right = operands
    of_left = _rounded_product(slopes, right.T).astype(left.dtype)
    return of_left, _rounded_product(left.T, slopes)


_bfloat16_product.defvjp(_forward, _backward)


class Order:
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


def first_state(optimizer: Optimizer, kernels: list[np.ndarray]) -> Tree:
    """Weights and both moments before the first step, as NumPy has them."""
    weights = [(k, np.zeros((*k.shape[:-2], k.shape[-1]), np.float32)) for k in kernels]
    start = getattr(optimizer, "initial_accumulator", 0.0)
    return (
        weights,
        jax.tree.map(np.zeros_like, weights),
        jax.tree.map(lambda w: np.full_like(w, start), weights),
    )


def measure_with(product: Product) -> Callable[..., tuple[jax.Array, jax.Array]]:
    """A function of (weights, inputs, labels) that gives accuracy and loss."""

    def measure(weights: Tree, inputs: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = _logits(product, weights, inputs)
        return (logits.argmax(1) == labels).mean(), _cross_entropy(logits, labels)

    return measure


def stretch_of(optimizer: Optimizer, product: Product) -> Callable[..., Tree]:
    """A function of (state, inputs, labels, places, steps done, steps), to be compiled."""

    def loss(weights: Tree, inputs: jax.Array, labels: jax.Array) -> jax.Array:
        return _cross_entropy(_logits(product, weights, inputs), labels)

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
            slopes = jax.grad(loss)(weights, inputs[rows], labels[rows])
            return _updated(optimizer, weights, slopes, first, second, done + number + 1.0)

        return jax.lax.fori_loop(0, steps, step, state)

    return stretch


def _logits(product: Product, weights: Tree, inputs: jax.Array) -> jax.Array:
    for kernel, bias in weights[:-1]:
        inputs = jax.nn.relu(product(inputs, kernel) + bias)
    kernel, bias = weights[-1]
    return product(inputs, kernel) + bias


def _cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    shares = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(shares, labels[:, None], 1).mean()


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
