"""x·W and xᵀ·g for an x that is mostly zeros, without the zeros, as compiled code.

Single numbers that are not zero, and a line of W for each, keep a processor waiting for its cache.
So rows of x are taken four at a time, with every feature that any of them has: a line of W then
serves four rows. For xᵀ·g four features are taken, with every row that has any of them. Such a
group is a list of entries, a place and four values. Lists are cut where the lines of W or g that
they speak of fill the innermost cache; those lines are laid there side by side, as a panel.

Skipping a zero changes nothing of a sum of finite numbers but the sign of a zero, so how rows come
to be grouped does not matter. Every sum is taken in the order of the features, or of the rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from mlplab.networks import vector_tile
from mlplab.networks.compiled import Compiled, compiled, digest_of
from mlplab.networks.vector_tile import TALL, WIDE, add_to_tile, copy_line, lowest_bit, not_zero

_WORD = 64
_DEEP = 2 * _WORD
"""Lines of a panel."""
_LINE = 8
"""int64 numbers that a cache's line holds."""
_FOURTHS = np.int64(0x1111111111111111)
"""The first bit of every four."""


@register_jitable
def _parts(rows: int, features: int) -> tuple[int, int, int, int, int, int, int]:
    """Where in scratch memory begin: masks, ends, places, values, panel, sums; and its end.

    All in int64 numbers. Lists of rows and of features have one memory: only one is needed at once.
    There may be as many entries as all groups together could have. `ends` are (part, group), with a
    part before the first, for where lists begin.
    """
    tall, wide = _over(rows, TALL), _over(features, TALL)
    entries = max(tall * features, wide * rows)
    masks = rows * _over(features, _WORD)
    ends = max((_over(features, _DEEP) + 1) * tall, (_over(rows, _DEEP) + 1) * wide)
    after_masks = _whole(masks)
    after_ends = after_masks + _whole(ends)
    after_places = after_ends + _whole(_over(entries, 8))
    after_values = after_places + _whole(_over(entries * TALL, 2))
    after_panel = after_values + _whole(_DEEP * WIDE // 2)
    return (
        0,
        after_masks,
        after_ends,
        after_places,
        after_values,
        after_panel,
        after_panel + _whole(max(tall, wide) * TALL * WIDE // 2),
    )


@register_jitable
def _over(number: int, by: int) -> int:
    return -(-number // by)


@register_jitable
def _whole(number: int) -> int:
    return _over(number, _LINE) * _LINE


@register_jitable
def scratch_size(rows: int, features: int) -> int:
    """How many int64 numbers of memory products of an x (row, feature) need."""
    return _parts(rows, features)[-1]


def _kernel(sources: str) -> Compiled:
    """What multiplies, for these sources: machine code is kept under all that it closes over."""

    def multiply(
        inputs: np.ndarray,
        right: np.ndarray,
        out: np.ndarray,
        rows: int,
        features: int,
        units: int,
        scratch: np.ndarray,
        transposed: bool,
    ) -> None:
        """x·W of every network, or xᵀ·g.

        Args:
            inputs: (network, place) of (row, feature) float32; of one only where all share them.
            right: (network, place) of W, (feature, unit); or of g, (row, unit).
            out: (network, place) of (row, unit); or of (feature, unit).
            scratch: of `scratch_size`, aligned to a cache's line.
        """
        sources  # noqa: B018
        lists = _lists(scratch, rows, features)
        for network in range(len(right)):
            if transposed:
                if network < len(inputs):
                    _list_features(inputs[network], rows, features, lists)
                _multiply_lists(lists, right[network], out[network], features, rows, units)
            else:
                if network < len(inputs):
                    _list_rows(inputs[network], rows, features, lists)
                _multiply_lists(lists, right[network], out[network], rows, features, units)

    return compiled(multiply)


@register_jitable
def _lists(scratch: Any, rows: int, features: int) -> Any:
    """Scratch memory as masks, ends, places, values, panel and sums."""
    starts = _parts(rows, features)
    return (
        scratch[starts[0] : starts[1]],
        scratch[starts[1] : starts[2]],
        scratch[starts[2] : starts[3]].view(np.uint8),
        scratch[starts[3] : starts[4]].view(np.float32),
        scratch[starts[4] : starts[5]].view(np.float32),
        scratch[starts[5] : starts[6]].view(np.float32),
    )


@register_jitable
def _multiply_lists(lists: Any, right: Any, out: Any, height: int, depth: int, units: int) -> None:
    """Lists of a (height, depth) matrix times `right`, (depth, unit), panel by panel."""
    _, ends, places, values, panel, sums = lists
    groups = _over(height, TALL)
    for unit in range(0, units, WIDE):
        width = min(WIDE, units - unit)
        for part in range(_over(depth, _DEEP)):
            line = part * _DEEP
            _fill(panel, right, line, min(_DEEP, depth - line), unit, units, width)
            for group in range(groups):
                start, stop = ends[part * groups + group], ends[(part + 1) * groups + group]
                at = group * TALL * WIDE
                add_to_tile(places, values, start, stop, panel, sums, at, part == 0)
        for row in range(height):
            if width == WIDE:
                copy_line(out, row * units + unit, sums, row * WIDE)
            else:
                for column in range(width):
                    out[row * units + unit + column] = sums[row * WIDE + column]


@register_jitable
def _fill(panel: Any, right: Any, line: int, lines: int, unit: int, units: int, width: int) -> None:
    for deep in range(lines):
        start = (line + deep) * units + unit
        if width == WIDE:
            copy_line(panel, deep * WIDE, right, start)
        else:
            for column in range(width):
                panel[deep * WIDE + column] = right[start + column]


@register_jitable
def _list_rows(inputs: Any, rows: int, features: int, lists: Any) -> None:
    """Lists of each four rows: the features that any of them has."""
    masks, ends, places, values = lists[:4]
    _see(inputs, rows, features, masks)
    words, groups = _over(features, _WORD), _over(rows, TALL)
    words_of_a_part = _DEEP // _WORD
    entry = 0
    for group in range(groups):
        first, last = group * TALL, min(rows, group * TALL + TALL)
        ends[group] = entry
        for part in range(_over(features, _DEEP)):
            for word in range(part * words_of_a_part, min(words, (part + 1) * words_of_a_part)):
                bits = np.int64(0)
                for row in range(first, last):
                    bits |= masks[row * words + word]
                while bits != 0:
                    feature = word * _WORD + lowest_bit(bits)
                    bits &= bits - 1
                    places[entry] = feature - part * _DEEP
                    for row in range(first, first + TALL):
                        value = inputs[row * features + feature] if row < last else np.float32(0)
                        values[entry * TALL + row - first] = value
                    entry += 1
            ends[(part + 1) * groups + group] = entry


@register_jitable
def _list_features(inputs: Any, rows: int, features: int, lists: Any) -> None:
    """Lists of each four features: the rows that have any of them.

    All lists grow at once, as rows are read, each where it has room for all rows. Meanwhile the
    first part of `ends` is where each is written next; at last it is where each begins.
    """
    masks, ends, places, values = lists[:4]
    _see(inputs, rows, features, masks)
    words, groups = _over(features, _WORD), _over(features, TALL)
    for group in range(groups):
        ends[group] = group * rows
    for row in range(rows):
        if row > 0 and row % _DEEP == 0:
            _end_part(ends, row // _DEEP, groups)
        for word in range(words):
            bits = masks[row * words + word]
            bits |= bits >> 1
            bits = (bits | (bits >> 2)) & _FOURTHS
            while bits != 0:
                feature = word * _WORD + lowest_bit(bits)
                bits &= bits - 1
                group = feature // TALL
                entry = ends[group]
                ends[group] = entry + 1
                places[entry] = row % _DEEP
                for i in range(TALL):
                    here = feature + i < features
                    value = inputs[row * features + feature + i] if here else np.float32(0)
                    values[entry * TALL + i] = value
    _end_part(ends, _over(rows, _DEEP), groups)
    for group in range(groups):
        ends[group] = group * rows


@register_jitable
def _end_part(ends: Any, part: int, groups: int) -> None:
    for group in range(groups):
        ends[part * groups + group] = ends[group]


@register_jitable
def _see(inputs: Any, rows: int, features: int, masks: Any) -> None:
    """A bit for every number that is not zero, the rows one after the other in whole words."""
    words = _over(features, _WORD)
    for row in range(rows):
        for word in range(words):
            bits = np.int64(0)
            for sixteenth in range(0, _WORD, 16):
                feature = word * _WORD + sixteenth
                if feature + 16 <= features:
                    bits |= not_zero(inputs, row * features + feature) << sixteenth
                else:
                    for last in range(feature, features):
                        if inputs[row * features + last] != 0:
                            bits |= np.int64(1) << (last - word * _WORD)
            masks[row * words + word] = bits


multiply = _kernel(f"{digest_of(vector_tile)} {WIDE}")
