"""bfloat16 in compiled code: float32 from its bits, and its bits from float32.

NumPy and Numba have no such type, so arrays of it are seen as uint16. What is said of bits here
holds for unsigned integers only; numbers of other types are themselves, so that one kernel serves
all precisions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload, register_jitable


def widened(of: Any) -> Any:
    """float32 from the bits of a bfloat16, which are its upper half; any other number as it is."""
    raise NotImplementedError("for compiled code only")


def narrowed(value: Any, like: Any) -> Any:
    """The bits of the bfloat16 nearest to a float32 where `like` are such; else the value."""
    raise NotImplementedError("for compiled code only")


@overload(widened)
def _widened(of):  # numba compares signatures: no annotations
    if isinstance(of, types.Integer):
        return lambda of: np.uint32(np.uint32(of) << np.uint32(16)).view(np.float32)
    return lambda of: of


@overload(narrowed)
def _narrowed(value, like):
    if isinstance(like, types.Integer):
        return lambda value, like: _rounded(value)
    return lambda value, like: value


@register_jitable
def _rounded(value: Any) -> Any:
    """Of two that are equally near the even one; NaN stays NaN."""
    own = np.float32(value).view(np.uint32)
    odd = (own >> np.uint32(16)) & np.uint32(1)
    nearest = np.uint16((own + np.uint32(0x7FFF) + odd) >> np.uint32(16))
    return nearest if value == value else np.uint16(0x7FC0)
