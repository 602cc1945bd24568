"""A tile of a product held in vector registers: what Numba's loops over arrays do not come to.

A tile is `TALL` rows by `WIDE` columns of sums. For each entry of a list it takes one line of a
panel and `TALL` factors, and adds every factor times the line. The code is written for LLVM, which
makes of its vectors what the processor has; sums are the same in vectors of any length.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

# Of what Numba compiles for, which need not be this very processor: its cache is kept by that.
_TRIPLE, _, _FEATURES = cpu_target.target_context.codegen().magic_tuple()
TALL = 4
_LONG, _VECTORS = (16, 4) if "+avx512f" in _FEATURES else (8, 2)
"""Numbers in a vector, and vectors in a line, so that a tile and a line fill the registers."""
WIDE = _LONG * _VECTORS
FUSES = "+fma" in _FEATURES or _TRIPLE.startswith(("aarch64", "arm64"))
"""Whether a product is added in one instruction. Without it, libraries are as quick as tiles."""

_INT, _BIT = ir.IntType(64), ir.IntType(1)
_LANE = ir.IntType(32)
_VECTOR = ir.VectorType(ir.FloatType(), _LONG)
_ZEROS = ir.Constant(_VECTOR, None)
_NOTHING = ir.Constant(_VECTOR, ir.Undefined)
_SEEN_AT_ONCE = 16


@intrinsic
def add_to_tile(context, places, values, start, stop, panel, sums, at, begins):
    """Add the entries start to stop of a list to a tile.

    Args:
        places: (entry,) uint8, its line of the panel.
        values: (entry · TALL,) float32, its factors.
        panel: (line · WIDE,) float32.
        sums: where the tile lies, from `at` on: (TALL · WIDE,) float32.
        begins: whether the tile is taken to be zero before.
    """
    arguments = places, values, start, stop, panel, sums, at, begins

    def code(context, builder, signature, given):
        lists, factors, lines, tiles = (
            _memory(context, builder, signature, given, place) for place in (0, 1, 4, 5)
        )
        start, stop, at, begins = given[2], given[3], given[6], given[7]
        tile = [cgutils.alloca_once_value(builder, _ZEROS) for _ in range(TALL * _VECTORS)]
        homes = [_vector_at(builder, tiles, at, i) for i in range(len(tile))]
        for register in tile:
            builder.store(_ZEROS, register)
        with builder.if_then(builder.not_(begins)):
            for register, home in zip(tile, homes, strict=True):
                builder.store(builder.load(home, align=4), register)
        one = ir.Constant(_INT, 1)
        with cgutils.for_range_slice(builder, start, stop, one, intp=_INT) as (entry, _):
            _add_entry(builder, entry, lists, factors, lines, tile)
        for register, home in zip(tile, homes, strict=True):
            builder.store(builder.load(register), home, align=4)
        return context.get_dummy_value()

    return types.void(*arguments), code


def _add_entry(
    builder: ir.IRBuilder,
    entry: ir.Value,
    lists: ir.Value,
    factors: ir.Value,
    lines: ir.Value,
    tile: list[ir.Value],
) -> None:
    line = builder.zext(builder.load(builder.gep(lists, [entry])), _INT)
    start = builder.mul(line, ir.Constant(_INT, WIDE))
    parts = [
        builder.load(_vector_at(builder, lines, start, part), align=4) for part in range(_VECTORS)
    ]
    first = builder.mul(entry, ir.Constant(_INT, TALL))
    for row in range(TALL):
        factor = builder.load(builder.gep(factors, [builder.add(first, ir.Constant(_INT, row))]))
        everywhere = _in_every_lane(builder, factor)
        for part, numbers in enumerate(parts):
            register = tile[row * _VECTORS + part]
            builder.store(_sum(builder, everywhere, numbers, builder.load(register)), register)


@intrinsic
def copy_line(context, to, at, of, start):
    """Copy WIDE float32 numbers; slices of arrays take several times as long."""

    def code(context, builder, signature, given):
        target = _memory(context, builder, signature, given, 0)
        source = _memory(context, builder, signature, given, 2)
        for part in range(_VECTORS):
            numbers = builder.load(_vector_at(builder, source, given[3], part), align=4)
            builder.store(numbers, _vector_at(builder, target, given[1], part), align=4)
        return context.get_dummy_value()

    return types.void(to, at, of, start), code


@intrinsic
def not_zero(context, numbers, at):
    """Of sixteen float32 numbers from `at` on: an int64 with a bit for each that is not zero.

    NaN is not, so that a network that is given one diverges.
    """

    def code(context, builder, signature, given):
        vector = ir.VectorType(ir.FloatType(), _SEEN_AT_ONCE)
        there = builder.gep(_memory(context, builder, signature, given, 0), [given[1]])
        seen = builder.load(builder.bitcast(there, vector.as_pointer()), align=4)
        bits = builder.fcmp_unordered("!=", seen, ir.Constant(vector, None))
        return builder.zext(builder.bitcast(bits, ir.IntType(_SEEN_AT_ONCE)), _INT)

    return types.int64(numbers, at), code


@intrinsic
def lowest_bit(context, bits):
    """The place of the lowest bit that is set; 64 where none is."""

    def code(context, builder, signature, given):
        return builder.cttz(given[0], ir.Constant(_BIT, 0))

    return types.int64(bits), code


def _memory(
    context: Any, builder: ir.IRBuilder, signature: Any, given: Any, place: int
) -> ir.Value:
    """Where an array that is an argument starts."""
    return context.make_array(signature.args[place])(context, builder, given[place]).data


def _vector_at(builder: ir.IRBuilder, memory: ir.Value, start: ir.Value, vector: int) -> ir.Value:
    place = builder.add(start, ir.Constant(_INT, vector * _LONG))
    return builder.bitcast(builder.gep(memory, [place]), _VECTOR.as_pointer())


def _in_every_lane(builder: ir.IRBuilder, number: ir.Value) -> ir.Value:
    first = builder.insert_element(_NOTHING, number, ir.Constant(_LANE, 0))
    return builder.shuffle_vector(
        first, _NOTHING, ir.Constant(ir.VectorType(_LANE, _LONG), [0] * _LONG)
    )


def _sum(builder: ir.IRBuilder, factor: ir.Value, numbers: ir.Value, to: ir.Value) -> ir.Value:
    """factor · numbers + to, rounded once where the processor can."""
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    name = f"llvm.fmuladd.v{_LONG}f32"
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, [factor, numbers, to])
