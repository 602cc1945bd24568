"""Widths of hidden layers, in given proportions, that bring a count as near to a target as can be.

The widths that keep to proportions form a chain. It starts with one neuron in each layer; layer i
gets its k-th where all are scaled to (k - 1/2) / proportion_i, the first layer first where several
get one. So no layer is ever a whole neuron away from its share (but each has one at least), and as
every step makes the network larger, the nearest of the chain is found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Widths = tuple[int, ...]


def nearest_widths(
    proportions: Sequence[int], target: int, count: Callable[[Widths], int]
) -> Widths:
    """The widths of the chain whose count is nearest to the target; of two as near, the smaller.

    proportions: of each hidden layer, from 1. count: grows with each width.
    """
    widest = _last_below(proportions, target, count)
    below = _at(proportions, widest)
    for widths in _steps(proportions, widest):
        if count(widths) > target:
            return min(below, widths, key=lambda found: abs(count(found) - target))
        below = widths
    return below


def _last_below(proportions: Sequence[int], target: int, count: Callable[[Widths], int]) -> int:
    """The largest width of the widest layer at which the count is no more than the target; or 1."""
    high = 2
    while count(_at(proportions, high)) <= target:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if count(_at(proportions, middle)) > target else (middle, high)
    return low


def _at(proportions: Sequence[int], widest: int) -> Widths:
    """All widths at the scale at which the widest layer gets its neuron of that number."""
    most = max(proportions)
    return tuple(max(1, ((2 * widest - 1) * part + most) // (2 * most)) for part in proportions)


def _steps(proportions: Sequence[int], widest: int) -> Iterator[Widths]:
    """From there, neuron by neuron, to the scale at which the widest layer gets its next."""
    start, end = _at(proportions, widest), _at(proportions, widest + 1)
    due = [layer for layer in range(len(start)) if end[layer] > start[layer]]
    due.sort(key=lambda layer: ((2 * end[layer] - 1) / proportions[layer], layer))
    widths = list(start)
    for layer in due:
        widths[layer] += 1
        yield tuple(widths)
