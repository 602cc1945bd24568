"""From what is missing to stacks: which networks train together, on how many cores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import Protocol

from mlplab.declarations.resolving.size import Size
from mlplab.records.stacks import PlannedStack

_CPU_STACK_BYTES = 48 * 2**20
"""What a stack may touch at every step. Above it weights and moments stream from memory, and a
larger stack is no faster; below it the cost of calling an operation is shared by few networks."""
_CPU_LARGEST_STACK = 64
_GPU_LARGEST_STACK = 512
_GPU_STACK_BYTES = 16 * 2**30
"""Likewise of a GPU's memory, on one that has much of it free."""
_GPU_STACK_SHARE = 0.5
"""Of the memory that is free: the data lie there too, and each operation's own results."""
_ALONE_FROM_PARAMETERS = 20_000_000
"""One network this large is mostly memory traffic and large products: all cores work on it."""
_SHARED_FROM_STEP_FLOPS = 200e6
"""A step of less work gains nothing from a second core."""


class Plannable(Protocol):
    """What planning needs to know of a run, which is less than training does."""

    @property
    def key(self) -> str: ...

    @property
    def seed(self) -> int: ...

    @property
    def size(self) -> Size: ...

    @property
    def kind(self) -> tuple:
        """Runs of equal kind can train in one stack."""


@dataclass(frozen=True)
class Plan:
    """The stacks to train, in order."""

    stacks: tuple[PlannedStack, ...]
    """First those that an earlier run left unfinished, just as they were; then the largest."""
    resumed: int
    """How many of them an earlier run planned."""
    given_up: tuple[PlannedStack, ...]
    """Recorded stacks of which not every member is wanted any more; the wanted ones are planned
    anew."""


def make_plan(
    missing: Sequence[Plannable],
    recorded: Sequence[PlannedStack],
    *,
    precision: str,
    device: str,
    cores: int,
    gpu_bytes: int | None = None,
) -> Plan:
    """Plan the training of all that is missing.

    Args:
        missing: in the order of the study, without repetition.
        recorded: the unfinished stacks of earlier runs, in their order.
        cores: how many this process may use.
        gpu_bytes: of the GPU's memory, what is free; None where that is unknown or there is none.
    """
    left = {run.key: run for run in missing}
    resumed, given_up = [], []
    for stack in recorded:
        present = [key in left for key in stack.keys]
        if all(present) and (stack.precision, stack.device) == (precision, device):
            resumed.append(stack)
            for key in stack.keys:
                del left[key]
        elif any(present):
            given_up.append(stack)
    groups = _together(list(left.values()), device, cores, gpu_bytes)
    by_work = sorted(groups, key=lambda runs: -sum(run.size.training_flops for run in runs))
    fresh = [
        PlannedStack(
            keys=tuple(run.key for run in runs),
            threads=_threads(runs, len(resumed) + len(groups), device, cores),
            precision=precision,
            device=device,
        )
        for runs in by_work
    ]
    return Plan((*resumed, *fresh), len(resumed), tuple(given_up))


def halves(stack: PlannedStack) -> tuple[PlannedStack, PlannedStack]:
    """Split a stack that could not be trained whole, to see which of its networks can."""
    middle = len(stack.keys) // 2
    first, second = stack.keys[:middle], stack.keys[middle:]
    return (
        PlannedStack(first, stack.threads, stack.precision, stack.device),
        PlannedStack(second, stack.threads, stack.precision, stack.device),
    )


def stack_size(size: Size, device: str, gpu_bytes: int | None = None) -> int:
    """Return how many networks of a size train best together on a kind of device.

    One at the least, whatever memory there is: a stack that turns out too large for it fails, and
    is then tried in halves.
    """
    if device == "cuda":
        room = _GPU_STACK_BYTES
        if gpu_bytes is not None:
            room = min(room, int(_GPU_STACK_SHARE * gpu_bytes))
        return max(1, min(_GPU_LARGEST_STACK, room // size.memory_bytes()))
    return max(1, min(_CPU_LARGEST_STACK, _CPU_STACK_BYTES // size.memory_bytes()))


def _together(
    missing: Sequence[Plannable], device: str, cores: int, gpu_bytes: int | None
) -> list[Sequence[Plannable]]:
    """Divide what is missing into stacks; none is so large that other cores wait for its end."""
    by_kind: dict[tuple, list[Plannable]] = {}
    for run in missing:
        by_kind.setdefault(run.kind, []).append(run)
    share = sum(run.size.training_flops for run in missing) / (cores if device == "cpu" else 1)
    stacks: list[Sequence[Plannable]] = []
    for runs in by_kind.values():
        largest = max(run.size.training_flops for run in runs)
        most = min(stack_size(runs[0].size, device, gpu_bytes), ceil(share / largest))
        stacks += _divide(runs, most)
    return stacks


def _divide(runs: Sequence[Plannable], most: int) -> Iterator[Sequence[Plannable]]:
    """Divide runs of a kind evenly, keeping a seed's together: they share their batches."""
    most = ceil(len(runs) / ceil(len(runs) / most))
    by_seed = sorted(runs, key=lambda run: run.seed)
    stack: list[Plannable] = []
    for _, same_seed in groupby(by_seed, key=lambda run: run.seed):
        for part in _even_parts(list(same_seed), most):
            if len(stack) + len(part) > most:
                yield stack
                stack = []
            stack = [*stack, *part]
    yield stack


def _even_parts(runs: Sequence[Plannable], most: int) -> Iterator[Sequence[Plannable]]:
    """Cut a list into as few parts of at most `most` as can be, as equal as can be."""
    parts = ceil(len(runs) / most)
    for part in range(parts):
        yield runs[part * len(runs) // parts : (part + 1) * len(runs) // parts]


def _threads(runs: Sequence[Plannable], stacks: int, device: str, cores: int) -> int:
    """Return the cores for a stack.

    Stacks side by side on a core each need no synchronisation, which beats one stack on all cores;
    only what is too large, or has no other stack beside it, gets several.
    """
    size = runs[0].size
    if device == "cuda" or size.parameters >= _ALONE_FROM_PARAMETERS:
        return cores
    if stacks < cores and len(runs) * size.step_flops >= _SHARED_FROM_STEP_FLOPS:
        return max(1, cores // stacks)
    return 1


def work(stack: PlannedStack, wanted: Mapping[str, Plannable]) -> int:
    """Return the FLOPs of training a stack."""
    return sum(wanted[key].size.training_flops for key in stack.keys)
