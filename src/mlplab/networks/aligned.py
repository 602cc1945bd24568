"""Stacks of matrices in which every matrix starts at a 64-byte boundary.

Matrix products may sum in another order when an operand is aligned differently. With every matrix
of a stack aligned alike, a network's products do not depend on its place in the stack: the same
bits come out alone, first or last.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

_BOUNDARY = 64


def aligned_stack(
    shape: Sequence[int], dtype: torch.dtype, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """A zeroed (network, row, column) tensor whose every matrix is dense and aligned."""
    networks, rows, columns = shape
    per_boundary = _BOUNDARY // dtype.itemsize
    stride = -(-rows * columns // per_boundary) * per_boundary
    memory = torch.zeros(networks * stride, dtype=dtype, device=device)
    return memory.as_strided((networks, rows, columns), (stride, columns, 1))


def flat(stack: torch.Tensor) -> torch.Tensor:
    """A view of an aligned stack as (network, place), the unused places at its ends included."""
    stride = stack.stride(0)
    return stack.as_strided((len(stack), stride), (stride, 1))


def dense(stack: torch.Tensor) -> torch.Tensor:
    """A view without gaps of a stack of dense matrices, for what computes each value by itself.

    Where torch has two ways of computing a function, one for tensors without gaps, a stack whose
    matrices do not fill their boundaries would else get other last bits than one matrix alone.
    """
    rows, columns = stack.shape[1:]
    is_dense = stack.stride()[1:] == (columns, 1) and stack.stride(0) >= rows * columns
    return flat(stack) if is_dense else stack


def select_networks(stack: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """The stack of the kept networks only, aligned again.

    Args:
        stack: (network, row, column).
        keep: (kept,) int64, places of the networks to keep.
    """
    _, rows, columns = stack.shape
    kept = aligned_stack((len(keep), rows, columns), stack.dtype, stack.device)
    kept.copy_(stack.index_select(0, keep))
    return kept
