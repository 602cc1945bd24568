"""float32 products that are float32, by the quicker of the libraries that torch has for the CPU.

torch multiplies float32 matrices with MKL, which on processors with AVX-512 that are not Intel's
keeps to narrower registers: half the speed of oneDNN, measured on AMD's Zen 5 (112 GFLOP/s a core
against 255). torch asks oneDNN for them only where it may also round operands to bfloat16. oneDNN
makes use of that leave where a processor has AMX, and computes in float32 elsewhere. So leave is
given only without AMX, and only after a look at what comes of it.

A program around this one may have allowed torch less than float32, with
`set_float32_matmul_precision` or a setting of its own: bfloat16 on a CPU, TF32 on a GPU. Training
takes no such leave, nor that of adding up parts of bfloat16 products in bfloat16, which torch gives
GPUs by itself: what a study says of its precision holds whoever calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import torch

_LEAVE = "bf16"
_FLOAT32 = ("ieee", "none")
"""What torch calls it; none: nobody has asked for anything else."""
_PROBED = ((2, 64, 96, 48), (1, 256, 784, 128), (4, 100, 10, 256))
"""Shapes (matrices, rows, middle, columns) of the look."""
_TOLERANCE = 1e-5
"""Of a product's largest value: float32 keeps within 1e-6, bfloat16 is off by 1e-3."""

Setting = tuple[Any, str, Any]
"""A part of `torch.backends`, a name in it, and a value."""

_users = 0
_before: list[Setting] = []
_lock = Lock()


@contextmanager
def fast_float32_products() -> Iterator[None]:
    """Within it, torch's float32 products are float32, and on the CPU as fast as they can be.

    What torch was set to comes back when the last of those that are within it leaves.
    """
    global _users
    with _lock:
        if not _users:
            # The look changes a setting for a moment, so nobody may multiply by it meanwhile.
            for part, name, value in _wanted():
                _before.append((part, name, getattr(part, name)))
                setattr(part, name, value)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            while not _users and _before:
                setattr(*_before.pop())


def _wanted() -> list[Setting]:
    """What is to be otherwise than it is.

    All in the newer of torch's two sets of names: it answers in the older one only where that and
    the newer have come to the same, and the user's program may have used either.
    """
    cpu, gpu = torch.backends.mkldnn.matmul, torch.backends.cuda.matmul  # type: ignore[attr-defined]
    wanted: list[Setting] = [
        (part, "fp32_precision", "ieee")
        for part in (cpu, gpu)
        if part.fp32_precision not in _FLOAT32
    ]
    if onednn_is_quicker_and_exact():
        wanted.append((cpu, "fp32_precision", _LEAVE))
    wanted.append((gpu, "allow_bf16_reduced_precision_reduction", False))
    return wanted


@cache
def onednn_is_quicker_and_exact() -> bool:
    """Whether oneDNN, given leave, is the better library for float32 products on this CPU."""
    able = torch.cpu.get_capabilities()
    name = str(able.get("cpu_name", ""))
    has_amx = any(able.get(f"amx_{kind}", False) for kind in ("tile", "bf16", "fp16", "int8"))
    if not able.get("avx512_f") or has_amx or "intel" in name.lower():
        return False
    setting = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = setting.fp32_precision
    try:
        setting.fp32_precision = _LEAVE
        return all(_keeps_float32(*shape) for shape in _PROBED)
    finally:
        setting.fp32_precision = before


def _keeps_float32(matrices: int, rows: int, middle: int, columns: int) -> bool:
    """Whether products of numbers that bfloat16 cannot hold come out as float32 makes them."""
    draw = torch.Generator().manual_seed(0)
    left = torch.rand(matrices, rows, middle, generator=draw)
    right = torch.rand(matrices, middle, columns, generator=draw)
    exact = left.double() @ right.double()
    return bool((torch.bmm(left, right) - exact).abs().max() <= _TOLERANCE * exact.max())
