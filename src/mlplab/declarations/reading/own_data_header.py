"""The first bytes of a user's own data: what they are, and how many rows and features they hold.

Only headers are read, so that checking a study costs nothing however large its data are.
"""

from __future__ import annotations

import ast
import csv
import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import IO, TypeGuard, TypeVar

from mlplab.declarations.data import CsvData, IdxData, NpzData, part_size
from mlplab.declarations.problems import did_you_mean, listed, shown
from mlplab.declarations.reading.validation import Fault

DRAWN_TEST_SHARE = 0.2
"""The share of rows drawn as the test part when none is given."""


@dataclass(frozen=True)
class Header:
    """What the headers tell; None for what they do not."""

    train_rows: int | None = None
    test_rows: int | None = None
    features: int | None = None
    faults: tuple[Fault, ...] = ()


class _UnreadableError(Exception):
    def __init__(self, expected: str, received: str, hint: str | None = None) -> None:
        super().__init__(expected)
        self.expected, self.received, self.hint = expected, received, hint


def read_header(data: IdxData | NpzData | CsvData, folder: Path) -> Header:
    """The header of own data; paths are relative to `folder`, and faults name their setting."""
    if isinstance(data, IdxData):
        header = _idx(data, folder)
    elif isinstance(data, NpzData):
        header = _npz(data, folder)
    else:
        header = _csv(data, folder)
    return header if header.faults else _divided(header, data.test)


def _divided(header: Header, test: float | None) -> Header:
    """The header after the test part was drawn from the rows, where none is given."""
    rows = header.train_rows
    if header.test_rows is not None or rows is None:
        return header
    part = DRAWN_TEST_SHARE if test is None else test
    size = part_size(part, rows)
    if size >= rows:
        fault = Fault(("test",), f"fewer than the {rows} rows of the data", shown(part))
        return Header(faults=(fault,))
    return Header(rows - size, size, header.features)


Result = TypeVar("Result")

# zipfile raises RuntimeError for an archive that is encrypted or packed in a way it does not know.
_UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    csv.Error,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def _opened(file: str, folder: Path, read: Callable[[Path], Result], kind: str) -> Result:
    path = folder / file  # what problems call it where ~ names nobody's home
    try:
        path = folder / Path(file).expanduser()
        return read(path)
    except FileNotFoundError:
        near = _files_beside(path)
        raise _UnreadableError(
            f"{kind}",
            f"{shown(file)}, where nothing lies in {folder.resolve()}",
            did_you_mean(path.name, near) or "check the path; it is relative to the study",
        ) from None
    except IsADirectoryError:
        raise _UnreadableError(kind, f"the folder {shown(file)}", "name the file itself") from None
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _UnreadableError(kind, f"{shown(file)}, which cannot be read ({reason})") from None
    except ValueError as error:
        raise _UnreadableError(kind, f"{shown(file)} ({error})") from None


def _files_beside(path: Path) -> list[str]:
    try:
        return [file.name for file in islice(path.parent.iterdir(), 1000)]
    except OSError:
        return []


def _tried(
    read: Callable[[Path], Result], key: str, file: str, folder: Path, kind: str
) -> tuple[Result | None, list[Fault]]:
    """What a file gives, or the fault, at its setting, that it cannot be read."""
    try:
        return _opened(file, folder, read, kind), []
    except _UnreadableError as error:
        return None, [Fault((key,), error.expected, error.received, error.hint)]


def _both_given(has_test_files: bool, test: float | None, key: str) -> list[Fault]:
    if has_test_files and test is not None:
        received = f"{shown(test)} beside {key}"
        return [
            Fault(("test",), f'no drawn test part, as "{key}" gives one', received, "remove one")
        ]
    return []


# --- IDX -------------------------------------------------------------------------------------

_UNSIGNED_BYTES = 8
_IDX_KINDS = {1: "labels", 3: "images"}


def _idx(data: IdxData, folder: Path) -> Header:
    faults = _both_given(data.test_images is not None, data.test, "test_images")
    for one, other in (("test_images", "test_labels"), ("test_labels", "test_images")):
        if getattr(data, one) is None and getattr(data, other) is not None:
            faults.append(Fault((one,), f"a file, as {other} is given", "none", f'add "{one}"'))
    keys = ["train_images", "train_labels", "test_images", "test_labels"]
    given = [key for key in keys if getattr(data, key) is not None]
    shapes: dict[str, tuple[int, ...]] = {}
    for key in given:
        dimensions = 3 if key.endswith("images") else 1
        kind = f"an IDX file of {_IDX_KINDS[dimensions]}"
        read = partial(_idx_shape, dimensions)
        shape, more = _tried(read, key, getattr(data, key), folder, kind)
        faults += more
        if shape is not None:
            shapes[key] = shape
    faults += _idx_contradictions(shapes)
    if faults or "train_images" not in shapes:
        return Header(faults=tuple(faults))
    rows, *sides = shapes["train_images"]
    test = shapes["test_images"][0] if "test_images" in shapes else None
    return Header(rows, test, math.prod(sides))


def _idx_shape(dimensions: int, path: Path) -> tuple[int, ...]:
    with _unpacked(path) as file:
        magic = file.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0":
            raise ValueError("it does not start as IDX files do")
        if magic[2] != _UNSIGNED_BYTES:
            raise ValueError(f"its elements are of type 0x{magic[2]:02x}, not unsigned bytes")
        if magic[3] != dimensions:
            held = _IDX_KINDS.get(magic[3], f"{magic[3]} dimensions")
            raise ValueError(f"it holds {held}")
        sizes = file.read(4 * dimensions)
        if len(sizes) < 4 * dimensions:
            raise ValueError("it ends within its header")
        shape = struct.unpack(f">{dimensions}I", sizes)
    if 0 in shape:
        raise ValueError("it holds nothing")
    if not _is_packed(path):
        expected = 4 + 4 * dimensions + math.prod(shape)
        if path.stat().st_size != expected:
            raise ValueError(f"it is {path.stat().st_size} bytes long instead of {expected}")
    return shape


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _unpacked(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.GzipFile(path, "rb") if _is_packed(path) else path.open("rb")


def _idx_contradictions(shapes: dict[str, tuple[int, ...]]) -> list[Fault]:
    faults = []
    for part in ("train", "test"):
        images, labels = shapes.get(f"{part}_images"), shapes.get(f"{part}_labels")
        if images and labels and images[0] != labels[0]:
            faults.append(
                Fault(
                    (f"{part}_labels",),
                    f"{images[0]} labels, one for each of the images",
                    f"{labels[0]}",
                    "check that the two files belong together",
                )
            )
    train, test = shapes.get("train_images"), shapes.get("test_images")
    if train and test and train[1:] != test[1:]:
        faults.append(
            Fault(
                ("test_images",),
                f"images of {'×'.join(map(str, train[1:]))} as in training",
                "×".join(map(str, test[1:])),
            )
        )
    return faults


# --- NPZ -------------------------------------------------------------------------------------

_WHOLE = ("x", "y")
_TRAIN_ONLY = ("x_train", "y_train")
_DIVIDED = ("x_train", "y_train", "x_test", "y_test")


def _npz(data: NpzData, folder: Path) -> Header:
    shapes, faults = _tried(_npz_shapes, "path", data.path, folder, "a NumPy archive (.npz)")
    if shapes is None:
        return Header(faults=tuple(faults))
    names = next((n for n in (_DIVIDED, _TRAIN_ONLY, _WHOLE) if set(n) <= set(shapes)), None)
    if names is None:
        expected = f"an archive with the arrays {listed(_WHOLE)} or {listed(_DIVIDED)}"
        received = f"only {listed(shapes)}" if shapes else "an empty one"
        return Header(faults=(Fault(("path",), expected, received),))
    divided = names is _DIVIDED
    faults = _both_given(divided, data.test, "x_test")
    faults += _npz_contradictions({name: shapes[name] for name in names})
    if faults:
        return Header(faults=tuple(faults))
    rows, *sides = shapes[names[0]]
    return Header(rows, shapes["x_test"][0] if divided else None, math.prod(sides))


def _npz_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".npy")]
        shapes = {}
        for member in members:
            with archive.open(member) as file:
                shapes[member.removesuffix(".npy")] = _npy_shape(file, member)
        return shapes


def _npy_shape(file: IO[bytes], name: str) -> tuple[int, ...]:
    """The shape in the header of a .npy file (format versions 1 to 3)."""
    magic = file.read(8)
    if len(magic) < 8 or magic[:6] != b"\x93NUMPY":
        raise ValueError(f"{name} in it is no NumPy array")
    size = struct.unpack("<H", file.read(2)) if magic[6] == 1 else struct.unpack("<I", file.read(4))
    try:
        header = ast.literal_eval(file.read(size[0]).decode("utf-8"))
        shape, kind = header["shape"], header["descr"]
    except (SyntaxError, KeyError, TypeError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"the header of {name} in it is damaged") from None
    if "O" in str(kind):
        raise ValueError(f"{name} in it holds Python objects, which are never loaded")
    if not _is_shape(shape):
        raise ValueError(f"the header of {name} in it gives the shape {shown(shape)}")
    return shape


def _is_shape(value: object) -> TypeGuard[tuple[int, ...]]:
    return isinstance(value, tuple) and all(
        isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in value
    )


def _npz_contradictions(shapes: dict[str, tuple[int, ...]]) -> list[Fault]:
    faults = []
    for name, shape in shapes.items():
        inputs = name.startswith("x")
        labels = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
        if (inputs and len(shape) < 2) or (not inputs and not labels) or 0 in shape:
            form = "(row, feature)" if inputs else "(row,)"
            faults.append(Fault(("path",), f"{name} of the shape {form}, not empty", str(shape)))
    if faults:
        return faults
    for x, y in (("x", "y"), ("x_train", "y_train"), ("x_test", "y_test")):
        if x in shapes and shapes[x][0] != shapes[y][0]:
            expected = f"{shapes[x][0]} values in {y}, as {x} has rows"
            faults.append(Fault(("path",), expected, str(shapes[y][0])))
    if "x_test" in shapes and shapes["x_train"][1:] != shapes["x_test"][1:]:
        expected = f"x_test with rows of the shape {shapes['x_train'][1:]}, as x_train has"
        faults.append(Fault(("path",), expected, str(shapes["x_test"][1:])))
    return faults


# --- CSV -------------------------------------------------------------------------------------


def _csv(data: CsvData, folder: Path) -> Header:
    faults = _both_given(data.test_path is not None, data.test, "test_path")
    kind = "a CSV file with a header line"
    columns: dict[str, list[str]] = {}
    for key in ("path", "test_path"):
        file = getattr(data, key)
        if file is not None:
            names, more = _tried(_csv_columns, key, file, folder, kind)
            faults += more
            if names is not None:
                columns[key] = names
    for key, names in columns.items():
        if key == "path" and data.label not in names:
            hint = did_you_mean(data.label, names)
            received = shown(data.label)
            faults.append(
                Fault(("label",), f"a column of the table: {listed(names)}", received, hint)
            )
        elif key == "test_path" and "path" in columns and set(names) != set(columns["path"]):
            other = sorted(set(names) ^ set(columns["path"]))
            expected = "the same columns as in the training table"
            faults.append(Fault((key,), expected, f"{listed(other)} in only one of them"))
    if faults:
        return Header(faults=tuple(faults))
    return Header(features=len(columns["path"]) - 1)


def _csv_columns(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(islice((row for row in csv.reader(file) if row), 3))
    if not rows:
        raise ValueError("it is empty")
    names = [name.strip() for name in rows[0]]
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise ValueError(f"two of its columns are named {shown(twice[0])}")
    if len(names) < 2:
        raise ValueError("it has a single column; a label and a feature need two, with commas")
    if len(rows) < 3:
        raise ValueError("it has fewer than two rows below its header")
    return names
