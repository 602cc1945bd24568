"""One step of a stack, recorded once and played again, so that Python is in nobody's way.

A step is some hundred small operations. To ask a GPU for each of them takes longer than most of
them do; and on a CPU, stacks that train side by side wait for Python's lock after each (in bfloat16
on two cores of a Xeon steps took half as long again). So the step is recorded as a whole that
reads only memory which stays where it is: a graph on a GPU, entries for compiled code on a CPU.
Between two steps no more is done than to write the next batch and the step's coefficients there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from mlplab.networks.products import is_small
from mlplab.networks.recording import address_of_products
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.objective import Objective
from mlplab.optimizers.update import StepCoefficients
from mlplab.trainer.lean_step import SeeGradient, StackState, lean_step, take_step

Record = Callable[[Callable[[], None]], Callable[[], object]]
"""Makes of a function, without running it, what does again what the function would do."""
Step = Callable[[torch.Tensor, torch.Tensor, SeeGradient | None], None]
"""One step on inputs (network, batch, feature) and targets (network, batch)."""

_WARM_UP = 2
"""Steps done one operation at a time, in which a GPU's libraries choose kernels and get memory."""


def step_for(state: StackState) -> Step:
    """How a stack takes its steps: recorded where it can be, else one operation at a time."""
    device = state.diverged_at.device.type
    if device == "cuda" and can_be_recorded(state):
        return RepeatedStep(state, cuda_graph)
    if device == "cpu" and can_be_compiled(state):
        from mlplab.trainer.compiled_step import compiled_step

        record = compiled_step(state.stack.kernels[0].dtype, state.stack.operands[0].dtype)
        return RepeatedStep(state, record, warm_up=0)
    return partial(lean_step, state)


def can_be_compiled(state: StackState) -> bool:
    """Whether all of a step on the CPU is of what compiled code can do by itself."""
    stack = state.stack
    fewest = min(kernel[0].numel() for kernel in stack.kernels)
    return (
        address_of_products() is not None
        and not is_small(stack.networks * state.workspace.rows * fewest)
        and can_be_recorded(state)
        and state.dropout is None
        and state.centres is None
        and stack.activation.rectifies
        and not stack.precision.rounds
    )


def can_be_recorded(state: StackState) -> bool:
    """Whether every objective of the stack can be."""
    return all(objective_can_be_recorded(objective) for objective, _ in state.objectives)


def objective_can_be_recorded(objective: Objective) -> bool:
    """Whether an objective does without autograd, which recording here does not promise."""
    return isinstance(objective, CrossEntropy)


def cuda_graph(body: Callable[[], None]) -> Callable[[], object]:
    """A `Record` that makes a CUDA graph."""
    graph = torch.cuda.CUDAGraph()
    # Other threads may meanwhile bring data to the GPU; that is none of this recording's business.
    # Where a recording cannot be ended, torch stays on its stream: the outer `with` leaves it.
    with (
        torch.cuda.stream(torch.cuda.current_stream()),
        torch.cuda.graph(graph, capture_error_mode="thread_local"),
    ):
        body()
    return graph.replay


class RepeatedStep:
    """`lean_step` of one state, to the bit, as a recording.

    Steps that show gradients are not played but taken: what looks at them runs on the host.

    Args:
        state: of the stack; a smaller stack needs a recording of its own.
        record: how the step is recorded.
        warm_up: steps that are taken before.
    """

    def __init__(self, state: StackState, record: Record, warm_up: int = _WARM_UP) -> None:
        self._state, self._record = state, record
        self._warming_up = warm_up
        first = state.tables.at(1)
        self._by = StepCoefficients(first.constants, first.by_step.clone())
        self._number = torch.zeros((), dtype=torch.int64, device=state.diverged_at.device)
        self._play: Callable[[], object] | None = None
        self._read: tuple[int, int] | None = None

    def __call__(
        self, inputs: torch.Tensor, targets: torch.Tensor, see_gradient: SeeGradient | None = None
    ) -> None:
        """See `lean_step`; a batch in other memory than the last is recorded anew."""
        if see_gradient is not None or self._warming_up:
            self._warming_up = max(0, self._warming_up - 1)
            lean_step(self._state, inputs, targets, see_gradient)
            return
        self._state.step += 1
        self._number.fill_(self._state.step)
        self._by.by_step.copy_(self._state.tables.at(self._state.step).by_step)
        reads = inputs.data_ptr(), targets.data_ptr()
        if self._play is None or reads != self._read:
            body = partial(take_step, self._state, inputs, targets, self._by, self._number)
            self._play, self._read = self._record(body), reads
        self._play()
