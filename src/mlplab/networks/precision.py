"""The precision of products; weights, moments and sums are never kept in less than float32.

bfloat16 keeps the range of float32 and eight bits of its mantissa. Where the hardware multiplies
it fast, operands lie in memory as bfloat16. Where it does not (torch is then slower than float32
by orders of magnitude), operands are rounded to bfloat16 and multiplied in float32: the products
of the same numbers, at the speed of float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}


@dataclass(frozen=True)
class Precision:
    """How operands of products lie in memory, and whether they are rounded beforehand."""

    dtype: torch.dtype
    """Of operands in memory."""
    rounds: bool = False
    """Whether they are rounded to bfloat16 though they lie in a wider type."""

    @classmethod
    def of(cls, name: str, device: torch.device | str = "cpu") -> Precision:
        """The precision that "float32", "bfloat16" or (for tests) "float64" means on a device.

        Raises:
            ValueError: another name.
        """
        if name not in _DTYPES:
            raise ValueError(f"a precision is one of {', '.join(_DTYPES)}, got {name!r}")
        if name == "bfloat16" and not has_fast_bfloat16(device):
            return cls(torch.float32, rounds=True)
        return cls(_DTYPES[name])

    def operand(self, values: torch.Tensor) -> torch.Tensor:
        """The values as an operand."""
        return values.bfloat16().to(self.dtype) if self.rounds else values.to(self.dtype)

    def round_(self, values: torch.Tensor) -> None:
        """Round, in place, what has been computed and will be an operand."""
        if self.rounds:
            values.copy_(values.bfloat16())


def has_fast_bfloat16(device: torch.device | str) -> bool:
    """Whether a device multiplies bfloat16 matrices faster than float32 ones."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("amx_bf16") or abilities.get("avx512_bf16") or abilities.get("bf16"))
