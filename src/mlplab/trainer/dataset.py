"""The data set as it lies on the device for as long as training lasts."""

from __future__ import annotations

import numpy as np
import torch

from mlplab.networks import kernels
from mlplab.networks.precision import product_dtype

_DENSEST = 0.5
"""Share of the features that four rows have between them, up to which zeros are passed over."""
_GROUPS = 1024
"""Of four rows, by which a set is judged."""


class DeviceDataset:
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
        on_device = torch.from_numpy(np.ascontiguousarray(inputs)).to(device)
        self.inputs = on_device.to(product_dtype(precision, device)).contiguous()
        self.labels = np.ascontiguousarray(labels, dtype=np.int64)
        self.masks = _masks(self.inputs) if _mostly_zeros(self.inputs) else None
        """(row, word) uint64, a bit for each feature that is not zero, where most are zero: products
        of the compiled loop then pass zeros over."""

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
    """Decided by the set itself: the choice of a product may not depend on a batch or a network.

    Products take four rows at a time (`cpp/sparse_products.h`), so only zeros that all four have
    are passed over; here rows from all over the set are put together.
    """
    quarter = len(inputs) // 4
    if inputs.device.type != "cpu" or inputs.dtype != torch.float32 or not quarter:
        return False
    # By NumPy: an operation that torch divides would begin threads here, beside those that train;
    # with more of them than cores, all go to sleep between two operations.
    some = np.linspace(0, quarter - 1, min(quarter, _GROUPS)).astype(np.int64)
    fours = (inputs.numpy()[some + quarter * part] != 0 for part in range(4))
    return bool(np.logical_or.reduce(list(fours)).mean() <= _DENSEST)


def _masks(inputs: torch.Tensor) -> np.ndarray | None:
    library = kernels.loaded().library
    if library is None:
        return None
    rows, features = inputs.shape
    masks = np.empty((rows, -(-features // 64)), dtype=np.uint64)
    library.mlplab_masks(inputs.data_ptr(), rows, features, masks.ctypes.data)
    return masks
