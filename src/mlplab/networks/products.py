"""Batched matrix products of the eager path."""

from __future__ import annotations

import torch

_SMALL = 16**3
"""Multiplications in a batch up to which torch does not ask oneDNN."""


def batched_matmul(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """left (network, row, middle) · right (network, middle, column), written to `out`.

    torch takes another library for a batch of very few multiplications than for a longer batch of
    the same matrices, and the two differ in last bits. Very short batches are therefore computed
    several times over, so that one library serves stacks of any size.
    """
    multiplications = out.numel() * left.shape[2]
    if left.device.type == "cuda" or not 0 < multiplications <= _SMALL:
        return torch.bmm(left, right, out=out)
    times = _SMALL // multiplications + 1
    repeated = torch.bmm(left.repeat(times, 1, 1), right.repeat(times, 1, 1))
    return out.copy_(repeated[: len(out)])
