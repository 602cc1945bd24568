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


@contextmanager
def subnormals_as_zero() -> Iterator[None]:
    """Within it, this thread reads subnormal numbers as zero and rounds to zero what would be one.

    Threads that torch begins from it do so too. A processor that cannot goes on as it was.
    """
    before = subnormals_are_zero()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def subnormals_are_zero() -> bool:
    """Whether that is so in this thread now."""
    smallest = np.float32(2.0**-126)
    return bool(smallest * np.float32(0.5) == 0)
