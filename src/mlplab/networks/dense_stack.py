"""Dense networks of one shape and form, computed together by operations of torch: forward, and
gradients back, written out.

Every product is a batched one over (network, row, unit) tensors; no network sees another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mlplab.declarations.form import Form, residual_layers
from mlplab.networks.activations import ACTIVATIONS, ActivationFunction
from mlplab.networks.aligned import aligned_stack, select_networks
from mlplab.networks.layers import Layer, layers_of
from mlplab.networks.products import batched_matmul
from mlplab.networks.weights import LayerWeights


@dataclass(frozen=True, eq=False)
class DenseStack:
    """The weights of a stack.

    kernels: one (network, in, out) a layer; biases: one (network, 1, out) a layer; both in the type
    in which parameters are kept. compute_kernels: the kernels in the type of products, which are
    the kernels themselves unless that is a lower one. between: what the inputs, and the sums of each
    hidden layer, go through.
    """

    kernels: tuple[torch.Tensor, ...]
    biases: tuple[torch.Tensor, ...]
    compute_kernels: tuple[torch.Tensor, ...]
    form: Form
    between: tuple[tuple[Layer, ...], ...]

    @classmethod
    def build(
        cls,
        kernels: Sequence[Sequence[np.ndarray]],
        form: Form,
        dtype: torch.dtype,
        device: torch.device,
    ) -> DenseStack:
        """A stack from the initial kernels of each network; biases are zero, other layers begin as
        they do.

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
        sizes = (stacked[0].shape[1], *(k.shape[2] for k in stacked))
        between = layers_of(form, stacked[0], sizes)
        return cls._with_compute_kernels(tuple(stacked), biases, form, between, dtype)

    @classmethod
    def _with_compute_kernels(
        cls,
        kernels: tuple[torch.Tensor, ...],
        biases: tuple[torch.Tensor, ...],
        form: Form,
        between: tuple[tuple[Layer, ...], ...],
        dtype: torch.dtype,
    ) -> DenseStack:
        if kernels[0].dtype == dtype:
            return cls(kernels, biases, kernels, form, between)
        compute = tuple(aligned_stack(k.shape, dtype, k.device) for k in kernels)
        for low, kernel in zip(compute, kernels, strict=True):
            low.copy_(kernel)
        return cls(kernels, biases, compute, form, between)

    @property
    def activation(self) -> ActivationFunction:
        """After every hidden layer."""
        return ACTIVATIONS[self.form.activation]

    @property
    def sizes(self) -> tuple[int, ...]:
        """(in, hidden…, out)."""
        return (self.kernels[0].shape[1], *(kernel.shape[2] for kernel in self.kernels))

    @property
    def others(self) -> dict[str, torch.Tensor]:
        """All tensors, (network, 1, unit), of what is no dense layer, by name."""
        return {
            name: t for own in self.between for layer in own for name, t in layer.tensors.items()
        }

    @property
    def networks(self) -> int:
        """How many networks are in the stack."""
        return len(self.kernels[0])

    def select(self, keep: torch.Tensor) -> DenseStack:
        """The kept networks only."""
        return self._with_compute_kernels(
            tuple(select_networks(k, keep) for k in self.kernels),
            tuple(select_networks(b, keep) for b in self.biases),
            self.form,
            tuple(tuple(layer.select(keep) for layer in own) for own in self.between),
            self.compute_kernels[0].dtype,
        )

    def put(self, network: int, weights: LayerWeights) -> None:
        """Give one network these weights."""
        for layer, (kernel, bias) in enumerate(weights):
            self.kernels[layer][network].copy_(torch.from_numpy(kernel))
            self.biases[layer][network, 0].copy_(torch.from_numpy(bias))
            self.compute_kernels[layer][network].copy_(self.kernels[layer][network])
        others = self.others
        given = getattr(weights, "others", {})
        if others.keys() != given.keys():
            raise ValueError(f"expected the tensors {sorted(others)}, received {sorted(given)}")
        for name, tensor in others.items():
            tensor[network, 0].copy_(torch.from_numpy(given[name]))

    def weights_of(self, network: int) -> LayerWeights:
        """A copy of one network's weights, float32 on the CPU."""

        def of(tensor: torch.Tensor) -> np.ndarray:
            return tensor[network].float().cpu().numpy().copy()

        dense = ((of(k), of(b)[0]) for k, b in zip(self.kernels, self.biases, strict=True))
        return LayerWeights(dense, {name: of(tensor)[0] for name, tensor in self.others.items()})


class Workspace:
    """Memory for one forward and backward pass over a number of rows, reused every step."""

    def __init__(self, stack: DenseStack, rows: int, *, backward: bool) -> None:
        self.rows = rows
        like, hidden = stack.compute_kernels, stack.compute_kernels[:-1]

        def memory(kernel: torch.Tensor) -> torch.Tensor:
            return aligned_stack((len(kernel), rows, kernel.shape[2]), kernel.dtype, kernel.device)

        residual = stack.form.residual
        self.added = residual_layers(stack.sizes) if residual else frozenset[int]()
        """Dense layers to which a residual is added."""
        keeps_sums = backward and stack.activation.keeps_sums
        self.outputs = [memory(kernel) for kernel in like]
        """Of each layer; the last are the logits."""
        self.inputs: torch.Tensor | None = None
        """What the first dense layer received, where that are not the inputs."""
        self.sums = [memory(kernel) if keeps_sums else None for kernel in hidden]
        self.masks: list[torch.Tensor | None] = [None] * len(hidden)
        # Sums that the next layer's are added to; or what an activation gave, before the addition.
        self.kept = [
            memory(kernel)
            if (residual == "pre_normalized" and place + 1 in self.added)
            or (residual == "plain" and place in self.added and backward)
            else None
            for place, kernel in enumerate(hidden)
        ]
        self.saved: list[list[Any]] = [[] for _ in stack.between]
        """What the layers between need in the backward pass."""
        layers = like if backward else ()
        self.gradients = [memory(kernel) for kernel in layers]
        self.kernel_gradients = [aligned_stack(k.shape, k.dtype, k.device) for k in layers]
        self.bias_gradients = [
            aligned_stack(b.shape, b.dtype, b.device) for b in (stack.biases if backward else ())
        ]
        self.other_gradients = [
            [layer.gradients() for layer in own] if backward else [] for own in stack.between
        ]


def forward(
    stack: DenseStack,
    inputs: torch.Tensor,
    workspace: Workspace,
    mask: Callable[[int, int, int], torch.Tensor] | None = None,
    *,
    training: bool = False,
) -> torch.Tensor:
    """The logits of every network.

    Args:
        inputs: (network, row, feature); the first axis may be expanded from one.
        workspace: holds every layer's outputs afterwards.
        mask: gives the dropout mask of (layer, rows, units), or None for no dropout.
        training: whether batch normalisation takes the rows' own mean and variance, and learns them.

    Returns:
        (network, row, output), memory of the workspace, in the precision of the products.
    """
    layer_inputs = _through(stack, inputs, workspace, training=training)
    last = len(stack.kernels) - 1
    plain = stack.form.residual == "plain"
    for layer, kernel in enumerate(stack.compute_kernels):
        outputs = batched_matmul(layer_inputs, kernel, workspace.outputs[layer])
        outputs += stack.biases[layer]
        if layer < last:
            kept = workspace.kept[layer]
            if not plain:
                before = workspace.kept[layer - 1] if layer in workspace.added else None
                if before is not None:
                    outputs += before
                if kept is not None:
                    kept.copy_(outputs)
            _pass_layers(stack, layer + 1, outputs, workspace, training=training)
            sums = workspace.sums[layer]
            if sums is not None:
                sums.copy_(outputs)
            stack.activation.apply(outputs)
            if plain and kept is not None:
                kept.copy_(outputs)
            if mask is not None:
                drop = mask(layer, outputs.shape[1], outputs.shape[2])
                workspace.masks[layer] = drop
                outputs *= drop
            if plain and layer in workspace.added:
                outputs += layer_inputs
        layer_inputs = outputs
    return layer_inputs


def _through(
    stack: DenseStack, inputs: torch.Tensor, workspace: Workspace, *, training: bool
) -> torch.Tensor:
    """What the first dense layer receives: the inputs, or a copy that the first layers changed."""
    if not stack.between[0]:
        return inputs
    rows, features = inputs.shape[1:]
    copy = aligned_stack((stack.networks, rows, features), inputs.dtype, inputs.device)
    copy.copy_(inputs)
    _pass_layers(stack, 0, copy, workspace, training=training)
    workspace.inputs = copy
    return copy


def _pass_layers(
    stack: DenseStack, place: int, values: torch.Tensor, workspace: Workspace, *, training: bool
) -> None:
    between = stack.between[place]
    if between:
        workspace.saved[place] = [layer.forward(values, training=training) for layer in between]


def backward(
    stack: DenseStack,
    inputs: torch.Tensor,
    workspace: Workspace,
    on_layer: Callable[[int], None],
    add_to_hidden: torch.Tensor | None = None,
) -> None:
    """Gradients of every parameter, from the last layer to the first.

    The gradient of the logits stands in `workspace.gradients[-1]`; those of the weights are left
    in its `kernel_gradients`, `bias_gradients` and `other_gradients`. `on_layer(layer)` is called as
    soon as a layer's gradients are known and its kernel is no longer needed, so that it may change
    the layer's weights while they are in the cache.

    Args:
        inputs: as in `forward`.
        add_to_hidden: (network, row, unit) added to the gradient of the last hidden outputs.
    """
    last = len(stack.kernels) - 1
    plain = stack.form.residual == "plain"
    first_inputs = workspace.inputs if stack.between[0] else inputs
    assert first_inputs is not None
    for layer in range(last, -1, -1):
        gradient, bias_gradient = workspace.gradients[layer], workspace.bias_gradients[layer]
        layer_inputs = workspace.outputs[layer - 1] if layer else first_inputs
        passed = gradient.clone() if plain and layer in workspace.added else None
        if layer < last:
            mask = workspace.masks[layer]
            if mask is not None:
                gradient *= mask
            stack.activation.backward(gradient, _saved(stack, workspace, layer))
            _pass_back(stack, layer + 1, gradient, workspace)
            if not plain and layer + 1 in workspace.added:
                gradient += workspace.gradients[layer + 1]
        torch.sum(gradient, 1, keepdim=True, dtype=bias_gradient.dtype, out=bias_gradient)
        batched_matmul(layer_inputs.transpose(1, 2), gradient, workspace.kernel_gradients[layer])
        if layer:
            below = workspace.gradients[layer - 1]
            batched_matmul(gradient, stack.compute_kernels[layer].transpose(1, 2), below)
            if passed is not None:
                below += passed
            if layer == last and add_to_hidden is not None:
                below += add_to_hidden
        elif stack.between[0]:
            below = aligned_stack(first_inputs.shape, first_inputs.dtype, first_inputs.device)
            batched_matmul(gradient, stack.compute_kernels[0].transpose(1, 2), below)
            _pass_back(stack, 0, below, workspace)
        on_layer(layer)


def _pass_back(stack: DenseStack, place: int, gradient: torch.Tensor, workspace: Workspace) -> None:
    parts = zip(
        stack.between[place], workspace.saved[place], workspace.other_gradients[place], strict=True
    )
    for layer, saved, own in reversed(list(parts)):
        layer.backward(gradient, saved, own)


def _saved(stack: DenseStack, workspace: Workspace, layer: int) -> torch.Tensor:
    """What an activation's derivative is computed from."""
    sums, mask = workspace.sums[layer], workspace.masks[layer]
    if sums is not None:
        return sums
    if stack.form.residual == "plain" and layer in workspace.added:
        kept = workspace.kept[layer]
        assert kept is not None
        return kept
    outputs = workspace.outputs[layer]
    if mask is None:
        return outputs
    # Derivatives are of outputs as they were before dropout scaled them; where a unit was dropped
    # the gradient is zero already.
    return torch.where(mask > 0, outputs / mask, 0)
