"""NumPy archives: arrays x and y to be divided, or x_train, y_train, x_test and y_test.

A pickle is never loaded: it can run any program.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from mlplab.data.own_files import OwnFile, content_of
from mlplab.data.own_sets import Rows, first_unusable, require_rows, spoken
from mlplab.data.refusal import refuse
from mlplab.declarations.problems import listed

_WHOLE = ("x", "y")
_PARTS = ("x_train", "y_train", "x_test", "y_test")
_UNREADABLE = (ValueError, zlib.error, zipfile.BadZipFile, EOFError, OSError, MemoryError, KeyError)


def npz(file: OwnFile) -> tuple[Rows, Rows | None]:
    """Training rows and, if the archive has its own, test rows."""
    with _opened(file) as archive:
        names = set(archive.files)
        if not names & set(_PARTS):
            _require_arrays(names, _WHOLE, file)
            return _rows(archive, *_WHOLE, file), None
        if names & set(_WHOLE):
            refuse(
                file.where,
                expected="either x and y, or x_train, y_train, x_test and y_test",
                received=f"both: {listed(sorted(names), quote=False)}",
                hint="leave out the arrays that are not meant",
                file=file.path,
            )
        if names & {"x_test", "y_test"}:
            _require_arrays(names, _PARTS, file)
            return _rows(archive, *_PARTS[:2], file), _rows(archive, *_PARTS[2:], file)
        _require_arrays(names, _PARTS[:2], file)
        return _rows(archive, *_PARTS[:2], file), None


def _opened(file: OwnFile) -> np.lib.npyio.NpzFile:
    content = content_of(file)
    hint = "write it with numpy.savez_compressed(path, x=…, y=…)"
    if not content.startswith(b"PK"):
        single = content.startswith(b"\x93NUMPY")
        refuse(
            file.where,
            expected="a NumPy archive (.npz)",
            received="a single array (.npy)" if single else "another kind of file",
            hint=hint,
            file=file.path,
        )
    try:
        return np.load(io.BytesIO(content), allow_pickle=False)
    except _UNREADABLE as error:
        refuse(
            file.where,
            expected="a whole NumPy archive (.npz)",
            received=f"one that cannot be opened ({error})",
            hint="it is cut short or damaged: write it again",
            file=file.path,
        )


def _require_arrays(names: set[str], wanted: tuple[str, ...], file: OwnFile) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        refuse(
            file.where,
            expected=f"the arrays {listed(wanted, quote=False)}",
            received=f"{listed(sorted(names), quote=False) or 'none'}",
            hint=f"add {listed(missing, quote=False)}",
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
    if not isinstance(array, np.ndarray):
        refuse(
            file.where,
            expected=f"{name} as an array",
            received="other bytes",
            hint="write it with numpy.savez_compressed",
            file=file.path,
        )
    return array


def _rows(archive: Mapping[str, np.ndarray], x: str, y: str, file: OwnFile) -> Rows:
    array = _array(archive, x, file)
    if array.dtype.kind not in "buif" or array.ndim < 2:
        refuse(
            file.where,
            expected=f"{x} as numbers with the axes row and feature, or row, height and width",
            received=f"{array.dtype} of shape {array.shape}",
            hint="convert it to numbers, one row for each example",
            file=file.path,
        )
    labels = _labels(_array(archive, y, file), y, file)
    require_rows(array, len(labels), file, y)
    inputs, largest = _usable(array, x, file)
    return Rows(
        inputs=inputs.reshape(len(inputs), -1),
        labels=labels,
        image_shape=_image_shape(array.shape),
        largest=largest,
        inputs_file=file,
        labels_file=file,
    )


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


def _labels(array: np.ndarray, y: str, file: OwnFile) -> tuple[str, ...]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "buiUS":
        refuse(
            file.where,
            expected=f"{y} as whole numbers or text, one a row",
            received=f"{array.dtype} of shape {array.shape}",
            hint=f"use {y}.argmax(axis=1)"
            if array.ndim == 2
            else f"convert it with {y}.astype(int) if it holds whole numbers",
            file=file.path,
        )
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    return tuple(str(label) for label in array.tolist())
