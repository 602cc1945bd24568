"""Dropout whose masks depend on seed, step, layer and place alone.

A counter-based generator (the finalizer of SplitMix64: Steele, Lea and Flood, 2014) gives every
unit of every row its own number, for a whole stack in a few tensor operations; no generator has a
state that companions could disturb.
"""

from __future__ import annotations

import torch

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed 64-bit number
_FIRST = -4658895280553007687  # 0xBF58476D1CE4E5B9
_SECOND = -7723592293110705685  # 0x94D049BB133111EB


def _signed(number: int) -> int:
    """The signed 64-bit number with the same bits."""
    return (number + 2**63) % 2**64 - 2**63


def _shift_right(bits: torch.Tensor, by: int) -> torch.Tensor:
    """Logical shift: torch shifts signed integers arithmetically."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def _scramble(bits: torch.Tensor) -> torch.Tensor:
    bits = (bits ^ _shift_right(bits, 30)) * _FIRST
    bits = (bits ^ _shift_right(bits, 27)) * _SECOND
    return bits ^ _shift_right(bits, 31)


class Dropout:
    """Masks for one stack.

    Args:
        rates: (network,) share of units dropped.
        seeds: (network,) int64.
    """

    def __init__(self, rates: torch.Tensor, seeds: torch.Tensor) -> None:
        self.rates = rates.reshape(-1, 1, 1)
        self.keys = _scramble(seeds.reshape(-1, 1, 1) * _GOLDEN + 1)

    def mask(self, step: int | torch.Tensor, layer: int, batch: int, units: int) -> torch.Tensor:
        """(network, batch, unit): 0 where dropped, 1/(1 − rate) where kept.

        Args:
            step: a number, or a () int64 tensor that holds it.
        """
        device = self.rates.device
        counter = torch.arange(batch * units, device=device).reshape(1, batch, units)
        place = (step * 1009 + layer) * _GOLDEN
        # A tensor's integers run over by themselves.
        stream = _scramble(self.keys + (_signed(place) if isinstance(place, int) else place))
        bits = _scramble(stream + counter * _GOLDEN)
        uniform = _shift_right(bits, 40).to(self.rates.dtype) * 2.0**-24
        return (uniform >= self.rates).to(self.rates.dtype) / (1 - self.rates)

    def select(self, keep: torch.Tensor) -> Dropout:
        """The masks of the kept networks only."""
        kept = object.__new__(Dropout)
        kept.rates, kept.keys = self.rates[keep], self.keys[keep]
        return kept
