"""Batched matrix products, computed the way round that libraries do fast."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mlplab.networks.aligned import aligned_stack, as_array, flat
from mlplab.networks.recording import Operation, being_recorded

_NARROW = 16
"""Columns that a kernel of a CPU library computes at once."""
_SMALL = 16**3
"""Multiplications in a batch up to which torch does not ask oneDNN."""


def product(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """left (network, row, middle) · right (network, middle, column), written to `out`.

    torch takes another library for a batch of very few multiplications than for a longer batch of
    the same matrices, and the two differ in last bits. Very short batches are therefore computed
    several times over, so that one library serves stacks of any size.
    """
    if (written := being_recorded()) is not None:
        written.multiply(out, left, right)
        return out
    multiplications = out.numel() * left.shape[2]
    if left.device.type == "cuda" or not is_small(multiplications):
        return torch.bmm(left, right, out=out)
    times = _SMALL // multiplications + 1
    repeated = torch.bmm(left.repeat(times, 1, 1), right.repeat(times, 1, 1))
    return out.copy_(repeated[: len(out)])


def is_small(multiplications: int) -> bool:
    """Whether a product of so many is computed several times over."""
    return 0 < multiplications <= _SMALL


class Product:
    """Memory of a product (network, row, column), and how it is best computed.

    Libraries compute a product in blocks as wide as some vector registers. Of ten columns, the
    outputs of a network of ten classes, they make a poor job: x·W then runs at a third of its
    speed and xᵀ·g at a fifth. (Wᵀ·xᵀ)ᵀ is the same sums with the short side as rows; turning the
    small result around costs next to nothing. Only a thread that works alone does so: several that
    share a product may divide the sums of such a one, and divide them otherwise in another stack.
    """

    def __init__(
        self, shape: Sequence[int], dtype: torch.dtype, device: torch.device | str
    ) -> None:
        networks, rows, columns = shape
        self.result = aligned_stack(shape, dtype, device)
        alone = torch.device(device).type == "cpu" and torch.get_num_threads() == 1
        turns = alone and columns < _NARROW < rows
        self._turned = aligned_stack((networks, columns, rows), dtype, device) if turns else None

    def of(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """(network, row, middle) · (network, middle, column), in this memory."""
        if self._turned is None:
            return product(left, right, self.result)
        product(right.transpose(1, 2), left.transpose(1, 2), self._turned)
        if (written := being_recorded()) is not None:
            result, turned = as_array(flat(self.result)), as_array(flat(self._turned))
            places = written.places(result, turned)
            strides = result.shape[1], turned.shape[1]
            written.add(Operation.TURN, *places, *strides, *self.result.shape)
            return self.result
        return self.result.copy_(self._turned.transpose(1, 2))
