"""Activations and their derivatives.

Each works in place on a (network, batch, unit) tensor. The derivative of all but GELU is a function
of the output, so that the sums need not be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from mlplab.networks.aligned import dense

_LEAK = 0.01


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
    "identity": ActivationFunction(_nothing, _nothing_back),
}
