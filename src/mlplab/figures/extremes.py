"""Which is the largest and which the smallest, where values differ as they are printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


def extremes(
    values: Mapping[str, float], printed: Callable[[float], str]
) -> tuple[list[str], list[str]] | None:
    """The names of the largest and of the smallest values, several where they are printed alike.

    None where all values are printed alike, so that no superlative is told of ties.
    """
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    if not finite:
        return None
    high, low = (printed(end(finite.values())) for end in (max, min))
    if high == low:
        return None
    return (
        [name for name, value in finite.items() if printed(value) == high],
        [name for name, value in finite.items() if printed(value) == low],
    )
