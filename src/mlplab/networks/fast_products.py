"""float32 products by the quicker of the two libraries that torch brings for the CPU.

torch multiplies float32 matrices with MKL, which on processors with AVX-512 that are not Intel's
keeps to narrower registers: half the speed of oneDNN, measured on AMD's Zen 5 (112 GFLOP/s a core
against 255). torch asks oneDNN for them only where it may also round operands to bfloat16. oneDNN
makes use of that leave where a processor has AMX, and computes in float32 elsewhere. So leave is
given only without AMX, and only after a look at what comes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock

import torch

_LEAVE = "bf16"
_PROBED = ((2, 64, 96, 48), (1, 256, 784, 128), (4, 100, 10, 256))
"""Shapes (matrices, rows, middle, columns) of the look."""
_TOLERANCE = 1e-5
"""Of a product's largest value: float32 keeps within 1e-6, bfloat16 is off by 1e-3."""

_users = 0
_before = "none"
_lock = Lock()


@contextmanager
def fast_float32_products() -> Iterator[None]:
    """Within it, torch's float32 products on the CPU are as fast as they can be, and float32.

    What torch was set to comes back when the last of those that are within it leaves.
    """
    global _users, _before
    setting = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    with _lock:
        # The look changes the setting for a moment, so nobody may multiply by it meanwhile.
        quicker = onednn_is_quicker_and_exact()
        if quicker and _users == 0:
            _before, setting.fp32_precision = setting.fp32_precision, _LEAVE
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if quicker and _users == 0:
                setting.fp32_precision = _before


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
