"""From what is missing to stacks: which networks train together, on how many cores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from typing import Protocol

from mlplab.declarations.resolving.size import Size
from mlplab.records.stacks import PlannedStack
from mlplab.runner.environment import Placement
from mlplab.runner.stack_room import StackRoom

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
    on: Placement,
    room: StackRoom,
) -> Plan:
    """Plan the training of all that is missing.

    Args:
        missing: in the order of the study, without repetition.
        recorded: the unfinished stacks of earlier runs, in their order.
        on: where training computes, and how.
        room: the limits of a stack on this device.
    """
    left = {run.key: run for run in missing}
    resumed, given_up = [], []
    for stack in recorded:
        present = [key in left for key in stack.keys]
        if all(present) and (stack.precision, stack.device) == (on.precision, on.device):
            resumed.append(stack)
            for key in stack.keys:
                del left[key]
        elif any(present):
            given_up.append(stack)
    groups = _together(list(left.values()), room, on.cores if on.device == "cpu" else 1)
    by_work = sorted(groups, key=lambda runs: -sum(run.size.training_flops for run in runs))
    fresh = [
        PlannedStack(
            keys=tuple(run.key for run in runs),
            threads=_threads(runs, len(resumed) + len(groups), on),
            precision=on.precision,
            device=on.device,
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


def _together(
    missing: Sequence[Plannable], room: StackRoom, side_by_side: int
) -> list[Sequence[Plannable]]:
    """Divide what is missing into stacks; none is so large that other cores wait for its end."""
    by_kind: dict[tuple, list[Plannable]] = {}
    for run in missing:
        by_kind.setdefault(run.kind, []).append(run)
    share = sum(run.size.training_flops for run in missing) / side_by_side
    stacks: list[Sequence[Plannable]] = []
    for runs in by_kind.values():
        largest = max(run.size.training_flops for run in runs)
        most = min(room.holds(runs[0].size), ceil(share / largest))
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


def _threads(runs: Sequence[Plannable], stacks: int, on: Placement) -> int:
    """Return the cores for a stack.

    Stacks side by side on a core each need no synchronisation, which beats one stack on all cores;
    only what is too large, or has no other stack beside it, gets several.
    """
    size = runs[0].size
    if on.device == "cuda" or size.parameters >= _ALONE_FROM_PARAMETERS:
        return on.cores
    if stacks < on.cores and len(runs) * size.step_flops >= _SHARED_FROM_STEP_FLOPS:
        return max(1, on.cores // stacks)
    return 1


def work(stack: PlannedStack, wanted: Mapping[str, Plannable]) -> int:
    """Return the FLOPs of training a stack."""
    return sum(wanted[key].size.training_flops for key in stack.keys)
