"""A recorded step as one call of compiled code, which holds no lock of Python while it runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic, overload, register_jitable

from mlplab.networks import bfloat16_bits, fused_passes, sparse_kernels, vector_tile
from mlplab.networks import recording as numbering
from mlplab.networks.aligned import as_array
from mlplab.networks.compiled import Compiled, compiled, digest_of
from mlplab.networks.recording import Operation, address_of_products, recording
from mlplab.objectives import fused_cross_entropy as losses
from mlplab.optimizers import fused_update as updates

_MULTIPLY, _TURN = int(Operation.MULTIPLY), int(Operation.TURN)
_MULTIPLY_SPARSE = int(Operation.MULTIPLY_SPARSE)
_MULTIPLY_SPARSE_TRANSPOSED = int(Operation.MULTIPLY_SPARSE_TRANSPOSED)
_ADD_BIAS, _GO_BACK = int(Operation.ADD_BIAS), int(Operation.GO_BACK)
_CROSS_ENTROPY = int(Operation.CROSS_ENTROPY)
_NOTE_DIVERGENCE = int(Operation.NOTE_DIVERGENCE)
_UPDATE, _UPDATE_WITH_OPERAND = int(Operation.UPDATE), int(Operation.UPDATE_WITH_OPERAND)

_scratch_size = sparse_kernels.scratch_size
_multiply_sparse = sparse_kernels.multiply.machine_code
_add_bias = fused_passes.add_bias.machine_code
_go_back = fused_passes.go_back.machine_code
_fused_cross_entropy = losses.fused_cross_entropy.machine_code
_fused_update = updates.fused_update.machine_code


def compiled_step(kept: torch.dtype, operands: torch.dtype) -> Callable[..., Callable[[], object]]:
    """A `Record` for the CPU: what a function would do is written down, and played when called.

    Args:
        kept: in which weights are kept.
        operands: of products.
    """

    def record(body: Callable[[], None]) -> Callable[[], object]:
        with recording() as written:
            body()
        return partial(_played, player(written.entries, kept, operands), written)

    return record


def player(entries: np.ndarray, kept: torch.dtype, operands: torch.dtype) -> Callable[[], None]:
    """What does some entries when called; who calls it holds the memory that they speak of.

    Args:
        entries: see `Recording.entries`.
        kept, operands: as of `compiled_step`.
    """
    like = as_array(torch.empty(0, dtype=kept))
    narrow = None if operands == kept else as_array(torch.empty(0, dtype=operands))
    multiply = address_of_products()

    def play() -> None:
        if _play(entries, multiply, like, narrow):
            raise RuntimeError("torch could not compute a product; what it said of it stands above")

    return play


def _played(play: Callable[[], None], written: object) -> None:
    """Play; `written` is here to be held, for what it holds."""
    play()


def _player(sources: str) -> Compiled:
    """What plays, for these sources: machine code is kept under all that it closes over."""

    def play(
        entries: np.ndarray, multiply: int, kept: np.ndarray, narrow: np.ndarray | None
    ) -> int:
        """Do all entries; what torch answers to a product that it cannot do, or 0.

        Args:
            entries: see `Recording.entries`.
            multiply: see `address_of_products`.
            kept: of the type in which weights are kept; nothing else of it is used.
            narrow: of the type of operands likewise; None where that is the same.
        """
        sources  # noqa: B018
        operand = _operand(kept, narrow)
        for entry in entries:
            operation = entry[0]
            if operation == _MULTIPLY:
                answer = _call(multiply, entry[1], entry[2], entry[3])
                if answer != 0:
                    return answer
            elif operation in (_MULTIPLY_SPARSE, _MULTIPLY_SPARSE_TRANSPOSED):
                _play_multiply_sparse(entry, kept)
            elif operation == _TURN:
                _play_turn(entry, operand)
            elif operation == _ADD_BIAS:
                _play_add_bias(entry, kept, operand)
            elif operation == _GO_BACK:
                _play_go_back(entry, kept, operand)
            elif operation == _CROSS_ENTROPY:
                _play_cross_entropy(entry, kept, operand)
            elif operation == _NOTE_DIVERGENCE:
                _play_note_divergence(entry, kept)
            elif operation in (_UPDATE, _UPDATE_WITH_OPERAND):
                _play_any_update(entry, kept, narrow)
        return 0

    return compiled(play)


_SOURCES = digest_of(
    fused_passes, losses, updates, bfloat16_bits, numbering, sparse_kernels, vector_tile
)
_play = _player(f"{_SOURCES} {vector_tile.WIDE}")


def _operand(kept: Any, narrow: Any) -> Any:
    """An array of the type of operands."""
    raise NotImplementedError("for compiled code only")


@overload(_operand)
def _operand_of_its_type(kept, narrow):  # numba compares signatures: no annotations
    if isinstance(narrow, types.NoneType):
        return lambda kept, narrow: kept
    return lambda kept, narrow: narrow


@register_jitable
def _play_multiply_sparse(entry: Any, kept: Any) -> None:
    networks, rows, features, units = entry[7], entry[10], entry[11], entry[12]
    inputs = _at(entry[1], entry[5], entry[6], kept)
    right, out = _at(entry[2], networks, entry[8], kept), _at(entry[3], networks, entry[9], kept)
    scratch = _at(entry[4], 1, _scratch_size(rows, features), entry)[0]
    transposed = entry[0] == _MULTIPLY_SPARSE_TRANSPOSED
    _multiply_sparse(inputs, right, out, rows, features, units, scratch, transposed)


@register_jitable
def _play_turn(entry: Any, operand: Any) -> None:
    _, to, of, to_stride, of_stride, networks, rows, columns = entry[:8]
    result, turned = _at(to, networks, to_stride, operand), _at(of, networks, of_stride, operand)
    for network in range(networks):
        for row in range(rows):
            for column in range(columns):
                result[network, row * columns + column] = turned[network, column * rows + row]


@register_jitable
def _play_add_bias(entry: Any, kept: Any, operand: Any) -> None:
    networks = entry[3]
    outputs, bias = (
        _at(entry[1], networks, entry[4], operand),
        _at(entry[2], networks, entry[5], kept),
    )
    _add_bias(outputs, bias, entry[6], entry[7], entry[8] != 0)


@register_jitable
def _play_go_back(entry: Any, kept: Any, operand: Any) -> None:
    networks, rows, units = entry[4], entry[8], entry[9]
    gradient = _at(entry[1], networks, entry[5], operand)
    outputs = _at(entry[2], networks, entry[6], operand)
    bias_gradient = _at(entry[3], networks, entry[7], kept)
    block = np.empty(units, kept.dtype)
    _go_back(gradient, outputs, bias_gradient, block, rows, units, entry[10] != 0)


@register_jitable
def _play_cross_entropy(entry: Any, kept: Any, operand: Any) -> None:
    networks, step, rows, classes = entry[5], entry[7], entry[9], entry[10]
    logits = _at(entry[1], networks, entry[6], operand)
    gradient = _at(entry[3], networks, entry[8], operand)
    values, parts = _at(entry[4], 1, networks, kept), np.empty(classes, kept.dtype)
    for network in range(networks):  # for some networks share their targets
        targets = _at(entry[2] + entry.itemsize * step * network, 1, rows, entry)
        one = slice(network, network + 1)
        _fused_cross_entropy(logits[one], targets, gradient[one], values[0, one], parts)


@register_jitable
def _play_note_divergence(entry: Any, kept: Any) -> None:
    networks = entry[4]
    losses = _at(entry[1], 1, networks, kept)[0]
    diverged_at, number = _at(entry[2], 1, networks, entry)[0], _at(entry[3], 1, 1, entry)[0, 0]
    for network in range(networks):
        if not np.isfinite(losses[network]) and diverged_at[network] == 0:
            diverged_at[network] = number


@register_jitable
def _play_update(entry: Any, gradient: Any, operand: Any, kept: Any) -> None:
    networks, stride = entry[6], entry[7]
    weights = _at(entry[1], networks, stride, kept)
    first, second = _at(entry[3], networks, stride, kept), _at(entry[4], networks, stride, kept)
    constants, by_step = _at(entry[10], 4, networks, kept), _at(entry[11], 5, networks, kept)
    _fused_update(weights, gradient, first, second, operand, constants, by_step, entry[12] != 0)


@register_jitable
def _play_any_update(entry: Any, kept: Any, narrow: Any) -> None:
    if entry[0] == _UPDATE:
        _play_update(entry, _at(entry[2], entry[6], entry[8], kept), None, kept)
    elif narrow is not None:  # known when this is compiled: float32 has no such code
        gradient = _at(entry[2], entry[6], entry[8], narrow)
        _play_update(entry, gradient, _at(entry[5], entry[6], entry[9], narrow), kept)


@register_jitable
def _at(address: Any, rows: Any, columns: Any, like: Any) -> Any:
    """The array (row, column) at an address, of the type of another."""
    return carray(_pointer(address, like), (rows, columns))


@intrinsic
def _pointer(context, address, like):
    """An address as a pointer to what an array holds."""

    def code(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(address, like), code


@intrinsic
def _call(context, function, out, left, right):
    """Call the function at an address; all three are handles."""

    def code(context, builder, signature, arguments):
        handle = arguments[1].type
        there = ir.FunctionType(ir.IntType(32), [handle] * 3).as_pointer()
        return builder.call(builder.inttoptr(arguments[0], there), arguments[1:])

    return types.int32(function, out, left, right), code
