"""NumPy archives: arrays x and y to be divided, or x_train, y_train, x_test and y_test.

A pickle is never loaded: it can run any program.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib import format as npy

from mlplab.data.columns import LARGEST_FLOAT32
from mlplab.data.files import DataFile, require_memory
from mlplab.data.own_sets import Header, Rows, require_rows, spoken
from mlplab.declarations.data import NpzData
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
_DAMAGED = "it is cut short or damaged: write it again"
_WRITE_IT = "write it with numpy.savez_compressed(path, x=…, y=…)"


@dataclass(frozen=True)
class _Array:
    """An array of an archive, as its header describes it."""

    shape: tuple[int, ...]
    dtype: np.dtype


def read(declaration: NpzData, files: Sequence[DataFile]) -> tuple[Rows, Rows | None]:
    """Training rows and, if the archive has its own, test rows."""
    (file,) = files
    arrays = _arrays(file)
    train, test = _chosen(arrays, file)
    notes = _unused(arrays, (*train, *test), file)
    with np.load(file.path, allow_pickle=False) as archive:
        rows = [_rows(archive, *names, file) for names in (train, test) if names]
    return replace(rows[0], notes=notes), rows[1] if test else None


def header(declaration: NpzData, files: Sequence[DataFile]) -> Header:
    """The sizes of the arrays, none of which is unpacked."""
    (file,) = files
    arrays = _arrays(file)
    train, test = _chosen(arrays, file)
    for x, y in filter(None, (train, test)):
        _require_axes(arrays[x], x, arrays[y], y, file)
    features = math.prod(arrays[train[0]].shape[1:])
    if test and arrays[test[0]].shape[1:] != arrays[train[0]].shape[1:]:
        file.refuse(
            f"{test[0]} with rows of the shape {arrays[train[0]].shape[1:]}, as {train[0]} has",
            f"{arrays[test[0]].shape[1:]}",
            "give test rows of the same shape",
        )
    test_rows = arrays[test[0]].shape[0] if test else None
    return Header(arrays[train[0]].shape[0], test_rows, features)


def _arrays(file: DataFile) -> dict[str, _Array]:
    """The arrays of an archive by name; one that says more than it holds is refused."""
    with file.path.open("rb") as stream:
        start = stream.read(6)
    if not start.startswith(b"PK"):
        received = "a single array (.npy)" if start == b"\x93NUMPY" else "another kind of file"
        received = "an empty file" if not start else received
        file.refuse("a NumPy archive (.npz)", received, _WRITE_IT)  # fmt: skip
    try:
        with zipfile.ZipFile(file.path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
            require_memory(sum(m.file_size for m in members), file, "arrays")
            return {m.filename.removesuffix(".npy"): _array_in(archive, m, file) for m in members}
    except _UNREADABLE as error:
        file.refuse(
            "a whole NumPy archive (.npz)",
            f"one that cannot be opened ({shortened(str(error), 200)})",
            _DAMAGED,
        )


def _array_in(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: DataFile) -> _Array:
    name = member.filename.removesuffix(".npy")
    with archive.open(member) as stream:
        try:
            version = npy.read_magic(stream)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(stream)
        except (*_UNREADABLE, RecursionError, AttributeError, IndexError) as error:
            file.refuse(
                f"{name} as an array",
                f"one that cannot be read ({shortened(str(error), 200)})",
                _DAMAGED,
            )
        said, held = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
    if not dtype.hasobject and (min(shape, default=0) < 0 or said != held):
        file.refuse(
            f"{name} with the {said:,} bytes that its shape {shape} says",
            f"{held:,} bytes",
            _DAMAGED,
        )
    return _Array(shape, dtype)


def _chosen(
    arrays: Mapping[str, _Array], file: DataFile
) -> tuple[tuple[str, str], tuple[str, str] | tuple[()]]:
    """The names of the training arrays and, where the archive has them, the test arrays."""
    names = set(arrays)
    if not names & set(_PARTS):
        _require_arrays(names, _WHOLE, file)
        return _WHOLE, ()
    if names & set(_WHOLE):
        file.refuse(
            "either x and y, or x_train, y_train, x_test and y_test",
            f"both: {quoted(sorted(names), quote=False)}",
            "leave out the arrays that are not meant",
        )
    divided = bool(names & {"x_test", "y_test"})
    _require_arrays(names, _PARTS if divided else _PARTS[:2], file)
    return _PARTS[:2], _PARTS[2:] if divided else ()


def _unused(arrays: Mapping[str, _Array], used: tuple[str, ...], file: DataFile) -> tuple[str, ...]:
    others = sorted(shortened(name) for name in set(arrays) - set(used))
    if not others:
        return ()
    note = f"{file.path.name}: {quoted(others, quote=False)} of the archive are not used"
    if set(others) & {"x_val", "y_val", "x_valid", "y_valid"}:
        note += '; join them to x_train and y_train, and ask for "validation" rows'
    return (note,)


def _require_arrays(names: set[str], wanted: tuple[str, ...], file: DataFile) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        file.refuse(
            f"the arrays {quoted(wanted, quote=False)}",
            f"{quoted(sorted(names), quote=False) or 'none'}",
            f"add {quoted(missing, quote=False)}",
        )


def _array(archive: Mapping[str, np.ndarray], name: str, file: DataFile) -> np.ndarray:
    try:
        return archive[name]
    except _UNREADABLE as error:
        expected = f"{name} as an array of numbers or text"
        if "allow_pickle" in str(error):
            file.refuse(
                expected,
                "Python objects, which would have to be unpickled",
                "a pickle can run any program, so none is loaded: convert it with "
                f"{name}.astype(…) and write it again",
            )
        file.refuse(expected, f"one that cannot be read ({error})", _DAMAGED)


def _rows(archive: Mapping[str, np.ndarray], x: str, y: str, file: DataFile) -> Rows:
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
    )


def _require_axes(inputs: _Array, x: str, labels: _Array, y: str, file: DataFile) -> None:
    """Refuse arrays of other types or axes than inputs and labels have."""
    if inputs.dtype.kind not in "buif" or len(inputs.shape) < 2:
        file.refuse(
            f"{x} as numbers with the axes row and feature, or row, height and width",
            "Python objects, which are never loaded"
            if inputs.dtype.hasobject
            else f"{shortened(str(inputs.dtype))} of shape {inputs.shape}",
            "convert it to numbers, one row for each example",
        )
    rows = labels.shape[0] if labels.shape else 0
    is_column = len(labels.shape) == 2 and labels.shape[1] == 1
    if not (len(labels.shape) == 1 or is_column) or labels.dtype.kind not in "buiUS":
        file.refuse(
            f"{y} as whole numbers or text, one a row",
            "Python objects, which would have to be unpickled; a pickle can run any "
            "program, so none is loaded"
            if labels.dtype.hasobject
            else f"{shortened(str(labels.dtype))} of shape {labels.shape}",
            f"use {y}.argmax(axis=1)"
            if len(labels.shape) == 2
            else f"convert it with {y}.astype(int) if it holds whole numbers, or {y}.astype(str)",
        )
    require_rows(inputs.shape, rows, file, y)


def _usable(array: np.ndarray, x: str, file: DataFile) -> tuple[np.ndarray, float | None]:
    """Inputs as bytes where that loses nothing and they are images, else as float64."""
    if array.dtype == bool:
        return array.astype(np.uint8), 1.0
    is_image = array.ndim > 2 and array.dtype.kind in "ui"
    if array.dtype == np.uint8 or (is_image and array.min() >= 0 and array.max() <= 255):
        return array.astype(np.uint8), 255.0
    inputs = array.astype(np.float64)
    flat = inputs.reshape(len(inputs), -1)
    usable = np.abs(flat) <= LARGEST_FLOAT32
    if not usable.all():
        row, column = np.unravel_index(int(np.argmin(usable)), usable.shape)
        file.refuse(
            "finite numbers, at most 3.4e38 in size",
            f"{spoken(flat[row, column])} in {x}, row {row}, feature {column} (counted from 0)",
            "fill in or leave out such rows",
        )
    return inputs, None


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Height and width of images of one channel, which may have an axis of its own."""
    if len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    elif len(shape) == 4 and shape[1] == 1:
        shape = (shape[0], *shape[2:])
    return (shape[1], shape[2]) if len(shape) == 3 else None


def _labels(array: np.ndarray) -> tuple[str, ...]:
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    return tuple(str(label) for label in array.reshape(-1).tolist())
