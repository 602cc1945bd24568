"""Networks that can be trained as one, in stacks of nearly equal size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from benchmarks.job import Member

Shape = tuple[int, ...]


def stacks_of(
    members: Sequence[Member], largest: int, shape_of: Callable[[Shape], Shape] = tuple
) -> list[list[Member]]:
    """Members of one shape and optimizer together, at most so many in a stack.

    shape_of: makes of a network's layers those that it has in its stack.
    """
    groups: dict[tuple, list[Member]] = {}
    for member in members:
        groups.setdefault((shape_of(member.layers), member.optimizer), []).append(member)
    return [stack for group in groups.values() for stack in _cut(group, largest)]


def _cut(group: list[Member], largest: int) -> list[list[Member]]:
    count = -(-len(group) // largest)
    ends = [place * len(group) // count for place in range(count + 1)]
    return [group[start:end] for start, end in pairwise(ends)]
