"""What stands between the dense layers of a stack: normalisations, parametric activations, scales.

A layer has parameters, each a named (network, 1, unit) tensor, and perhaps a state, which training
changes without a gradient. `forward` and `backward` work in place on (network, row, unit). No
network sees another, and sums over rows are taken for each network by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch

from mlplab.declarations.form import Form
from mlplab.networks.aligned import aligned_stack, select_networks

EPSILON = 1e-5
"""Added to variances and mean squares, as torch's modules do."""
_MOMENTUM = 0.1
"""What a batch counts in the running mean and variance, as in torch."""


class Layer(ABC):
    """One layer of a stack.

    Args:
        name: of its tensors in records: `name.parameter`.
        parameters: by name; likewise state.
    """

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, torch.Tensor],
        state: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self.name, self.parameters, self.state = name, dict(parameters), dict(state or {})

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """Parameters and state by the names that they have in records."""
        own = {**self.parameters, **self.state}
        return {f"{self.name}.{key}": tensor for key, tensor in own.items()}

    def select(self, keep: torch.Tensor) -> Layer:
        """The layer of the kept networks only."""
        kept = object.__new__(type(self))
        kept.__dict__.update(self.__dict__)
        kept.parameters = {k: select_networks(v, keep) for k, v in self.parameters.items()}
        kept.state = {k: select_networks(v, keep) for k, v in self.state.items()}
        return kept

    def gradients(self) -> dict[str, torch.Tensor]:
        """Memory for the gradient of each parameter."""
        return {k: aligned_stack(v.shape, v.dtype, v.device) for k, v in self.parameters.items()}

    @abstractmethod
    def forward(self, values: torch.Tensor, *, training: bool) -> Any:
        """Change values in place; returns what `backward` needs."""

    @abstractmethod
    def backward(self, gradient: torch.Tensor, saved: Any, own: Mapping[str, torch.Tensor]) -> None:
        """Turn the gradient of the outputs into that of the inputs; `own` gets the parameters'."""


class Normalization(Layer):
    """(x − mean) / √(variance + 1e-5) · weight + bias.

    Mean and variance are taken over the rows of a batch (Ioffe and Szegedy, 2015; a running mean
    and variance take their place in evaluation), or over the units of a row (Ba et al., 2016). RMS
    normalisation divides by the root of the mean square over units and has no bias (Zhang and
    Sennrich, 2019).
    """

    def __init__(self, name: str, kind: str, like: torch.Tensor, units: int) -> None:
        def made(value: float) -> torch.Tensor:
            tensor = aligned_stack((len(like), 1, units), like.dtype, like.device)
            return tensor.fill_(value)

        parameters = {"weight": made(1.0)}
        if kind != "rms":
            parameters["bias"] = made(0.0)
        state = {"running_mean": made(0.0), "running_var": made(1.0)} if kind == "batch" else {}
        super().__init__(name, parameters, state)
        self.kind = kind
        self.axis = 1 if kind == "batch" else 2

    def forward(self, values: torch.Tensor, *, training: bool) -> Any:
        """See `Layer.forward`; keeps the normalised values and the factor that made them."""
        weight, bias = self.parameters["weight"], self.parameters.get("bias")
        x = values.to(weight.dtype)
        is_running = self.kind == "batch" and not training
        if is_running:
            centred = x - self.state["running_mean"]
            variance = self.state["running_var"]
        else:
            mean = x.mean(self.axis, keepdim=True) if self.kind != "rms" else None
            centred = x if mean is None else x - mean
            variance = centred.square().mean(self.axis, keepdim=True)
            if self.kind == "batch" and mean is not None:
                self._run(mean, variance, values.shape[1])
        inverse = (variance + EPSILON).rsqrt()
        normed = centred * inverse
        values.copy_(normed * weight if bias is None else normed * weight + bias)
        return normed, inverse

    def _run(self, mean: torch.Tensor, variance: torch.Tensor, rows: int) -> None:
        unbiased = variance * (rows / max(rows - 1, 1))
        for name, found in (("running_mean", mean), ("running_var", unbiased)):
            self.state[name].mul_(1 - _MOMENTUM).add_(found * _MOMENTUM)

    def backward(self, gradient: torch.Tensor, saved: Any, own: Mapping[str, torch.Tensor]) -> None:
        """See `Layer.backward`; statistics of the batch are part of the derivative."""
        normed, inverse = saved
        g = gradient.to(normed.dtype)
        torch.sum(g * normed, 1, keepdim=True, out=own["weight"])
        if "bias" in own:
            torch.sum(g, 1, keepdim=True, out=own["bias"])
        g = g * self.parameters["weight"]
        along = (g * normed).mean(self.axis, keepdim=True)
        if self.kind != "rms":
            g = g - g.mean(self.axis, keepdim=True)
        gradient.copy_((g - normed * along) * inverse)


class ParametricRelu(Layer):
    """x where it is above 0, else weight · x; one weight a layer, from 0.25 (He et al., 2015)."""

    def __init__(self, name: str, like: torch.Tensor) -> None:
        weight = aligned_stack((len(like), 1, 1), like.dtype, like.device).fill_(0.25)
        super().__init__(name, {"weight": weight})

    def forward(self, values: torch.Tensor, *, training: bool) -> Any:
        """See `Layer.forward`."""
        saved = values.clone()
        values.copy_(torch.where(saved > 0, saved, saved * self.parameters["weight"]))
        return saved

    def backward(self, gradient: torch.Tensor, saved: Any, own: Mapping[str, torch.Tensor]) -> None:
        """See `Layer.backward`."""
        weight = self.parameters["weight"]
        below = torch.where(saved > 0, 0, gradient * saved).to(weight.dtype)
        torch.sum(below.sum(2, keepdim=True), 1, keepdim=True, out=own["weight"])
        gradient.copy_(torch.where(saved > 0, gradient, gradient * weight))


class InputScale(Layer):
    """Every input times a weight of its own, from 1."""

    def __init__(self, like: torch.Tensor, features: int) -> None:
        weight = aligned_stack((len(like), 1, features), like.dtype, like.device).fill_(1.0)
        super().__init__("input_scale", {"weight": weight})

    def forward(self, values: torch.Tensor, *, training: bool) -> Any:
        """See `Layer.forward`; what is given is a copy of the inputs."""
        saved = values.clone()
        values.copy_(values * self.parameters["weight"])
        return saved

    def backward(self, gradient: torch.Tensor, saved: Any, own: Mapping[str, torch.Tensor]) -> None:
        """See `Layer.backward`; nothing lies below, so the gradient of the inputs is left alone."""
        weight = self.parameters["weight"]
        torch.sum((gradient * saved).to(weight.dtype), 1, keepdim=True, out=own["weight"])


def layers_of(
    form: Form, like: torch.Tensor, sizes: tuple[int, ...]
) -> tuple[tuple[Layer, ...], ...]:
    """Of the inputs and of each hidden layer what its values go through, before the activation.

    Args:
        like: a tensor of the stack, (network, …), of the type in which parameters are kept.
        sizes: (in, hidden…, out).
    """
    found: list[tuple[Layer, ...]] = [(InputScale(like, sizes[0]),) if form.input_scale else ()]
    for number, units in enumerate(sizes[1:-1], start=1):
        own: list[Layer] = []
        if form.normalization:
            own.append(Normalization(f"norm_{number}", form.normalization, like, units))
        if form.activation == "prelu":
            own.append(ParametricRelu(f"activation_{number}", like))
        found.append(tuple(own))
    return tuple(found)
