"""Activations of a multilayer perceptron from its weights, with NumPy alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from scipy.special import erf, expit

from mlplab.declarations.form import Activation, Form, residual_layers
from mlplab.networks.weights import LayerWeights
from mlplab.openset.activations import Activations, OutputLayer, as_array
from mlplab.openset.errors import refuse

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
EPSILON = 1e-5
"""Added to variances and mean squares, as training does."""
_FUNCTIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "tanh": np.tanh,
    "sigmoid": expit,
    "gelu": lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))),
    "silu": lambda x: x * expit(x),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "mish": lambda x: x * np.tanh(np.logaddexp(x, 0)),
    "softplus": lambda x: np.logaddexp(x, 0),
    "prelu": lambda x: x,  # its layer learns it, see `_pass`
    "identity": lambda x: x,
}
# scikit-learn's name for the sigmoid
_ALIASES = {"logistic": "sigmoid"}


def activations_from_weights(
    inputs: Any,
    layers: Sequence[tuple[Any, Any]],
    form: str | Form = "relu",
    rows_at_once: int = 8192,
) -> Activations:
    """Run rows through dense layers and keep inputs, last hidden activations and logits.

    For scikit-learn: `activations_from_weights(x, list(zip(m.coefs_, m.intercepts_)))`.

    Args:
        inputs: (row, feature)
        layers: one (kernel (in, out), bias (out,)) a layer, the output layer last.
        form: the activation after every hidden layer, by the name it has in a study; or all that is
            computed between the dense layers, whose tensors are then the `others` of the layers.
        rows_at_once: bounds the memory that earlier layers take.

    Raises:
        ValueError: an unknown activation, or layers that do not fit each other or the inputs.
    """
    x = as_array(inputs)
    weights = LayerWeights(
        ((as_array(k), as_array(b)) for k, b in layers), getattr(layers, "others", None)
    )
    form = _checked_form(form, weights)
    _check_layers(x, weights)
    kernel, bias = weights[-1]
    # what overflows is refused by Activations
    with np.errstate(over="ignore", invalid="ignore"):
        hidden = np.concatenate(
            [
                _through(x[start : start + rows_at_once], weights, form)
                for start in range(0, max(len(x), 1), rows_at_once)
            ]
        )
        logits = hidden @ kernel + bias
    layer = OutputLayer(kernel=kernel, bias=bias)
    return Activations(inputs=x, hidden=hidden, logits=logits, output_layer=layer)


def outputs_from_weights(
    inputs: np.ndarray,
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    form: str | Form = "relu",
    rows_at_once: int = 8192,
) -> np.ndarray:
    """Outputs (row, output) of inputs (row, feature): see `activations_from_weights`.

    Raises:
        ValueError: an unknown activation, or layers that do not fit each other or the inputs.
    """
    form = _checked_form(form, layers)
    _check_layers(inputs, layers)
    kernel, bias = layers[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [
            _through(inputs[start : start + rows_at_once], layers, form) @ kernel + bias
            for start in range(0, max(len(inputs), 1), rows_at_once)
        ]
    return np.concatenate(parts)


def _checked_form(form: str | Form, layers: Sequence[Any]) -> Form:
    """The form, of which every tensor is there."""
    if isinstance(form, str):
        name = _ALIASES.get(form, form)
        if name not in _FUNCTIONS:
            refuse("activation", f"one of {', '.join(_FUNCTIONS)}", repr(form))
        form = Form(cast(Activation, name))
    given = set(getattr(layers, "others", ()))
    needed = set(form.tensors(len(layers) - 1))
    if given != needed:
        refuse("layers", f"the tensors {sorted(needed)} besides", f"{sorted(given)}")
    return form


def _through(
    rows: np.ndarray, layers: Sequence[tuple[np.ndarray, np.ndarray]], form: Form
) -> np.ndarray:
    """The last hidden outputs; see `Form` for the equations."""
    others = getattr(layers, "others", {})
    added: frozenset[int] = frozenset()
    if form.residual:
        added = residual_layers((len(layers[0][0]), *(len(bias) for _, bias in layers)))
    if form.input_scale:
        rows = rows * others["input_scale.weight"]
    sums: Any = 0
    for place, (kernel, bias) in enumerate(layers[:-1]):
        before = sums if form.residual == "pre_normalized" and place in added else 0
        sums = rows @ kernel + bias + before
        outputs = _pass(sums, others, place + 1, form)
        rows = outputs + rows if form.residual == "plain" and place in added else outputs
    return rows


def _pass(
    sums: np.ndarray, others: Mapping[str, np.ndarray], number: int, form: Form
) -> np.ndarray:
    """A hidden layer's sums through its normalisation and its activation."""
    own = {
        name.partition(".")[2]: a
        for name, a in others.items()
        if name.startswith(f"norm_{number}.")
    }
    if form.normalization == "batch":
        sums = (sums - own["running_mean"]) / np.sqrt(own["running_var"] + np.float32(EPSILON))
    elif form.normalization is not None:
        if form.normalization == "layer":
            sums = sums - sums.mean(axis=1, keepdims=True)
        mean_square = np.square(sums).mean(axis=1, keepdims=True)
        sums = sums / np.sqrt(mean_square + np.float32(EPSILON))
    if own:
        sums = sums * own["weight"] + own.get("bias", 0)
    if form.activation == "prelu":
        return np.where(sums > 0, sums, sums * others[f"activation_{number}.weight"])
    return _FUNCTIONS[form.activation](sums)


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
