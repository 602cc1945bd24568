"""What happens to a layer's memory between two products, in one pass each way.

torch adds a bias and rectifies in two passes over memory, and takes two more for the way back and
for the sums over rows; bfloat16 it turns to float32 and back for each of them. Here an element is
read once, changed, and written where it lies. Sums are of float32 whatever is summed.
"""

from __future__ import annotations

import numpy as np
import torch

from mlplab.networks.aligned import as_array, flat
from mlplab.networks.bfloat16_bits import narrowed, widened
from mlplab.networks.compiled import compiled
from mlplab.networks.recording import Operation, Recording, being_recorded

_BLOCK = 32
"""Rows summed at a stretch: rounding grows with the length of a sum, not with all of its rows."""


class FusedPasses:
    """The passes over one layer's memory, all of it aligned stacks on the CPU.

    Args:
        outputs: (network, row, unit), what the layer gives.
        bias: (network, 1, unit).
        gradient: of the outputs' shape and type; None where nothing goes back.
        bias_gradient: of the bias' shape and type.
    """

    def __init__(
        self,
        outputs: torch.Tensor,
        bias: torch.Tensor,
        gradient: torch.Tensor | None = None,
        bias_gradient: torch.Tensor | None = None,
    ) -> None:
        self._size = outputs.shape[1], outputs.shape[2]
        # Views are made once: to make them at every step costs as much as a small layer's pass.
        self._outputs, self._bias = as_array(flat(outputs)), as_array(flat(bias))
        if gradient is not None and bias_gradient is not None:
            self._gradient = as_array(flat(gradient))
            self._bias_gradient = as_array(flat(bias_gradient))

    def add_bias(self, *, rectify: bool) -> None:
        """Add the bias to the outputs, and where asked for put zero for what is negative then."""
        if (written := being_recorded()) is not None:
            places = _places(written, self._outputs, self._bias)
            written.add(Operation.ADD_BIAS, *places, *self._size, rectify)
            return
        add_bias(self._outputs, self._bias, *self._size, rectify)

    def go_back(self, *, rectified: bool) -> None:
        """Sum the gradient over rows, into that of the bias.

        Where the outputs are rectified, the gradient is first made zero wherever they are zero.
        """
        outputs, out = self._outputs, self._bias_gradient
        if (written := being_recorded()) is not None:
            places = _places(written, self._gradient, outputs, out)
            written.add(Operation.GO_BACK, *places, *self._size, rectified)
            return
        go_back(self._gradient, outputs, out, np.empty_like(out[0]), *self._size, rectified)


def _places(written: Recording, *arrays: np.ndarray) -> tuple[int, ...]:
    """Addresses of (network, place) arrays, how many networks, and how long each is."""
    return *written.places(*arrays), len(arrays[0]), *(array.shape[1] for array in arrays)


@compiled
def add_bias(outputs: np.ndarray, bias: np.ndarray, rows: int, units: int, rectify: bool) -> None:
    zero = bias.dtype.type(0)
    for network in range(len(outputs)):
        for row in range(rows):
            # A row by itself: its places are then seen to be no negative ones, which are slow.
            own = outputs[network, row * units : (row + 1) * units]
            for unit in range(units):
                total = widened(own[unit]) + bias[network, unit]
                if rectify and total <= 0:  # not so for NaN, which stays
                    total = zero
                own[unit] = narrowed(total, own[unit])


@compiled
def go_back(
    gradient: np.ndarray,
    outputs: np.ndarray,
    out: np.ndarray,
    block: np.ndarray,
    rows: int,
    units: int,
    rectified: bool,
) -> None:
    zero = gradient.dtype.type(0)
    for network in range(len(gradient)):
        out[network, :units] = 0
        for start in range(0, rows, _BLOCK):
            block[:units] = 0
            for row in range(start, min(rows, start + _BLOCK)):
                slopes = gradient[network, row * units : (row + 1) * units]
                given = outputs[network, row * units : (row + 1) * units]
                for unit in range(units):
                    slope = slopes[unit]
                    if rectified:
                        # Written either way: a store that depends would be done one by one.
                        slope = zero if widened(given[unit]) <= 0 else slope
                        slopes[unit] = slope
                    block[unit] += widened(slope)
            for unit in range(units):
                out[network, unit] += block[unit]
