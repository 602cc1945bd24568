"""The two products of a first layer whose inputs are mostly zeros: what goes in, and what comes back.

Four of five numbers in an image of a digit are zero; a batched product multiplies them all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch

from mlplab.networks.aligned import aligned_stack, as_array, flat
from mlplab.networks.recording import Operation, being_recorded
from mlplab.networks.sparse_kernels import multiply, scratch_size
from mlplab.networks.vector_tile import FUSES

_TRANSPOSED = Operation.MULTIPLY_SPARSE_TRANSPOSED
_FEWEST_UNITS, _FEWEST_ROWS = 64, 64
"""With fewer, to list what is not zero and to lay panels out takes as long as to multiply it all."""
_MOST_SCRATCH = 2**22
"""int64 numbers; some 9,000 rows of 784 features need as many."""


def sparse_pays(rows: int, features: int, units: int) -> bool:
    """Whether products of sparse (row, feature) inputs are quicker without the zeros.

    They are computed by one thread. Where several share a product, its zeros are quickly passed.
    """
    return (
        units >= _FEWEST_UNITS
        and rows >= _FEWEST_ROWS
        and scratch_size(rows, features) <= _MOST_SCRATCH
        and FUSES
        and torch.get_num_threads() == 1
    )


class SparseScratch:
    """Memory in which products of (row, feature) inputs are prepared, one after the other."""

    def __init__(self, rows: int, features: int) -> None:
        memory = aligned_stack((1, 1, scratch_size(rows, features)), torch.int64)
        self.numbers = memory[0, 0].numpy()
        """(scratch_size,) int64."""


class ProductOfSparse(ABC):
    """How a product is computed into some memory; stands in for `Product`.

    Args:
        result: (network, row, column), an aligned stack.
    """

    operation: Operation

    def __init__(self, result: torch.Tensor, scratch: SparseScratch) -> None:
        self.result, self._scratch = result, scratch

    @abstractmethod
    def of(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """(network, row, middle) · (network, middle, column), in this memory."""

    def _compute(self, inputs: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        arrays = _distinct(inputs), as_array(flat(right)), as_array(flat(self.result))
        sizes, scratch = (*inputs.shape[1:], right.shape[2]), self._scratch.numbers
        if (written := being_recorded()) is not None:
            places = written.places(*arrays, scratch)
            shapes = *arrays[0].shape, len(arrays[1]), arrays[1].shape[1], arrays[2].shape[1]
            written.add(self.operation, *places, *shapes, *sizes)
        else:
            multiply(*arrays, *sizes, scratch, self.operation is _TRANSPOSED)
        return self.result


class SparseProduct(ProductOfSparse):
    """x·W."""

    operation = Operation.MULTIPLY_SPARSE

    def of(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """x (network, row, feature) · W (network, feature, unit)."""
        return self._compute(left, right)


class SparseTransposedProduct(ProductOfSparse):
    """xᵀ·g."""

    operation = _TRANSPOSED

    def of(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """xᵀ (network, feature, row) · g (network, row, unit)."""
        return self._compute(left.transpose(1, 2), right)


def _distinct(inputs: torch.Tensor) -> np.ndarray:
    """(network, place), of one network only where all share its rows."""
    size = inputs.shape[1] * inputs.shape[2]
    shared = len(inputs) == 1 or inputs.stride(0) == 0
    shape = (1, size) if shared else (len(inputs), inputs.stride(0))
    return inputs.as_strided(shape, (shape[1], 1)).numpy()
