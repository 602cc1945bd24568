"""Activations of a multilayer perceptron from its weights, with NumPy alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import erf, expit

from mlplab.openset.activations import Activations, OutputLayer, as_array
from mlplab.openset.errors import refuse

_FUNCTIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "tanh": np.tanh,
    "sigmoid": expit,
    "gelu": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "identity": lambda x: x,
}
# scikit-learn's name for the sigmoid
_ALIASES = {"logistic": "sigmoid"}


def activations_from_weights(
    inputs: Any,
    layers: Sequence[tuple[Any, Any]],
    activation: str = "relu",
    rows_at_once: int = 8192,
) -> Activations:
    """Run rows through dense layers and keep inputs, last hidden activations and logits.

    For scikit-learn: `activations_from_weights(x, list(zip(m.coefs_, m.intercepts_)))`.

    Args:
        inputs: (row, feature)
        layers: one (kernel (in, out), bias (out,)) a layer, the output layer last.
        activation: after every hidden layer, by the name it has in a study.
        rows_at_once: bounds the memory that earlier layers take.

    Raises:
        ValueError: an unknown activation, or layers that do not fit each other or the inputs.
    """
    function = _function(activation)
    x = as_array(inputs)
    weights = [(as_array(k), as_array(b)) for k, b in layers]
    _check_layers(x, weights)
    kernel, bias = weights[-1]
    # what overflows is refused by Activations
    with np.errstate(over="ignore", invalid="ignore"):
        hidden = np.concatenate(
            [
                _through(x[start : start + rows_at_once], weights[:-1], function)
                for start in range(0, max(len(x), 1), rows_at_once)
            ]
        )
        logits = hidden @ kernel + bias
    layer = OutputLayer(kernel=kernel, bias=bias)
    return Activations(inputs=x, hidden=hidden, logits=logits, output_layer=layer)


def outputs_from_weights(
    inputs: np.ndarray,
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    activation: str = "relu",
    rows_at_once: int = 8192,
) -> np.ndarray:
    """Outputs (row, output) of inputs (row, feature): see `activations_from_weights`.

    Raises:
        ValueError: an unknown activation, or layers that do not fit each other or the inputs.
    """
    function = _function(activation)
    _check_layers(inputs, layers)
    kernel, bias = layers[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [
            _through(inputs[start : start + rows_at_once], layers[:-1], function) @ kernel + bias
            for start in range(0, max(len(inputs), 1), rows_at_once)
        ]
    return np.concatenate(parts)


def _function(activation: str) -> Callable[[np.ndarray], np.ndarray]:
    function = _FUNCTIONS.get(_ALIASES.get(activation, activation))
    if function is None:
        refuse("activation", f"one of {', '.join(_FUNCTIONS)}", repr(activation))
    return function


def _through(
    rows: np.ndarray,
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    function: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    for kernel, bias in layers:
        rows = function(rows @ kernel + bias)
    return rows


def _check_layers(x: np.ndarray, layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    if x.ndim != 2:
        refuse("inputs", "an array of shape (row, feature)", f"one of shape {x.shape}")
    if not layers:
        refuse("layers", "at least the output layer", "none")
    width = x.shape[1]
    for number, (kernel, bias) in enumerate(layers, start=1):
        if kernel.ndim != 2 or kernel.shape[0] != width or bias.shape != kernel.shape[1:]:
            refuse(
                f"layer {number}",
                f"a kernel ({width}, out) and a bias (out,)",
                f"{kernel.shape} and {bias.shape}",
            )
        width = kernel.shape[1]
