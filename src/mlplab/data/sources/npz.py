"""NumPy archives: arrays x and y to be divided, or x_train, y_train, x_test and y_test.

A pickle is never loaded: it can run any program.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib import format as npy

from mlplab.data.header import Header
from mlplab.data.own_files import OwnFile, require_memory
from mlplab.data.own_sets import Rows, first_unusable, require_rows, spoken
from mlplab.data.refusal import refuse
from mlplab.declarations.problems import quoted, shortened

_WHOLE = ("x", "y")
_PARTS = ("x_train", "y_train", "x_test", "y_test")
# zipfile raises RuntimeError for an archive that is encrypted, NotImplementedError for one that is
# packed in a way it does not know.
_UNREADABLE = (
    ValueError,
    zlib.error,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    KeyError,
    RuntimeError,
    TypeError,
    SyntaxError,
    OverflowError,
    MemoryError,
)
_WRITE_IT = "write it with numpy.savez_compressed(path, x=…, y=…)"


@dataclass(frozen=True)
class _Array:
    """An array of an archive, as its header describes it."""

    shape: tuple[int, ...]
    dtype: np.dtype


def npz(file: OwnFile) -> tuple[Rows, Rows | None]:
    """Training rows and, if the archive has its own, test rows."""
    arrays = _arrays(file)
    train, test = _chosen(arrays, file)
    notes = _unused(arrays, (*train, *test), file)
    with np.load(file.path, allow_pickle=False) as archive:
        return (
            _rows(archive, *train, file, notes),
            _rows(archive, *test, file) if test else None,
        )


def header(file: OwnFile) -> Header:
    """The sizes of the arrays, none of which is unpacked."""
    arrays = _arrays(file)
    train, test = _chosen(arrays, file)
    for x, y in filter(None, (train, test)):
        _require_axes(arrays[x], x, arrays[y], y, file)
    features = math.prod(arrays[train[0]].shape[1:])
    if test and arrays[test[0]].shape[1:] != arrays[train[0]].shape[1:]:
        refuse(
            file.where,
            expected=f"{test[0]} with rows of the shape {arrays[train[0]].shape[1:]}, as "
            f"{train[0]} has",
            received=f"{arrays[test[0]].shape[1:]}",
            hint="give test rows of the same shape",
            file=file.path,
        )
    test_rows = arrays[test[0]].shape[0] if test else None
    return Header(arrays[train[0]].shape[0], test_rows, features)


def _arrays(file: OwnFile) -> dict[str, _Array]:
    """The arrays of an archive by name; one that says more than it holds is refused."""
    with file.path.open("rb") as stream:
        start = stream.read(6)
    if not start.startswith(b"PK"):
        received = "a single array (.npy)" if start == b"\x93NUMPY" else "another kind of file"
        received = "an empty file" if not start else received
        refuse(file.where, expected="a NumPy archive (.npz)", received=received, hint=_WRITE_IT,
               file=file.path)  # fmt: skip
    try:
        with zipfile.ZipFile(file.path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
            require_memory(sum(m.file_size for m in members), file.path, file.where, "arrays")
            return {m.filename.removesuffix(".npy"): _array_in(archive, m, file) for m in members}
    except _UNREADABLE as error:
        refuse(
            file.where,
            expected="a whole NumPy archive (.npz)",
            received=f"one that cannot be opened ({shortened(str(error), 200)})",
            hint="it is cut short or damaged: write it again",
            file=file.path,
        )


def _array_in(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: OwnFile) -> _Array:
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as stream:
        try:
            version = npy.read_magic(stream)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(stream)
        except (*_UNREADABLE, RecursionError, AttributeError, IndexError) as error:
            refuse(
                file.where,
                expected=f"{name} as an array",
                received=f"one that cannot be read ({shortened(str(error), 200)})",
                hint="it is cut short or damaged: write it again",
                file=file.path,
            )
        said, held = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
    if not dtype.hasobject and (min(shape, default=0) < 0 or said != held):
        refuse(
            file.where,
            expected=f"{name} with the {said:,} bytes that its shape {shape} says",
            received=f"{held:,} bytes",
            hint="it is cut short or damaged: write it again",
            file=file.path,
        )
    return _Array(shape, dtype)


def _chosen(
    arrays: Mapping[str, _Array], file: OwnFile
) -> tuple[tuple[str, str], tuple[str, str] | tuple[()]]:
    """The names of the training arrays and, where the archive has them, the test arrays."""
    names = set(arrays)
    if not names & set(_PARTS):
        _require_arrays(names, _WHOLE, file)
        return _WHOLE, ()
    if names & set(_WHOLE):
        refuse(
            file.where,
            expected="either x and y, or x_train, y_train, x_test and y_test",
            received=f"both: {quoted(sorted(names), quote=False)}",
            hint="leave out the arrays that are not meant",
            file=file.path,
        )
    divided = bool(names & {"x_test", "y_test"})
    _require_arrays(names, _PARTS if divided else _PARTS[:2], file)
    return _PARTS[:2], _PARTS[2:] if divided else ()


def _unused(arrays: Mapping[str, _Array], used: tuple[str, ...], file: OwnFile) -> tuple[str, ...]:
    others = sorted(shortened(name) for name in set(arrays) - set(used))
    if not others:
        return ()
    note = f"{file.path.name}: {quoted(others, quote=False)} of the archive are not used"
    if set(others) & {"x_val", "y_val", "x_valid", "y_valid"}:
        note += '; join them to x_train and y_train, and ask for "validation" rows'
    return (note,)


def _require_arrays(names: set[str], wanted: tuple[str, ...], file: OwnFile) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        refuse(
            file.where,
            expected=f"the arrays {quoted(wanted, quote=False)}",
            received=f"{quoted(sorted(names), quote=False) or 'none'}",
            hint=f"add {quoted(missing, quote=False)}",
            file=file.path,
        )


def _array(archive: Mapping[str, np.ndarray], name: str, file: OwnFile) -> np.ndarray:
    try:
        array = archive[name]
    except _UNREADABLE as error:
        pickled = "allow_pickle" in str(error)
        refuse(
            file.where,
            expected=f"{name} as an array of numbers or text",
            received="Python objects, which would have to be unpickled"
            if pickled
            else f"one that cannot be read ({error})",
            hint="a pickle can run any program, so none is loaded: convert it with "
            f"{name}.astype(…) and write it again"
            if pickled
            else "it is cut short or damaged: write it again",
            file=file.path,
        )
    return array


def _rows(
    archive: Mapping[str, np.ndarray], x: str, y: str, file: OwnFile, notes: tuple[str, ...] = ()
) -> Rows:
    array, kinds = _array(archive, x, file), _array(archive, y, file)
    _require_axes(_Array(array.shape, array.dtype), x, _Array(kinds.shape, kinds.dtype), y, file)
    inputs, largest = _usable(array, x, file)
    return Rows(
        inputs=inputs.reshape(len(inputs), -1),
        labels=_labels(kinds),
        image_shape=_image_shape(array.shape),
        largest=largest,
        inputs_file=file,
        labels_file=file,
        notes=notes,
    )


def _require_axes(inputs: _Array, x: str, labels: _Array, y: str, file: OwnFile) -> None:
    """Refuse arrays of other types or axes than inputs and labels have."""
    if inputs.dtype.kind not in "buif" or len(inputs.shape) < 2:
        refuse(
            file.where,
            expected=f"{x} as numbers with the axes row and feature, or row, height and width",
            received="Python objects, which are never loaded"
            if inputs.dtype.hasobject
            else f"{shortened(str(inputs.dtype))} of shape {inputs.shape}",
            hint="convert it to numbers, one row for each example",
            file=file.path,
        )
    rows = labels.shape[0] if labels.shape else 0
    is_column = len(labels.shape) == 2 and labels.shape[1] == 1
    if not (len(labels.shape) == 1 or is_column) or labels.dtype.kind not in "buiUS":
        refuse(
            file.where,
            expected=f"{y} as whole numbers or text, one a row",
            received="Python objects, which would have to be unpickled; a pickle can run any "
            "program, so none is loaded"
            if labels.dtype.hasobject
            else f"{shortened(str(labels.dtype))} of shape {labels.shape}",
            hint=f"use {y}.argmax(axis=1)"
            if len(labels.shape) == 2
            else f"convert it with {y}.astype(int) if it holds whole numbers, or {y}.astype(str)",
            file=file.path,
        )
    require_rows(inputs.shape, rows, file, y)


def _usable(array: np.ndarray, x: str, file: OwnFile) -> tuple[np.ndarray, float | None]:
    """Inputs as bytes where that loses nothing and they are images, else as float64."""
    if array.dtype == bool:
        return array.astype(np.uint8), 1.0
    is_image = array.ndim > 2 and array.dtype.kind in "ui"
    if array.dtype == np.uint8 or (is_image and array.min() >= 0 and array.max() <= 255):
        return array.astype(np.uint8), 255.0
    inputs = array.astype(np.float64)
    bad = first_unusable(inputs.reshape(len(inputs), -1))
    if bad is not None:
        row, column = bad
        value = inputs.reshape(len(inputs), -1)[row, column]
        refuse(
            file.where,
            expected="finite numbers, at most 3.4e38 in size",
            received=f"{spoken(value)} in {x}, row {row}, feature {column} (counted from 0)",
            hint="fill in or leave out such rows",
            file=file.path,
        )
    return inputs, None


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int] | None:
    if len(shape) == 3:
        return shape[1], shape[2]
    if len(shape) == 4 and shape[3] == 1:
        return shape[1], shape[2]
    if len(shape) == 4 and shape[1] == 1:
        return shape[2], shape[3]
    return None


def _labels(array: np.ndarray) -> tuple[str, ...]:
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    return tuple(str(label) for label in array.reshape(-1).tolist())
