"""Dense networks of one shape, computed together: forward, and gradients back, written out.

Every product is a batched one over (network, row, unit) tensors; no network sees another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mlplab.networks.activations import ActivationFunction
from mlplab.networks.aligned import aligned_stack, select_networks
from mlplab.networks.precision import Precision
from mlplab.networks.products import Product, product

LayerWeights = tuple[tuple[np.ndarray, np.ndarray], ...]
"""One (kernel (in, out), bias (out,)) a layer."""


@dataclass(frozen=True, eq=False)
class DenseStack:
    """The weights of a stack.

    kernels: one (network, in, out) a layer; biases: one (network, 1, out) a layer; both in the
    precision in which weights are kept. operands: the kernels in the precision of the products,
    which are the kernels themselves unless that is lower.
    """

    kernels: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]
    operands: tuple[torch.Tensor, ...]
    activation: ActivationFunction
    precision: Precision

    @classmethod
    def build(
        cls,
        kernels: Sequence[Sequence[np.ndarray]],
        activation: ActivationFunction,
        precision: Precision,
        device: torch.device,
    ) -> DenseStack:
        """A stack from the initial kernels of each network; biases are zero.

        Args:
            kernels: of each network, one (in, out) a layer.
            precision: that of products; weights are never kept in less than float32.
        """
        kept = torch.float32 if precision.dtype.itemsize < 4 else precision.dtype
        stacked = []
        for layer in zip(*kernels, strict=True):
            stack = aligned_stack((len(layer), *layer[0].shape), kept, device)
            for place, kernel in enumerate(layer):
                stack[place].copy_(torch.from_numpy(kernel))
            stacked.append(stack)
        biases = tuple(aligned_stack((len(k), 1, k.shape[2]), kept, device) for k in stacked)
        return cls._with_operands(tuple(stacked), biases, precision, activation)

    @classmethod
    def _with_operands(
        cls,
        kernels: tuple[torch.Tensor, ...],
        biases: tuple[torch.Tensor, ...],
        precision: Precision,
        activation: ActivationFunction,
    ) -> DenseStack:
        if kernels[0].dtype == precision.dtype and not precision.rounds:
            return cls(kernels, biases, kernels, activation, precision)
        operands = tuple(aligned_stack(k.shape, precision.dtype, k.device) for k in kernels)
        stack = cls(kernels, biases, operands, activation, precision)
        for layer in range(len(kernels)):
            stack.refresh(layer)
        return stack

    def refresh(self, layer: int) -> None:
        """Bring the operand of a layer up to date after its kernel has changed."""
        if self.operands[layer] is not self.kernels[layer]:
            self.operands[layer].copy_(self.kernels[layer])
            self.precision.round_(self.operands[layer])

    @property
    def narrower(self) -> tuple[torch.Tensor | None, ...]:
        """The operands that lie in fewer bits than their kernels; None for all others."""
        pairs = zip(self.operands, self.kernels, strict=True)
        return tuple(o if o.dtype != k.dtype else None for o, k in pairs)

    @property
    def networks(self) -> int:
        """How many networks are in the stack."""
        return len(self.kernels[0])

    def select(self, keep: torch.Tensor) -> DenseStack:
        """The kept networks only."""
        return self._with_operands(
            tuple(select_networks(k, keep) for k in self.kernels),
            tuple(select_networks(b, keep) for b in self.biases),
            self.precision,
            self.activation,
        )

    def put(self, place: int, weights: LayerWeights) -> None:
        """Give one network these weights."""
        for layer, (kernel, bias) in enumerate(weights):
            self.kernels[layer][place].copy_(torch.from_numpy(kernel))
            self.biases[layer][place, 0].copy_(torch.from_numpy(bias))
            self.refresh(layer)

    def weights_of(self, place: int) -> LayerWeights:
        """A copy of one network's weights, float32 on the CPU."""
        return tuple(
            (k[place].float().cpu().numpy().copy(), b[place, 0].float().cpu().numpy().copy())
            for k, b in zip(self.kernels, self.biases, strict=True)
        )


class Workspace:
    """Memory for one forward and backward pass over a number of rows, reused every step."""

    def __init__(self, stack: DenseStack, rows: int, *, backward: bool) -> None:
        like = stack.operands[0]
        self.rows = rows

        def memory(width: int) -> torch.Tensor:
            return aligned_stack((stack.networks, rows, width), like.dtype, like.device)

        widths = [kernel.shape[2] for kernel in stack.kernels]
        self.forward_products = [
            Product((stack.networks, rows, width), like.dtype, like.device) for width in widths
        ]
        self.outputs = [product.result for product in self.forward_products]
        """What each layer gives; the last are the logits."""
        self.sums = [
            memory(width) if backward and stack.activation.keeps_sums else None
            for width in widths[:-1]
        ]
        self.masks: list[torch.Tensor | None] = [None] * (len(widths) - 1)
        if backward:
            self.gradients = [memory(width) for width in widths]
            self.kernel_products = [Product(k.shape, k.dtype, k.device) for k in stack.operands]
            self.kernel_gradients = [product.result for product in self.kernel_products]
            self.bias_gradients = [aligned_stack(b.shape, b.dtype, b.device) for b in stack.biases]


def forward(
    stack: DenseStack,
    inputs: torch.Tensor,
    workspace: Workspace,
    mask: Callable[[int, int, int], torch.Tensor] | None = None,
) -> torch.Tensor:
    """The logits of every network.

    Args:
        inputs: (network, row, feature); the first axis may be expanded from one.
        workspace: holds every layer's outputs afterwards.
        mask: gives the dropout mask of (layer, rows, units), or None for no dropout.

    Returns:
        (network, row, output), memory of the workspace, in the precision of the products.
    """
    layer_inputs = inputs
    last = len(stack.kernels) - 1
    for layer, (kernel, bias) in enumerate(zip(stack.operands, stack.biases, strict=True)):
        outputs = workspace.forward_products[layer].of(layer_inputs, kernel)
        _add_bias(outputs, bias)
        if layer < last:
            sums = workspace.sums[layer]
            if sums is not None:
                sums.copy_(outputs)
            stack.activation.apply(outputs)
            if mask is not None:
                drop = mask(layer, outputs.shape[1], outputs.shape[2])
                workspace.masks[layer] = drop
                outputs *= drop
            stack.precision.round_(outputs)
        layer_inputs = outputs
    return layer_inputs


def backward(
    stack: DenseStack,
    inputs: torch.Tensor,
    workspace: Workspace,
    on_layer: Callable[[int], None],
    add_to_hidden: torch.Tensor | None = None,
) -> None:
    """Gradients of every kernel and bias, from the last layer to the first.

    The gradient of the logits stands in `workspace.gradients[-1]`; those of the weights are left
    in its `kernel_gradients` and `bias_gradients`. `on_layer(layer)` is called as soon as a
    layer's gradients are known and its kernel is no longer needed, so that it may change the
    layer's weights while they are in the cache.

    Args:
        inputs: as in `forward`.
        add_to_hidden: (network, row, unit) added to the gradient of the last hidden outputs.
    """
    last = len(stack.kernels) - 1
    for layer in range(last, -1, -1):
        gradient = workspace.gradients[layer]
        layer_inputs = workspace.outputs[layer - 1] if layer else inputs
        bias_gradient = workspace.bias_gradients[layer]
        stack.precision.round_(gradient)
        workspace.kernel_products[layer].of(layer_inputs.transpose(1, 2), gradient)
        _sum_rows(gradient, bias_gradient)
        if layer:
            below = workspace.gradients[layer - 1]
            product(gradient, stack.operands[layer].transpose(1, 2), below)
            if layer == last and add_to_hidden is not None:
                below += add_to_hidden
            _through_activation(stack, workspace, layer - 1, below)
        on_layer(layer)


def _through_activation(
    stack: DenseStack, workspace: Workspace, layer: int, gradient: torch.Tensor
) -> None:
    mask = workspace.masks[layer]
    kept = workspace.sums[layer]
    if mask is not None:
        gradient *= mask
    if kept is None:
        kept = workspace.outputs[layer]
        if mask is not None:
            # Derivatives are told from outputs as they were before dropout scaled them; where a
            # unit was dropped the gradient is zero already.
            kept = torch.where(mask > 0, kept / mask, 0)
    stack.activation.pass_back(gradient, kept)


def _add_bias(outputs: torch.Tensor, bias: torch.Tensor) -> None:
    if _has_passes(outputs):
        from mlplab.networks.bfloat16_passes import add_bias

        add_bias(outputs, bias)
    else:
        outputs += bias


def _sum_rows(gradient: torch.Tensor, out: torch.Tensor) -> None:
    if _has_passes(gradient):
        from mlplab.networks.bfloat16_passes import sum_rows

        sum_rows(gradient, out)
    else:
        torch.sum(gradient, 1, keepdim=True, dtype=out.dtype, out=out)


def _has_passes(values: torch.Tensor) -> bool:
    return values.dtype == torch.bfloat16 and values.device.type == "cpu"
