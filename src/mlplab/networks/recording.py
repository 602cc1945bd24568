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
    TURN = auto()
    ADD_BIAS = auto()
    GO_BACK = auto()
    CROSS_ENTROPY = auto()
    NOTE_DIVERGENCE = auto()
    UPDATE = auto()
    UPDATE_WITH_OPERAND = auto()


class Recording:
    """Entries in their order, and hold of the tensors that they multiply."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, ...]] = []
        self._handles: list[Any] = []
        self._kept: list[Any] = []

    def add(self, operation: Operation, *numbers: int) -> None:
        """Write an operation down, with addresses and sizes."""
        self._entries.append((operation, *numbers, *[0] * (LONGEST - 1 - len(numbers))))

    def multiply(self, out: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> None:
        """Write a batched product down."""
        self.add(Operation.MULTIPLY, *(self._handle(tensor) for tensor in (out, left, right)))

    def keep(self, memory: Any) -> None:
        """Have what an address points to live as long as the recording."""
        self._kept.append(memory)

    @property
    def entries(self) -> np.ndarray:
        """(entry, LONGEST) int64."""
        return np.array(self._entries, dtype=np.int64).reshape(-1, LONGEST)

    def _handle(self, tensor: torch.Tensor) -> int:
        handle = torch._C._aoti.unsafe_alloc_void_ptr_from_tensor(tensor)
        self._handles.append(handle)
        return _pointer_in(handle)

    def __del__(self) -> None:
        for handle in self._handles:
            torch._C._aoti.alloc_tensor_by_stealing_from_void_ptr(handle)


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

    It is a part of torch's stable interface for C, which compiled models use. None: this torch has
    none, and nothing can be recorded.
    """
    try:
        function = ctypes.CDLL(torch._C.__file__).aoti_torch_cpu_bmm_out
        torch._C._aoti.unsafe_alloc_void_ptr_from_tensor  # noqa: B018
    except (AttributeError, OSError):
        return None
    return ctypes.cast(function, ctypes.c_void_p).value


def _pointer_in(capsule: Any) -> int:
    api = ctypes.pythonapi
    name, pointer = api.PyCapsule_GetName, api.PyCapsule_GetPointer
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer(capsule, name(capsule)))
