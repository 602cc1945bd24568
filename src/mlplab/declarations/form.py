"""What a network computes between its dense layers, as far as settings tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Activation = Literal[
    "relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu", "selu", "elu", "mish", "softplus",
    "prelu", "identity"]  # fmt: skip
Normalization = Literal["batch", "layer", "rms"]
Residual = Literal["plain", "pre_normalized"]


@dataclass(frozen=True, order=True)
class Form:
    """Of a hidden layer with inputs a, sums z = W·a + b and outputs f(norm(z)).

    A residual adds, in layers that have as many units as the hidden layer before: "plain" a to the
    outputs; "pre_normalized" the sums before to the sums, z ← z + W·f(norm(z)) + b, so that a block
    normalises first and ends with its product (He et al., Identity mappings in deep residual
    networks, 2016).
    """

    activation: Activation = "relu"
    normalization: Normalization | None = None
    residual: Residual | None = None
    input_scale: bool = False
    """Whether every input is multiplied by a weight of its own, which begins at 1."""

    @property
    def is_plain(self) -> bool:
        """Whether weights and biases of dense layers are all that a network learns and adds."""
        return Form(self.activation) == self and self.activation != "prelu"

    def parameters(self, layers: Sequence[int]) -> int:
        """Parameters besides weights and biases of the dense layers (in, hidden…, out)."""
        a_unit = {None: 0, "rms": 1}.get(self.normalization, 2)
        a_layer = int(self.activation == "prelu")
        hidden = layers[1:-1]
        return a_unit * sum(hidden) + a_layer * len(hidden) + int(self.input_scale) * layers[0]

    def tensors(self, hidden: int) -> tuple[str, ...]:
        """Names of all tensors of so many hidden layers, besides those of the dense layers."""
        of_norm = {
            None: (),
            "rms": ("weight",),
            "layer": ("weight", "bias"),
            "batch": ("weight", "bias", "running_mean", "running_var"),
        }[self.normalization]
        names = [f"norm_{n}.{own}" for n in range(1, hidden + 1) for own in of_norm]
        if self.activation == "prelu":
            names += [f"activation_{n}.weight" for n in range(1, hidden + 1)]
        return (*names, *(("input_scale.weight",) if self.input_scale else ()))

    def described(self) -> str:
        """In words: relu, layer normalization, pre-normalized residuals."""
        parts: list[str] = [self.activation]
        if self.normalization:
            parts.append(f"{self.normalization} normalization")
        if self.residual:
            parts.append(f"{self.residual.replace('_', '-')} residuals")
        if self.input_scale:
            parts.append("learned input scale")
        return ", ".join(parts)


def residual_layers(layers: Sequence[int]) -> frozenset[int]:
    """Places, from 0, of dense layers (in, hidden…, out) to which a residual may be added."""
    return frozenset(i for i in range(1, len(layers) - 2) if layers[i] == layers[i + 1])
