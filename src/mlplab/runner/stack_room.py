"""How large a stack may be on this device.

On a CPU the compiled loop trains one network after the other; a stack is what a thread is given at
once, so that Python and the records are called for many small networks together. Where networks
train eagerly, a stack shares the cost of calling an operation. On a GPU it fills the device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mlplab.declarations.resolving.size import Size
from mlplab.runner.environment import Placement, gpu_bytes

_CPU_BYTES = 48 * 2**20
"""Within a tenth of the best for eager stacks on the two kinds of processor that were measured."""
_CPU_LARGEST_STACK = 256
_CPU_ALONE_FROM_STEP_FLOPS = 1e8
"""A step of this much work, about a millisecond, is as fast alone, and a network that is recorded
by itself need not be trained again after an interruption."""
_GPU_LARGEST_STACK = 512
_GPU_BYTES = 16 * 2**30
_GPU_PARTS = 3
"""Of a GPU's memory a stack gets one part of so many: while networks leave it, the old stack and
the smaller new one are there at once, beside the data and each operation's own results."""


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


def room_on_cpu() -> StackRoom:
    """Return the limits on a CPU."""
    return StackRoom(_CPU_BYTES, _CPU_LARGEST_STACK, _CPU_ALONE_FROM_STEP_FLOPS)


def room_on_gpu(total_bytes: int | None) -> StackRoom:
    """Return the limits on a GPU with so many bytes in all; None where that is unknown.

    What is free just now plays no part, so that a study is planned the same every time.
    """
    memory = _GPU_BYTES if total_bytes is None else min(_GPU_BYTES, total_bytes // _GPU_PARTS)
    return StackRoom(memory, _GPU_LARGEST_STACK)


def stack_room(on: Placement) -> StackRoom:
    """Return the limits of stacks on this machine."""
    return room_on_gpu(gpu_bytes(on.device)) if on.device == "cuda" else room_on_cpu()
