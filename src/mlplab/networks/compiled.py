"""Compilation of small kernels for the CPU, by Numba."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code: without Python's lock, so that stacks can train side by side.

    Arithmetic is that of IEEE 754, element by element: nothing is reassociated or contracted.
    Numba is loaded when a network is first computed; who only reads what is recorded needs none.
    """
    machine_code = cache(lambda: _machine_code(function))

    @wraps(function)
    def call(*arguments: Any) -> Any:
        return machine_code()(*arguments)

    return call


def _machine_code(function: Callable[..., Any]) -> Callable[..., Any]:
    import numba

    options = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to keep machine code: compile anew in every process
        return numba.njit(**options)(function)
