"""A step of a stack on a GPU, captured once as a CUDA graph and replayed.

A step is some hundred small operations. To ask a GPU for each of them takes longer than most of
them do. So the step is captured as a whole that reads only memory which stays where it is; between
two replays no more is done than to write the next batch and the step's coefficients there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.objective import Objective
from mlplab.objectives.regression import QuantityObjective
from mlplab.optimizers.update import StepCoefficients
from mlplab.trainer.eager_step import GradientHook, StackState, eager_step, train_step

Capture = Callable[[Callable[[], None]], Callable[[], object]]
"""Makes of a function, without running it, a replay: what does again what the function would do."""
Step = Callable[[torch.Tensor, torch.Tensor, GradientHook | None], None]
"""One step on inputs (network, batch, feature) and targets (network, batch)."""

_WARM_UP = 2
"""Eager steps before the capture, in which a GPU's libraries choose kernels and get memory."""


class CannotCaptureError(RuntimeError):
    """An operation that a graph would not repeat was reached while a step was captured."""


def step_for(state: StackState) -> Step:
    """How a stack takes its steps: captured on a GPU where it can be, else eagerly."""
    if state.diverged_at.device.type == "cuda" and can_be_captured(state):
        return CapturedStep(state, cuda_graph)
    return partial(eager_step, state)


def can_be_captured(state: StackState) -> bool:
    """Whether every objective of the stack can be."""
    return all(objective_can_be_captured(objective) for objective, _ in state.objectives)


def objective_can_be_captured(objective: Objective) -> bool:
    """Whether an objective does without autograd, whose capture is not promised here."""
    return isinstance(objective, CrossEntropy | QuantityObjective)


def cuda_graph(body: Callable[[], None]) -> Callable[[], object]:
    """A `Capture` that makes a CUDA graph."""
    graph = torch.cuda.CUDAGraph()
    # Other threads may meanwhile copy data to the GPU, which is not part of this capture. Where a
    # capture cannot be ended, torch stays on its stream: the outer `with` leaves it.
    with (
        torch.cuda.stream(torch.cuda.current_stream()),
        torch.cuda.graph(graph, capture_error_mode="thread_local"),
        OnlyOn("cuda"),
    ):
        body()
    return graph.replay


class OnlyOn(TorchDispatchMode):
    """Within it, operations of torch that compute elsewhere than on a device are refused.

    They would be done once, during the capture, and never be replayed.
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        self._device = device

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [t for t in tree_leaves((args, kwargs, result)) if isinstance(t, torch.Tensor)]
        elsewhere = {t.device.type for t in tensors} - {self._device}
        if elsewhere or not all(isinstance(t, torch.Tensor) for t in tree_leaves(result)):
            where = ", ".join(sorted(elsewhere)) or "the host"
            raise CannotCaptureError(
                f"{func} computes on {where} while a step on {self._device} is captured; "
                "a replay would not repeat it"
            )
        return result


class CapturedStep:
    """`eager_step` of one state, captured.

    Steps with a gradient hook are not replayed but taken eagerly: the hook runs on the host.

    Args:
        state: of the stack; a smaller stack needs a capture of its own.
        capture: how the step is captured.
        warm_up: eager steps before that.
    """

    def __init__(self, state: StackState, capture: Capture, warm_up: int = _WARM_UP) -> None:
        self._state, self._capture = state, capture
        self._warming_up = warm_up
        first = state.tables.at(1)
        self._by = StepCoefficients(first.constants, first.by_step.clone())
        self._number = torch.zeros((), dtype=torch.int64, device=state.diverged_at.device)
        self._replay: Callable[[], object] | None = None
        self._reads: tuple[int, int] | None = None

    def __call__(
        self,
        inputs: torch.Tensor,
        targets: torch.Tensor,
        gradient_hook: GradientHook | None = None,
    ) -> None:
        """See `eager_step`; a batch in other memory than the last is captured anew."""
        if gradient_hook is not None or self._warming_up:
            self._warming_up = max(0, self._warming_up - 1)
            eager_step(self._state, inputs, targets, gradient_hook)
            return
        self._state.step += 1
        self._number.fill_(self._state.step)
        self._by.by_step.copy_(self._state.tables.at(self._state.step).by_step)
        reads = inputs.data_ptr(), targets.data_ptr()
        if self._replay is None or reads != self._reads:
            body = partial(train_step, self._state, inputs, targets, self._by, self._number)
            self._replay, self._reads = self._capture(body), reads
        self._replay()
