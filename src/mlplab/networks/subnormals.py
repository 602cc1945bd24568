"""Numbers too small to be normal are zero in training, as they are on most accelerators.

Where a unit has died its gradient is zero, and Adam's mean of gradients halves every seven steps
until, after some 830, it is below 1.2e-38: a subnormal number, for which a processor takes a
hundred times as long, and which rounding then keeps from ever becoming zero. A step of ten layers
took twice as long from there on. Weights do not feel such numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

_DIVIDED = 2**18
"""Numbers of which torch leaves some to other threads."""


@contextmanager
def subnormals_as_zero() -> Iterator[None]:
    """Within it, this thread reads subnormal numbers as zero and rounds to zero what would be one.

    Threads among which torch divides an operation do not. A processor that cannot goes on as it
    was. The compiled loop does so by itself.
    """
    before = subnormals_are_zero()
    _begin_threads()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def subnormals_are_zero() -> bool:
    """Whether that is so in this thread now."""
    with np.errstate(under="ignore"):
        return bool(np.float32(2.0**-126) * np.float32(0.5) == 0)


def _begin_threads() -> None:
    """Have torch begin this thread's others now: begun later they would keep the mode for ever."""
    if torch.get_num_threads() > 1:
        torch.zeros(_DIVIDED).add_(1)
