"""The precision of products; weights, moments and sums are never kept in less than float32."""

from __future__ import annotations

import torch

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}


def product_dtype(name: str, device: torch.device | str = "cpu") -> torch.dtype:
    """The type of products' operands that "float32", "bfloat16" or (for tests) "float64" means.

    Raises:
        ValueError: another name; or bfloat16 on a device that has no fast one: torch multiplies it
            there slower than float32 by orders of magnitude.
    """
    if name not in _DTYPES:
        raise ValueError(f"a precision is one of {', '.join(_DTYPES)}, received {name!r}")
    if name == "bfloat16" and not has_fast_bfloat16(device):
        raise ValueError(f"{device} multiplies no bfloat16 matrices faster than float32 ones")
    return _DTYPES[name]


def has_fast_bfloat16(device: torch.device | str) -> bool:
    """Whether a device multiplies bfloat16 matrices faster than float32 ones."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("amx_bf16") or abilities.get("avx512_bf16") or abilities.get("bf16"))
