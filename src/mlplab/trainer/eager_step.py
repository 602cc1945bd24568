"""One training step of a whole stack by operations of torch, and all that it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import torch

from mlplab.networks.dense_stack import DenseStack, Workspace, backward, forward
from mlplab.networks.dropout import Dropout
from mlplab.networks.weights import LayerWeights
from mlplab.objectives.objective import BatchOutputs, Objective
from mlplab.optimizers.coefficients import coefficients
from mlplab.optimizers.update import CoefficientTables, OptimizerState, StepCoefficients
from mlplab.trainer.evaluation import runs_of_equal_objectives
from mlplab.trainer.recipe import Recipe

GradientHook = Callable[[int, torch.Tensor], None]
"""Called with every layer's kernel gradient, (network, in, out), before its update."""


@dataclass(eq=False)
class StackState:
    """All that training changes, and what it needs at every step; the only mutable thing here."""

    stack: DenseStack
    kernels: list[OptimizerState]
    biases: list[OptimizerState]
    others: list[list[OptimizerState]]
    """Of what stands between: before the first dense layer, and after each hidden one."""
    tables: CoefficientTables
    objectives: list[tuple[Objective, slice]]
    dropout: Dropout | None
    diverged_at: torch.Tensor
    """(network,) int64: the first step whose loss was not finite, 0 for none so far."""
    centres: torch.Tensor | None
    """(network, class, unit) running class centres, where an objective keeps them."""
    workspace: Workspace
    step: int = 0

    @classmethod
    def init(
        cls, recipes: Sequence[Recipe], dtype: torch.dtype, device: torch.device
    ) -> StackState:
        """The state before the first step; dtype is that of products."""
        first = recipes[0]
        initial = [recipe.initial_layers() for recipe in recipes]
        kernels_of = [[kernel for kernel, _ in layers] for layers in initial]
        stack = DenseStack.build(kernels_of, first.form, dtype, device)
        for place, recipe in enumerate(recipes):
            if recipe.start:  # else biases are zero, as they are
                named = {**stack.weights_of(place).others, **recipe.start.others}
                stack.put(place, LayerWeights(initial[place], named))
        param_dtype = stack.kernels[0].dtype
        tables = CoefficientTables(
            coefficients([r.optimizer for r in recipes], [r.training.steps for r in recipes]),
            param_dtype,
            device,
        )
        workspace = Workspace(stack, first.training.batch_size, backward=True)
        kernels, biases, others = _optimizer_states(stack, workspace, tables)
        return cls(
            stack=stack,
            kernels=kernels,
            biases=biases,
            others=others,
            tables=tables,
            objectives=runs_of_equal_objectives([r.objective for r in recipes]),
            dropout=_dropout(recipes, param_dtype, device),
            diverged_at=torch.zeros(len(recipes), dtype=torch.int64, device=device),
            centres=_centres(recipes, param_dtype, device),
            workspace=workspace,
        )

    @property
    def every_optimizer(self) -> list[OptimizerState]:
        """Of all parameters."""
        return [*self.kernels, *self.biases, *chain(*self.others)]

    def select(self, keep: torch.Tensor, recipes: Sequence[Recipe]) -> StackState:
        """The state of the kept networks only, whose recipes these are."""
        stack = self.stack.select(keep)
        workspace = Workspace(stack, self.workspace.rows, backward=True)
        tables = self.tables.select(keep)
        kernels, biases, others = _optimizer_states(stack, workspace, tables)
        mine = [*kernels, *biases, *chain(*others)]
        for kept, old in zip(mine, self.every_optimizer, strict=True):
            kept.first.copy_(old.first[keep])
            kept.second.copy_(old.second[keep])
        return StackState(
            stack=stack,
            kernels=kernels,
            biases=biases,
            others=others,
            tables=tables,
            objectives=runs_of_equal_objectives([r.objective for r in recipes]),
            dropout=self.dropout.select(keep) if self.dropout else None,
            diverged_at=self.diverged_at[keep],
            centres=None if self.centres is None else self.centres[keep],
            workspace=workspace,
            step=self.step,
        )


def _optimizer_states(
    stack: DenseStack, workspace: Workspace, tables: CoefficientTables
) -> tuple[list[OptimizerState], list[OptimizerState], list[list[OptimizerState]]]:
    """Of every kernel, every bias and what stands between, before the first step."""
    start = tables.initial_second
    kernels = zip(stack.kernels, workspace.kernel_gradients, stack.compute_kernels, strict=True)
    biases = zip(stack.biases, workspace.bias_gradients, strict=True)
    return (
        [OptimizerState.init(w, g, start, decays=True, compute_weights=c) for w, g, c in kernels],
        [OptimizerState.init(w, g, start, decays=False) for w, g in biases],
        [
            [
                OptimizerState.init(parameter, own[name], start, decays=False)
                for layer, own in zip(layers, gradients, strict=True)
                for name, parameter in layer.parameters.items()
            ]
            for layers, gradients in zip(stack.between, workspace.other_gradients, strict=True)
        ],
    )


def eager_step(
    state: StackState,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    gradient_hook: GradientHook | None = None,
) -> None:
    """One step of every network of the stack, one operation of torch after the other.

    Args:
        inputs: (network, batch, feature).
        targets: (network, batch) int64.
        gradient_hook: for diagnostics.
    """
    state.step += 1
    train_step(state, inputs, targets, state.tables.at(state.step), state.step, gradient_hook)


def train_step(
    state: StackState,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    by: StepCoefficients,
    number: int | torch.Tensor,
    gradient_hook: GradientHook | None = None,
) -> None:
    """What a step does to a stack, all of it on the device.

    With a tensor for `number`, and but for `gradient_hook`, it reads nothing that the host changes
    from step to step: it can be captured once and replayed.

    Args:
        by: the coefficients of this step.
        number: of this step, from 1; or a () int64 tensor that holds it.
    """
    stack, workspace = state.stack, state.workspace
    logits = forward(stack, inputs, workspace, _masks(state, number), training=True)
    loss, hidden_gradient = _losses(state, inputs, logits, targets)
    newly = ~torch.isfinite(loss) & (state.diverged_at == 0)
    state.diverged_at.copy_(torch.where(newly, number, state.diverged_at))

    def update(layer: int) -> None:
        if gradient_hook is not None:
            gradient_hook(layer, workspace.kernel_gradients[layer])
        state.kernels[layer].update(by)
        state.biases[layer].update(by)
        # What follows a layer, and before the first one what the inputs go through.
        behind = state.others[layer + 1] if layer + 1 < len(state.others) else ()
        for other in (*behind, *(() if layer else state.others[0])):
            other.update(by)

    backward(stack, inputs, workspace, update, hidden_gradient)


def _losses(
    state: StackState, inputs: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The loss of every network, (network,), and its gradient for the last hidden outputs if any.

    The gradient for the logits goes to the workspace.
    """
    gradient = state.workspace.gradients[-1]
    # The inputs of the last layer, which are the data where there is no hidden layer.
    hidden = [inputs, *state.workspace.outputs][-2]
    any_hidden = any(objective.uses_hidden for objective, _ in state.objectives)
    lower_precision = logits.dtype.itemsize < 4
    scratch = torch.empty_like(logits, dtype=torch.float32) if lower_precision else gradient
    logits = logits.float() if lower_precision else logits
    if lower_precision and (any_hidden or state.centres is not None):
        hidden = hidden.float()
    hidden_gradient = torch.zeros_like(hidden) if any_hidden else None
    values = [
        objective.value_and_gradients(
            BatchOutputs(
                logits[own],
                hidden[own],
                targets[own],
                state.centres[own] if state.centres is not None else None,
            ),
            scratch[own],
            hidden_gradient[own] if objective.uses_hidden and hidden_gradient is not None else None,
        )
        for objective, own in state.objectives
    ]
    if lower_precision:
        gradient.copy_(scratch)
    return values[0] if len(values) == 1 else torch.cat(values), hidden_gradient


def _masks(
    state: StackState, number: int | torch.Tensor
) -> Callable[[int, int, int], torch.Tensor] | None:
    dropout = state.dropout
    if dropout is None:
        return None
    return lambda layer, rows, units: dropout.mask(number, layer, rows, units)


def _dropout(recipes: Sequence[Recipe], dtype: torch.dtype, device: torch.device) -> Dropout | None:
    rates = torch.tensor([r.dropout for r in recipes], dtype=dtype, device=device)
    if not rates.any():
        return None
    return Dropout(rates, torch.tensor([r.seed for r in recipes], device=device))


def _centres(
    recipes: Sequence[Recipe], dtype: torch.dtype, device: torch.device
) -> torch.Tensor | None:
    if not any(r.objective.keeps_centres for r in recipes):
        return None
    *_, units, outputs = recipes[0].layers
    return torch.zeros(len(recipes), outputs, units, dtype=dtype, device=device)
