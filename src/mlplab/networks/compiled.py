"""Compilation of small kernels for the CPU, by Numba."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property, update_wrapper
from pathlib import Path
from types import ModuleType
from typing import Any


class Compiled:
    """A function as machine code: without Python's lock, so that stacks can train side by side.

    Arithmetic is that of IEEE 754, element by element: nothing is reassociated, and contracted only
    where it says so (`vector_tile.py`).
    Numba is loaded when a network is first computed; who only reads what is recorded needs none.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.machine_code(*arguments)

    @cached_property
    def machine_code(self) -> Callable[..., Any]:
        """What other compiled code can call."""
        import numba

        options = {"nogil": True, "error_model": "numpy", "boundscheck": False}
        try:
            return numba.njit(cache=True, **options)(self._function)
        except RuntimeError:  # nowhere to keep machine code: compile anew in every process
            return numba.njit(**options)(self._function)


def compiled(function: Callable[..., Any]) -> Compiled:
    """Have a function compiled when it is first called."""
    return Compiled(function)


def digest_of(*modules: ModuleType) -> str:
    """A digest of modules' sources, for a compiled function to close over.

    Numba keeps machine code for a function's own file and for what it closes over. Where it is made
    of other files too, this has it made anew when those change.
    """
    files = (Path(str(module.__file__)) for module in modules)
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
