"""Activations and their derivatives.

Each works in place on a (network, batch, unit) tensor. Where the derivative is a function of the
output, the sums need not be kept. A parametric ReLU learns, so it is a layer: see `layers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from mlplab.networks.aligned import dense

_LEAK = 0.01
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946
"""Klambauer et al., Self-normalizing neural networks, 2017."""


@dataclass(frozen=True)
class ActivationFunction:
    """An activation as a pair of in-place functions.

    `apply(sums)` turns sums into outputs. `backward(gradient, saved)` turns the gradient with
    respect to outputs into that with respect to sums; `saved` are the outputs, or the sums where
    `keeps_sums` is set.
    """

    apply: Callable[[torch.Tensor], None]
    backward: Callable[[torch.Tensor, torch.Tensor], None]
    keeps_sums: bool = False


def _relu(sums: torch.Tensor) -> None:
    sums.relu_()


def _relu_back(gradient: torch.Tensor, outputs: torch.Tensor) -> None:
    torch.ops.aten.threshold_backward.grad_input(gradient, outputs, 0, grad_input=gradient)


def _leaky_relu(sums: torch.Tensor) -> None:
    torch.nn.functional.leaky_relu_(sums, _LEAK)


def _leaky_relu_back(gradient: torch.Tensor, outputs: torch.Tensor) -> None:
    torch.ops.aten.leaky_relu_backward.grad_input(
        gradient, outputs, _LEAK, True, grad_input=gradient
    )


def _tanh(sums: torch.Tensor) -> None:
    sums.tanh_()


def _tanh_back(gradient: torch.Tensor, outputs: torch.Tensor) -> None:
    torch.ops.aten.tanh_backward.grad_input(gradient, outputs, grad_input=gradient)


def _sigmoid(sums: torch.Tensor) -> None:
    sums.sigmoid_()


def _sigmoid_back(gradient: torch.Tensor, outputs: torch.Tensor) -> None:
    torch.ops.aten.sigmoid_backward.grad_input(gradient, outputs, grad_input=gradient)


def _gelu(sums: torch.Tensor) -> None:
    torch.ops.aten.gelu_(dense(sums))


def _gelu_back(gradient: torch.Tensor, sums: torch.Tensor) -> None:
    dense_gradient = dense(gradient)
    torch.ops.aten.gelu_backward.grad_input(dense_gradient, dense(sums), grad_input=dense_gradient)


# Made of functions that torch computes alike for every place of a tensor. Its own SiLU, ELU, SELU,
# Mish and softplus compute the last places of a tensor by another exponential, so that a network
# would not be what it is alone.


def _in_single(function: Callable[..., None]) -> Callable[..., None]:
    """Compute in float32 at the least; the first tensor is what is changed."""

    def wrapped(*tensors: torch.Tensor) -> None:
        if tensors[0].dtype.itemsize >= 4:
            function(*tensors)
            return
        changed, *others = (tensor.float() for tensor in tensors)
        function(changed, *others)
        tensors[0].copy_(changed)

    return wrapped


def _sigmoid_of(sums: torch.Tensor) -> torch.Tensor:
    return 1 / (1 + torch.exp(-sums))


def _softplus_of(sums: torch.Tensor) -> torch.Tensor:
    return torch.log1p(torch.exp(-sums.abs())) + sums.clamp(min=0)


@_in_single
def _silu(sums: torch.Tensor) -> None:
    sums.mul_(_sigmoid_of(sums))


@_in_single
def _silu_back(gradient: torch.Tensor, sums: torch.Tensor) -> None:
    sigmoid = _sigmoid_of(sums)
    gradient.mul_(sigmoid * (1 + sums * (1 - sigmoid)))


@_in_single
def _elu(sums: torch.Tensor) -> None:
    sums.copy_(torch.where(sums > 0, sums, torch.expm1(sums)))


@_in_single
def _elu_back(gradient: torch.Tensor, outputs: torch.Tensor) -> None:
    gradient.mul_(torch.where(outputs > 0, 1, outputs + 1))


@_in_single
def _selu(sums: torch.Tensor) -> None:
    sums.copy_(torch.where(sums > 0, sums, torch.expm1(sums) * SELU_ALPHA)).mul_(SELU_SCALE)


@_in_single
def _selu_back(gradient: torch.Tensor, outputs: torch.Tensor) -> None:
    gradient.mul_(torch.where(outputs > 0, SELU_SCALE, outputs + SELU_SCALE * SELU_ALPHA))


@_in_single
def _mish(sums: torch.Tensor) -> None:
    sums.mul_(torch.tanh(_softplus_of(sums)))


@_in_single
def _mish_back(gradient: torch.Tensor, sums: torch.Tensor) -> None:
    tanh = torch.tanh(_softplus_of(sums))
    gradient.mul_(tanh + sums * _sigmoid_of(sums) * (1 - tanh * tanh))


@_in_single
def _softplus(sums: torch.Tensor) -> None:
    sums.copy_(_softplus_of(sums))


@_in_single
def _softplus_back(gradient: torch.Tensor, sums: torch.Tensor) -> None:
    gradient.mul_(_sigmoid_of(sums))


def _nothing(sums: torch.Tensor) -> None:
    pass


def _nothing_back(gradient: torch.Tensor, outputs: torch.Tensor) -> None:
    pass


ACTIVATIONS: dict[str, ActivationFunction] = {
    "relu": ActivationFunction(_relu, _relu_back),
    "leaky_relu": ActivationFunction(_leaky_relu, _leaky_relu_back),
    "tanh": ActivationFunction(_tanh, _tanh_back),
    "sigmoid": ActivationFunction(_sigmoid, _sigmoid_back),
    "gelu": ActivationFunction(_gelu, _gelu_back, keeps_sums=True),
    "silu": ActivationFunction(_silu, _silu_back, keeps_sums=True),
    "selu": ActivationFunction(_selu, _selu_back),
    "elu": ActivationFunction(_elu, _elu_back),
    "mish": ActivationFunction(_mish, _mish_back, keeps_sums=True),
    "softplus": ActivationFunction(_softplus, _softplus_back, keeps_sums=True),
    "prelu": ActivationFunction(_nothing, _nothing_back),
    "identity": ActivationFunction(_nothing, _nothing_back),
}
