"""Dense networks of one shape, computed together: forward, and gradients back, written out.

Every product is a batched one over (network, row, unit) tensors; no network sees another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
import torch

from mlplab.networks.activations import ActivationFunction
from mlplab.networks.aligned import aligned_stack, select_networks
from mlplab.networks.precision import Precision
from mlplab.networks.products import Product, product

if TYPE_CHECKING:
    from mlplab.networks.fused_passes import FusedPasses
    from mlplab.networks.sparse_products import ProductOfSparse

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
    sparse_inputs: bool = False
    """Whether what it is given is mostly zeros, which its first layer then passes over."""

    @classmethod
    def build(
        cls,
        kernels: Sequence[Sequence[np.ndarray]],
        activation: ActivationFunction,
        precision: Precision,
        device: torch.device,
        *,
        sparse_inputs: bool = False,
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
        return cls._with_operands(tuple(stacked), biases, activation, precision, sparse_inputs)

    @classmethod
    def _with_operands(
        cls,
        kernels: tuple[torch.Tensor, ...],
        biases: tuple[torch.Tensor, ...],
        activation: ActivationFunction,
        precision: Precision,
        sparse_inputs: bool,
    ) -> DenseStack:
        if kernels[0].dtype == precision.dtype and not precision.rounds:
            return cls(kernels, biases, kernels, activation, precision, sparse_inputs)
        operands = tuple(aligned_stack(k.shape, precision.dtype, k.device) for k in kernels)
        stack = cls(kernels, biases, operands, activation, precision, sparse_inputs)
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
            self.activation,
            self.precision,
            self.sparse_inputs,
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
        self.forward_products: list[Product | ProductOfSparse] = [
            Product((stack.networks, rows, width), like.dtype, like.device) for width in widths
        ]
        self.outputs = [product.result for product in self.forward_products]
        """What each layer gives; the last are the logits."""
        self.sums = [
            memory(width) if backward and stack.activation.keeps_sums else None
            for width in widths[:-1]
        ]
        self.masks: list[torch.Tensor | None] = [None] * (len(widths) - 1)
        self.gradients: list[torch.Tensor] = []
        self.bias_gradients: list[torch.Tensor] = []
        if backward:
            self.gradients = [memory(width) for width in widths]
            self.kernel_products: list[Product | ProductOfSparse] = [
                Product(k.shape, k.dtype, k.device) for k in stack.operands
            ]
            self.kernel_gradients = [product.result for product in self.kernel_products]
            self.bias_gradients = [aligned_stack(b.shape, b.dtype, b.device) for b in stack.biases]
        self.passes_zeros_over = stack.sparse_inputs and self._pass_zeros_over(stack)
        """Whether the first layer does; inputs that all networks share need no copies then."""
        self.passes = _fused_passes(stack, self) if like.device.type == "cpu" else None

    def _pass_zeros_over(self, stack: DenseStack) -> bool:
        """Have the first layer multiply what is not zero only, where that pays; whether it does."""
        from mlplab.networks.sparse_products import (
            SparseProduct,
            SparseScratch,
            SparseTransposedProduct,
            sparse_pays,
        )

        features, units = stack.kernels[0].shape[1:]
        if not sparse_pays(self.rows, features, units):
            return False
        scratch = SparseScratch(self.rows, features)
        self.forward_products[0] = SparseProduct(self.outputs[0], scratch)
        if self.gradients:
            self.kernel_products[0] = SparseTransposedProduct(self.kernel_gradients[0], scratch)
        return True


def _fused_passes(stack: DenseStack, workspace: Workspace) -> list[FusedPasses]:
    """Those of every layer. What compiles them is loaded with the first workspace."""
    from mlplab.networks.fused_passes import FusedPasses

    backward = zip(workspace.gradients, workspace.bias_gradients, strict=True)
    forward = zip(workspace.outputs, stack.biases, strict=True)
    return [
        FusedPasses(*layer, *back)
        for layer, back in zip_longest(forward, backward, fillvalue=(None, None))
    ]


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
    for layer, kernel in enumerate(stack.operands):
        outputs = workspace.forward_products[layer].of(layer_inputs, kernel)
        _add_bias_and_activate(stack, workspace, layer)
        if layer < last:
            if mask is not None:
                drop = mask(layer, outputs.shape[1], outputs.shape[2])
                workspace.masks[layer] = drop
                outputs *= drop
            stack.precision.round_(outputs)
        layer_inputs = outputs
    return layer_inputs


def _add_bias_and_activate(stack: DenseStack, workspace: Workspace, layer: int) -> None:
    outputs, activation = workspace.outputs[layer], stack.activation
    hidden = layer < len(stack.kernels) - 1
    fused = workspace.passes is not None and activation.rectifies
    if workspace.passes is not None:
        workspace.passes[layer].add_bias(rectify=hidden and activation.rectifies)
    else:
        outputs += stack.biases[layer]
    if not hidden or fused:
        return
    sums = workspace.sums[layer]
    if sums is not None:
        sums.copy_(outputs)
    activation.apply(outputs)


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
        _gradient_of_sums(stack, workspace, layer)
        workspace.kernel_products[layer].of(layer_inputs.transpose(1, 2), gradient)
        if layer:
            below = workspace.gradients[layer - 1]
            product(gradient, stack.operands[layer].transpose(1, 2), below)
            if layer == last and add_to_hidden is not None:
                below += add_to_hidden
        on_layer(layer)


def _gradient_of_sums(stack: DenseStack, workspace: Workspace, layer: int) -> None:
    """From the gradient for a layer's outputs to that for its sums, and for its bias."""
    gradient, activation = workspace.gradients[layer], stack.activation
    hidden = layer < len(stack.kernels) - 1
    fused = workspace.passes is not None and activation.rectifies
    if hidden:
        mask = workspace.masks[layer]
        if mask is not None:
            gradient *= mask
        if not fused:
            activation.pass_back(gradient, _kept(workspace, layer))
    stack.precision.round_(gradient)
    if workspace.passes is not None:
        workspace.passes[layer].go_back(rectified=hidden and activation.rectifies)
    else:
        out = workspace.bias_gradients[layer]
        torch.sum(gradient, 1, keepdim=True, dtype=out.dtype, out=out)


def _kept(workspace: Workspace, layer: int) -> torch.Tensor:
    """What an activation's derivative is told from."""
    sums, mask = workspace.sums[layer], workspace.masks[layer]
    if sums is not None:
        return sums
    outputs = workspace.outputs[layer]
    if mask is None:
        return outputs
    # Derivatives are told from outputs as they were before dropout scaled them; where a unit was
    # dropped the gradient is zero already.
    return torch.where(mask > 0, outputs / mask, 0)
