"""A step written down instead of done, so that compiled code can do it, again and again, by itself.

A step is some fifty small operations. Called one by one from Python, threads that train side by
side wait for its lock after each of them. So what computes on the CPU asks here whether it is to be
done or to be written down: an entry says what is done, to which memory. That memory stays where
it is from step to step.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, auto
from functools import cache
from typing import Any

import numpy as np
import torch

LONGEST = 13
"""Numbers of an entry, the operation itself among them."""

_thread = threading.local()


class Operation(IntEnum):
    """What can be written down; compiled code knows each by its number."""

    MULTIPLY = auto()
    MULTIPLY_SPARSE = auto()
    MULTIPLY_SPARSE_TRANSPOSED = auto()
    TURN = auto()
    ADD_BIAS = auto()
    GO_BACK = auto()
    CROSS_ENTROPY = auto()
    NOTE_DIVERGENCE = auto()
    UPDATE = auto()
    UPDATE_WITH_OPERAND = auto()


class Recording:
    """Entries in their order, and hold of all memory that they speak of."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, ...]] = []
        self._handles: list[int] = []
        self._arrays: list[np.ndarray] = []
        self._let_go = _functions_for_c().aoti_torch_delete_tensor_object
        self._let_go.argtypes = [ctypes.c_void_p]

    def add(self, operation: Operation, *numbers: int) -> None:
        """Write an operation down, with addresses and sizes."""
        self._entries.append((operation, *numbers, *[0] * (LONGEST - 1 - len(numbers))))

    def multiply(self, out: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> None:
        """Write a batched product down."""
        self.add(Operation.MULTIPLY, *(self._handle(tensor) for tensor in (out, left, right)))

    def places(self, *arrays: np.ndarray) -> tuple[int, ...]:
        """Addresses of arrays, which live as long as the recording from now on."""
        self._arrays.extend(arrays)
        return tuple(array.ctypes.data for array in arrays)

    @property
    def entries(self) -> np.ndarray:
        """(entry, LONGEST) int64."""
        return np.array(self._entries, dtype=np.int64).reshape(-1, LONGEST)

    def _handle(self, tensor: torch.Tensor) -> int:
        handle = _pointer_in(torch._C._aoti.unsafe_alloc_void_ptr_from_tensor(tensor))
        self._handles.append(handle)
        return handle

    def __del__(self) -> None:
        # Not `alloc_tensor_by_stealing_from_void_ptr`, which keeps the tensor's memory for ever.
        for handle in self._handles:
            self._let_go(handle)


def being_recorded() -> Recording | None:
    """Where this thread's operations are to be written down; None: they are to be done."""
    return getattr(_thread, "recording", None)


@contextmanager
def recording() -> Iterator[Recording]:
    """Within it, operations of this thread are written down, and not done."""
    _thread.recording = Recording()
    try:
        yield _thread.recording
    finally:
        _thread.recording = None


@cache
def address_of_products() -> int | None:
    """Where torch's batched product starts, (out, left, right) by their handles → 0 if all is well.

    None: this torch has not all that is needed of its interface for C, and nothing is recorded.
    """
    try:
        functions = _functions_for_c()
        functions.aoti_torch_delete_tensor_object  # noqa: B018
        torch._C._aoti.unsafe_alloc_void_ptr_from_tensor  # noqa: B018
        return ctypes.cast(functions.aoti_torch_cpu_bmm_out, ctypes.c_void_p).value
    except (AttributeError, OSError):
        return None


@cache
def _functions_for_c() -> ctypes.PyDLL:
    """torch's stable interface for C, which compiled models use."""
    return ctypes.PyDLL(torch._C.__file__)


def _pointer_in(capsule: Any) -> int:
    return int(_pointer(capsule, _name(capsule)))


# Prototypes of our own: those that `ctypes.pythonapi` hands out are shared with all who change them.
_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
    ("PyCapsule_GetName", ctypes.pythonapi)
)
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
