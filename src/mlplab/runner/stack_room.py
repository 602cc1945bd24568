"""How large a stack may be on this device before a larger one is no faster.

A larger stack shares the cost of calling an operation among more networks, until its weights and
moments no longer stay in the caches. Where that is differs from processor to processor, so it is
measured: a few steps of one shape in stacks of growing size, once on a machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mlplab.declarations.resolving.size import Size
from mlplab.runner.environment import Placement, gpu_bytes
from mlplab.runner.rates import seconds_a_step_on_every_core
from mlplab.runner.remembered import recall, remember

_USUAL_CPU_BYTES = 48 * 2**20
"""Within a tenth of the best on the two kinds of processor that were measured at length."""
_CPU_LARGEST_STACK = 64
_CPU_ALONE_FROM_STEP_FLOPS = 1e9
"""A network of this much work a step is as fast alone as in company, where the cost of calling an
operation counts; and of small pieces of work every core has its share until the end."""
_GPU_LARGEST_STACK = 512
_GPU_BYTES = 16 * 2**30
_GPU_PARTS = 3
"""Of a GPU's memory a stack gets one part of so many: while networks leave it, the old stack and
the smaller new one are there at once, beside the data and each operation's own results."""

_REMEMBERED, _BYTES = "stack-room", "memory_bytes"
_WORTH_MEASURING_FLOPS = 2e12
"""With less to train, the measurement, about 1.5 s, costs more than it can save."""
_MEASURED = Size((784, 256, 512, 10), 256, 1)
_MEASURED_STACKS = (2, 4, 8, 16, 32)
_STEPS = 2
_HARDLY_SLOWER = 1.04
"""Of stacks this near to the fastest the smallest is taken: more of them keep all cores busy."""


@dataclass(frozen=True)
class StackRoom:
    """The limits of a stack."""

    memory_bytes: int
    """What a stack may touch at every step."""
    networks: int
    """However small they are."""
    alone_from_step_flops: float = math.inf
    """A network of so much work a step trains by itself."""

    def holds(self, size: Size) -> int:
        """Return how many networks of a size a stack may have.

        One at the least, whatever memory there is: a stack that turns out too large for it fails,
        and is then tried in halves.
        """
        if size.step_flops >= self.alone_from_step_flops:
            return 1
        return max(1, min(self.networks, self.memory_bytes // size.memory_bytes()))


def room_on_cpu(memory_bytes: int = _USUAL_CPU_BYTES) -> StackRoom:
    """Return the limits on a CPU, by default those of a usual one."""
    return StackRoom(memory_bytes, _CPU_LARGEST_STACK, _CPU_ALONE_FROM_STEP_FLOPS)


def room_on_gpu(total_bytes: int | None) -> StackRoom:
    """Return the limits on a GPU with so many bytes in all; None where that is unknown.

    What is free just now plays no part, so that a study is planned the same every time.
    """
    memory = _GPU_BYTES if total_bytes is None else min(_GPU_BYTES, total_bytes // _GPU_PARTS)
    return StackRoom(memory, _GPU_LARGEST_STACK)


def stack_room(on: Placement, *, flops: int) -> StackRoom:
    """Return the limits of stacks on this machine.

    Args:
        flops: of all that is to be trained, which tells whether a measurement is worth its time.
    """
    if on.device == "cuda":
        return room_on_gpu(gpu_bytes(on.device))
    known = recall(_REMEMBERED, [_BYTES], on)
    if known is None and flops < _WORTH_MEASURING_FLOPS:
        return room_on_cpu()
    if known is None:
        known = {_BYTES: _measured_bytes(on)}
        remember(_REMEMBERED, known, on)
    return room_on_cpu(int(known[_BYTES]))


def _measured_bytes(on: Placement) -> int:
    seconds = {
        networks: seconds_a_step_on_every_core(_MEASURED, on, networks=networks, steps=_STEPS)
        / networks
        for networks in _MEASURED_STACKS
    }
    return smallest_near_the_best(seconds) * _MEASURED.memory_bytes()


def smallest_near_the_best(seconds: Mapping[int, float]) -> int:
    """Return the smallest of stacks that is hardly slower than the fastest.

    Args:
        seconds: of a step and network, by the number of networks in the stack.
    """
    limit = _HARDLY_SLOWER * min(seconds.values())
    return min(networks for networks, needed in seconds.items() if needed <= limit)
