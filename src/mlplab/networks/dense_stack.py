"""Dense networks of one shape, computed together by operations of torch: forward, and gradients
back, written out.

Every product is a batched one over (network, row, unit) tensors; no network sees another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mlplab.networks.activations import ActivationFunction
from mlplab.networks.aligned import aligned_stack, select_networks
from mlplab.networks.products import batched_matmul

LayerWeights = tuple[tuple[np.ndarray, np.ndarray], ...]
"""One (kernel (in, out), bias (out,)) a layer."""


@dataclass(frozen=True, eq=False)
class DenseStack:
    """The weights of a stack.

    kernels: one (network, in, out) a layer; biases: one (network, 1, out) a layer; both in the type
    in which parameters are kept. compute_kernels: the kernels in the type of products, which are
    the kernels themselves unless that is a lower one.
    """

    kernels: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]
    compute_kernels: tuple[torch.Tensor, ...]
    activation: ActivationFunction

    @classmethod
    def build(
        cls,
        kernels: Sequence[Sequence[np.ndarray]],
        activation: ActivationFunction,
        dtype: torch.dtype,
        device: torch.device,
    ) -> DenseStack:
        """A stack from the initial kernels of each network; biases are zero.

        Args:
            kernels: of each network, one (in, out) a layer.
            dtype: that of products; parameters are never kept in less than float32.
        """
        param_dtype = torch.float32 if dtype.itemsize < 4 else dtype
        stacked = []
        for layer in zip(*kernels, strict=True):
            stack = aligned_stack((len(layer), *layer[0].shape), param_dtype, device)
            for network, kernel in enumerate(layer):
                stack[network].copy_(torch.from_numpy(kernel))
            stacked.append(stack)
        biases = tuple(aligned_stack((len(k), 1, k.shape[2]), param_dtype, device) for k in stacked)
        return cls._with_compute_kernels(tuple(stacked), biases, activation, dtype)

    @classmethod
    def _with_compute_kernels(
        cls,
        kernels: tuple[torch.Tensor, ...],
        biases: tuple[torch.Tensor, ...],
        activation: ActivationFunction,
        dtype: torch.dtype,
    ) -> DenseStack:
        if kernels[0].dtype == dtype:
            return cls(kernels, biases, kernels, activation)
        compute = tuple(aligned_stack(k.shape, dtype, k.device) for k in kernels)
        for low, kernel in zip(compute, kernels, strict=True):
            low.copy_(kernel)
        return cls(kernels, biases, compute, activation)

    @property
    def networks(self) -> int:
        """How many networks are in the stack."""
        return len(self.kernels[0])

    def select(self, keep: torch.Tensor) -> DenseStack:
        """The kept networks only."""
        return self._with_compute_kernels(
            tuple(select_networks(k, keep) for k in self.kernels),
            tuple(select_networks(b, keep) for b in self.biases),
            self.activation,
            self.compute_kernels[0].dtype,
        )

    def put(self, network: int, weights: LayerWeights) -> None:
        """Give one network these weights."""
        for layer, (kernel, bias) in enumerate(weights):
            self.kernels[layer][network].copy_(torch.from_numpy(kernel))
            self.biases[layer][network, 0].copy_(torch.from_numpy(bias))
            self.compute_kernels[layer][network].copy_(self.kernels[layer][network])

    def weights_of(self, network: int) -> LayerWeights:
        """A copy of one network's weights, float32 on the CPU."""
        return tuple(
            (k[network].float().cpu().numpy().copy(), b[network, 0].float().cpu().numpy().copy())
            for k, b in zip(self.kernels, self.biases, strict=True)
        )


class Workspace:
    """Memory for one forward and backward pass over a number of rows, reused every step."""

    def __init__(self, stack: DenseStack, rows: int, *, backward: bool) -> None:
        self.rows = rows
        like, hidden = stack.compute_kernels, stack.compute_kernels[:-1]

        def memory(kernel: torch.Tensor) -> torch.Tensor:
            return aligned_stack((len(kernel), rows, kernel.shape[2]), kernel.dtype, kernel.device)

        keeps_sums = backward and stack.activation.keeps_sums
        self.outputs = [memory(kernel) for kernel in like]
        """Of each layer; the last are the logits."""
        self.sums = [memory(kernel) if keeps_sums else None for kernel in hidden]
        self.masks: list[torch.Tensor | None] = [None] * len(hidden)
        layers = like if backward else ()
        self.gradients = [memory(kernel) for kernel in layers]
        self.kernel_gradients = [aligned_stack(k.shape, k.dtype, k.device) for k in layers]
        self.bias_gradients = [
            aligned_stack(b.shape, b.dtype, b.device) for b in (stack.biases if backward else ())
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
    for layer, kernel in enumerate(stack.compute_kernels):
        outputs = batched_matmul(layer_inputs, kernel, workspace.outputs[layer])
        outputs += stack.biases[layer]
        if layer < last:
            sums = workspace.sums[layer]
            if sums is not None:
                sums.copy_(outputs)
            stack.activation.apply(outputs)
            if mask is not None:
                drop = mask(layer, outputs.shape[1], outputs.shape[2])
                workspace.masks[layer] = drop
                outputs *= drop
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
        gradient, bias_gradient = workspace.gradients[layer], workspace.bias_gradients[layer]
        layer_inputs = workspace.outputs[layer - 1] if layer else inputs
        if layer < last:
            mask = workspace.masks[layer]
            if mask is not None:
                gradient *= mask
            stack.activation.backward(gradient, _saved(workspace, layer))
        torch.sum(gradient, 1, keepdim=True, dtype=bias_gradient.dtype, out=bias_gradient)
        batched_matmul(layer_inputs.transpose(1, 2), gradient, workspace.kernel_gradients[layer])
        if layer:
            below = workspace.gradients[layer - 1]
            batched_matmul(gradient, stack.compute_kernels[layer].transpose(1, 2), below)
            if layer == last and add_to_hidden is not None:
                below += add_to_hidden
        on_layer(layer)


def _saved(workspace: Workspace, layer: int) -> torch.Tensor:
    """What an activation's derivative is computed from."""
    sums, mask = workspace.sums[layer], workspace.masks[layer]
    if sums is not None:
        return sums
    outputs = workspace.outputs[layer]
    if mask is None:
        return outputs
    # Derivatives are of outputs as they were before dropout scaled them; where a unit was dropped
    # the gradient is zero already.
    return torch.where(mask > 0, outputs / mask, 0)
