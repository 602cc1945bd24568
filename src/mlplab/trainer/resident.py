"""The data set as it lies on the device for as long as training lasts."""

from __future__ import annotations

import numpy as np
import torch

from mlplab.networks.precision import Precision

_DENSEST = 0.25
"""Share of numbers that are not zero. Above it, the zeros of four rows hardly fall together."""


class ResidentData:
    """All rows of a set in one tensor; batches are gathered from it by row number.

    Args:
        inputs: (row, feature).
        labels: (row,) int64, the class of each row as the set numbers it.
        precision: that of the products, float32 or bfloat16.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        precision: str = "float32",
        device: torch.device | str = "cpu",
    ) -> None:
        self.precision = Precision.of(precision, device)
        on_device = torch.from_numpy(np.ascontiguousarray(inputs)).to(device)
        self.inputs = self.precision.operand(on_device)
        self.labels = labels
        self.sparse = _mostly_zeros(self.inputs)
        """Whether the inputs are mostly zeros, which products then pass over."""

    @property
    def device(self) -> torch.device:
        """Where the rows lie."""
        return self.inputs.device

    def gather(self, rows: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        """The inputs of (set, row) row numbers, written into (set, row, feature) memory."""
        torch.index_select(self.inputs, 0, rows.reshape(-1), out=out.view(-1, out.shape[2]))
        return out

    def memory(self, sets: int, rows: int) -> torch.Tensor:
        """Memory to gather into, (set, row, feature)."""
        return self.inputs.new_empty(sets, rows, self.inputs.shape[1])

    def synchronise(self) -> None:
        """Wait until the device has done all it was asked, so that a clock can be read."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _mostly_zeros(inputs: torch.Tensor) -> bool:
    """Told from the whole set: what is chosen may not depend on a batch, or on who trains."""
    able = inputs.device.type == "cpu" and inputs.dtype == torch.float32
    return able and bool(torch.count_nonzero(inputs) <= _DENSEST * inputs.numel())
