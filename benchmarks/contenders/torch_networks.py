"""The networks and optimizers of a study in PyTorch, as all peers that use it build them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from benchmarks.job import Ended, Member
from mlplab.declarations.optimizer import Adagrad, Adam, Optimizer, RmsProp, Sgd
from mlplab.networks.initial_weights import draw_kernels


def network_of(member: Member) -> nn.Sequential:
    """A network with the very weights that mlplab begins with; biases are zero."""
    layers = [nn.Linear(inputs, outputs) for inputs, outputs in pairwise(member.layers)]
    parts = [part for layer in layers for part in (layer, nn.ReLU())]
    network = nn.Sequential(*parts[:-1])
    kernels = draw_kernels(member.network.initial_weights, member.seed, member.layers)
    with torch.no_grad():
        for layer, kernel in zip(layers, kernels, strict=True):
            layer.weight.copy_(torch.from_numpy(kernel).T)
            layer.bias.zero_()
    return network


def optimizer_of(
    declared: Optimizer, parameters: Iterable[torch.Tensor], *, tuned: bool
) -> torch.optim.Optimizer:
    """The optimizer; tuned takes the fused form, or the one with many tensors at once.

    torch puts ε outside the root, where the report's RMSprop and Adagrad have it inside: other
    values, and the same amount of arithmetic.

    Raises:
        ValueError: a setting that these peers do not have.
    """
    if declared.schedule.name != "constant" or declared.weight_decay:
        raise ValueError("the peers know neither schedules nor weight decay")
    fast: dict[str, Any] = {"fused": True} if tuned else {}
    rate = declared.learning_rate
    match declared:
        case Sgd():
            return torch.optim.SGD(parameters, rate, momentum=declared.momentum, **fast)
        case Adagrad():
            start = declared.initial_accumulator
            return torch.optim.Adagrad(
                parameters, rate, initial_accumulator_value=start, eps=declared.epsilon, **fast
            )
        case RmsProp():
            many = {"foreach": True} if tuned else {}  # it has no fused form
            return torch.optim.RMSprop(
                parameters, rate, alpha=declared.decay, eps=declared.epsilon, **many
            )
        case Adam():
            betas = declared.beta1, declared.beta2
            return torch.optim.Adam(parameters, rate, betas=betas, eps=declared.epsilon, **fast)
    raise ValueError(f"the peers do not know {declared.name}")


def ended(
    member: Member, evaluations: int, last: tuple[float, float], train_accuracy: float
) -> Ended:
    """What is shown of a network whose last evaluation gave (accuracy, loss)."""
    return Ended(member.name, member.seed, evaluations, *last, train_accuracy)
