"""From what is missing to stacks: which networks train together, on how many cores."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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

_WORTH_HALVING = 0.99
"""A stack in halves shares less; so the end must come this much earlier."""


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

    def within(self, cores: int) -> Plan:
        """The same, no new stack on more cores than one worker has."""
        kept, fresh = self.stacks[: self.resumed], self.stacks[self.resumed :]
        fresh = tuple(replace(stack, threads=min(stack.threads, cores)) for stack in fresh)
        return replace(self, stacks=(*kept, *fresh))


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
    cores = on.cores if on.device == "cpu" else 1
    groups = _balanced(_together(list(left.values()), room, cores), on)
    fresh = [
        PlannedStack(
            keys=tuple(run.key for run in runs),
            threads=_threads(runs, len(resumed) + len(groups), on),
            precision=on.precision,
            device=on.device,
        )
        for runs in groups
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


def _balanced(groups: Sequence[Sequence[Plannable]], on: Placement) -> list[Sequence[Plannable]]:
    """The stacks by work, with what would end last in halves while that brings the end forward.

    Else the other cores would stand idle at the end for up to the time of a whole stack.
    """
    stacks = sorted(groups, key=_work_of, reverse=True)
    end, last = _last_to_end(stacks, on)
    while len(last) > 1:
        middle = len(last) // 2
        others = [runs for runs in stacks if runs is not last]
        tried = sorted([*others, last[:middle], last[middle:]], key=_work_of, reverse=True)
        earlier, last = _last_to_end(tried, on)
        if earlier > _WORTH_HALVING * end:
            break
        stacks, end = tried, earlier
    return stacks


def _last_to_end(
    stacks: Sequence[Sequence[Plannable]], on: Placement
) -> tuple[float, Sequence[Plannable]]:
    """When the last of stacks that are begun in this order ends, in FLOPs a core, and which."""
    foreseen = [(float(_work_of(runs)), _threads(runs, len(stacks), on)) for runs in stacks]
    ends = side_by_side(foreseen, on.cores if on.device == "cpu" else 1)
    return max(zip(ends, stacks, strict=True), key=lambda one: one[0], default=(0.0, ()))


def side_by_side(stacks: Sequence[tuple[float, int]], cores: int) -> list[float]:
    """Return when each of some (seconds, threads) ends, started in order on so many cores."""
    free, ends = [0.0] * cores, []
    for seconds, threads in stacks:
        taken = [heapq.heappop(free) for _ in range(min(threads, cores))]
        ends.append(taken[-1] + seconds)
        for _ in taken:
            heapq.heappush(free, ends[-1])
    return ends


def _work_of(runs: Sequence[Plannable]) -> int:
    return sum(run.size.training_flops for run in runs)


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
