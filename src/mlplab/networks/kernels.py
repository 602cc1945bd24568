"""The compiled loop of `cpp/`: which build of it this processor takes, and how it is called.

Nothing here needs torch, so that commands can tell what is loaded without waiting for it. Functions
of the library are called without the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

BUILT = Path(__file__).parent / "built"
SOURCE = Path(__file__).parents[3] / "cpp"
KINDS = ("avx512", "avx2", "baseline")
"""The best first."""
_NUMBERS = {"baseline": 0, "avx2": 1, "avx512": 2}
CHOICE = "MLPLAB_KERNELS"
"""An environment variable: one of KINDS instead of the best, or "none" for the eager path."""

_address, _int64, _double = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
_FUNCTIONS: dict[str, tuple] = {
    "mlplab_train": (_int64, *[_address] * 4, _int64, _int64, _int64),
    "mlplab_evaluate": (_int64, *[_address] * 4, _int64),
    "mlplab_masks": (None, _address, _int64, _int64, _address),
    "mlplab_digest": (ctypes.c_char_p,),
    "mlplab_runs": (_int64, _int64),
    "mlplab_product": (
        _int64, _address, _address, _int64, _address, _int64, _int64, _int64, _int64, _address
    ),
    "mlplab_sparse_product": (
        _int64, _address, _address, _int64, _int64, _int64, _int64, _address
    ),
    "mlplab_loss": (_double, _address, _address, _address, _int64, _int64, _address, _address),
    "mlplab_update": (None, *[_address] * 4, _int64, _address),
}  # fmt: skip
"""Result and arguments of every function of the library."""


def _struct(*fields: tuple[str, str | np.dtype]) -> np.dtype:
    """A struct of `cpp/interface.h`: names and the type of each, all of eight bytes."""
    return np.dtype([(name, kind) for names, kind in fields for name in names.split()])


_POINTER, _INTEGER, _NUMBER = "u8", "i8", "f8"
SUMS = 5
"""Sums over rows that metrics are made of; classes have the first three."""
METRICS = np.dtype([("rows", _INTEGER), ("sums", _NUMBER, SUMS)])
OBJECTIVE = _struct(
    ("kind", _INTEGER), ("label_map targets weights", _POINTER), ("delta quantile", _NUMBER)
)
SHAPE = _struct(("layers batch", _INTEGER), ("units kernels biases", _POINTER))
DATA = _struct(("inputs", _POINTER), ("is_bfloat16", _INTEGER), ("labels masks", _POINTER))
NETWORK = _struct(
    ("parameters first second train_rows batches constants by_step", _POINTER),
    ("diverged_at", _INTEGER),
    ("seconds", _NUMBER),
    ("diagnostics", _POINTER),
    ("objective", OBJECTIVE),
    ("batch", METRICS),
)
EVALUATION = _struct(
    ("parameters rows", _POINTER),
    ("count", _INTEGER),
    ("logits", _POINTER),
    ("objective", OBJECTIVE),
    ("metrics", METRICS),
)


@dataclass(frozen=True)
class Kernels:
    """Which build is loaded."""

    kind: str | None
    """One of KINDS; None where there is none, and training goes by operations of torch."""
    reason: str
    """Why there is none, or why it is not the best."""
    library: ctypes.CDLL | None = None


@cache
def loaded() -> Kernels:
    """The best build that was compiled and that this processor runs."""
    choice = os.environ.get(CHOICE, "")
    if choice == "none":
        return Kernels(None, f"{CHOICE} is none")
    if choice and choice not in KINDS:
        raise ValueError(f"{CHOICE} is one of {', '.join((*KINDS, 'none'))}, received {choice!r}")
    if not (BUILT / "baseline.so").exists():
        return Kernels(None, "it was not compiled when mlplab was installed")
    if SOURCE.exists() and open_library("baseline").mlplab_digest().decode() != _digest():
        return Kernels(None, "it is older than its source: install mlplab again")
    for kind in (choice,) if choice else KINDS:
        if runs(kind):
            return Kernels(kind, f"chosen by {CHOICE}" if choice else "", open_library(kind))
    return Kernels(None, f"this processor does not run {choice}, which {CHOICE} asks for")


def describe() -> str:
    """The build that is loaded, in words."""
    found = loaded()
    text = found.kind or "none, training goes by operations of torch"
    return f"{text} ({found.reason})" if found.reason else text


def check(status: int) -> None:
    """Raise what a function of the library says went wrong.

    Raises:
        MemoryError: there is not enough memory.
        RuntimeError: torch could not compute a product.
    """
    if status == 1:
        raise MemoryError("not enough memory to train networks of this size")
    if status:
        raise RuntimeError("torch could not compute a matrix product; its message stands above")


@cache
def torch_products() -> ctypes.Array:
    """torch's batched product by its interface for C: three addresses, zero where it has none."""
    import torch

    names = "aoti_torch_cpu_bmm_out", "aoti_torch_create_tensor_from_blob"
    addresses = (ctypes.c_void_p * 3)()
    try:
        functions = ctypes.CDLL(torch._C.__file__)
        found = [
            ctypes.cast(getattr(functions, name), ctypes.c_void_p).value
            for name in (*names, "aoti_torch_delete_tensor_object")
        ]
    except (AttributeError, OSError):
        return addresses
    return (ctypes.c_void_p * 3)(*found)


def runs(kind: str) -> bool:
    """Whether a build was compiled and this processor runs it."""
    if not all((BUILT / f"{one}.so").exists() for one in (kind, "baseline")):
        return False
    return bool(open_library("baseline").mlplab_runs(_NUMBERS[kind]))


@cache
def open_library(kind: str) -> ctypes.CDLL:
    """A build's functions, which must only be called where the processor `runs` it."""
    library = ctypes.CDLL(str(BUILT / f"{kind}.so"))
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(library, name, None)
        if function is not None:  # one that is older than its source may lack it, and is not used
            function.restype, function.argtypes = result, arguments
    return library


def _digest() -> str:
    files = sorted([*SOURCE.glob("*.h"), *SOURCE.glob("*.cpp")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
