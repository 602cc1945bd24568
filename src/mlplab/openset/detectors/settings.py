"""Checks of a detector's settings, each a clear sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real

from mlplab.openset.errors import refuse


def check_number(detector: str, setting: str, value: object, low: float, high: float) -> None:
    """A finite number with low < value <= high."""
    fine = isinstance(value, Real) and not isinstance(value, bool) and low < float(value) <= high
    if not fine or math.isinf(float(value)):  # type: ignore[arg-type]
        bounds = f"above {low:g}" + ("" if math.isinf(high) else f" and at most {high:g}")
        refuse(f"{detector}, {setting}", f"a number {bounds}", repr(value))


def check_count(detector: str, setting: str, value: object) -> None:
    """A whole number of at least one."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        refuse(f"{detector}, {setting}", "a whole number of at least 1", repr(value))


def check_flag(detector: str, setting: str, value: object) -> None:
    """True or false."""
    if not isinstance(value, bool):
        refuse(f"{detector}, {setting}", "true or false", repr(value))


def check_choice(detector: str, setting: str, value: object, choices: Iterable[str]) -> None:
    """One of the named choices."""
    listed = tuple(choices)
    if value not in listed:
        refuse(f"{detector}, {setting}", f"one of {', '.join(listed)}", repr(value))
