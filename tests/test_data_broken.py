"""Every kind of broken data is one named sentence; its unbroken twin is read.

Each case takes a healthy set of files, which must be read, breaks one thing, and must then be
refused with a sentence that names the place and says what came.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from data_files import (
    ROWS,
    idx_bytes,
    images,
    labels,
    npz_arrays,
    write_csv,
    write_csv_pair,
    write_idx,
    write_npz,
)
from mlplab.data.preparation import prepare
from mlplab.declarations.data import Data
from mlplab.declarations.problems import BadInput

Settings = dict[str, Any]
Break = Callable[[Path], Settings | None]


@dataclass(frozen=True)
class Case:
    """`broken` breaks a file, or gives settings that do not fit, or both."""

    name: str
    healthy: Callable[[Path], Settings]
    broken: Break
    where: str
    says: str
    """Part of what the sentence must say."""
    line: int | None = None


def _bytes(name: str, change: Callable[[bytes], bytes]) -> Break:
    def broken(folder: Path) -> None:
        path = folder / name
        path.write_bytes(change(path.read_bytes()))

    return broken


def _arrays(**changed: np.ndarray | None) -> Break:
    def broken(folder: Path) -> None:
        arrays = npz_arrays() | changed
        write_npz(folder, {k: v for k, v in arrays.items() if v is not None})

    return broken


def _text(change: Callable[[str], str], name: str = "table.csv") -> Break:
    def broken(folder: Path) -> None:
        path = folder / name
        path.write_text(change(path.read_text()))

    return broken


def _settings(**changed: Any) -> Break:
    return lambda folder: changed


def _with(array: np.ndarray, row: int, column: int, value: float) -> np.ndarray:
    changed = array.copy()
    changed[row, column] = value
    return changed


def _single_array(_: bytes) -> bytes:
    stream = io.BytesIO()
    np.save(stream, npz_arrays()["x"])
    return stream.getvalue()


def _remove(name: str) -> Break:
    return lambda folder: (folder / name).unlink()


def _replace_by_folder(folder: Path) -> None:
    (folder / "train-labels").unlink()
    (folder / "train-labels").mkdir()


X = npz_arrays()["x"]
Y = npz_arrays()["y"]
LINE_5 = "2.5,9,setosa"
IMAGES, LABELS = "data.train_images", "data.train_labels"

IDX = [
    ("no file", _remove("train-labels"), LABELS, "where nothing is"),
    ("a folder", _replace_by_folder, LABELS, "got a folder"),
    ("empty file", _bytes("train-labels", lambda b: b""), LABELS, "an empty file"),
    ("gzip cut short", _bytes("train-images.gz", lambda b: b[:-20]), IMAGES, "cut short"),
    (
        "gzip with a wrong check sum",
        _bytes("train-images.gz", lambda b: b[:-8] + b"\0\0\0\0" + b[-4:]),
        IMAGES,
        "cannot be unpacked",
    ),
    ("not IDX", _bytes("train-labels", lambda b: b"hello" + b), LABELS, "begins with 68 65 6c 6c"),
    ("other elements", _bytes("train-labels", lambda b: b"\0\0\x0d" + b[3:]), LABELS, "type 0x0d"),
    (
        "images and labels exchanged",
        _settings(train_images="train-labels", train_labels="train-images.gz"),
        IMAGES,
        "got a file of labels; exchange",
    ),
    ("two dimensions", _bytes("train-labels", lambda b: b[:3] + b"\x02" + b[4:]), LABELS, "2 dim"),
    ("header cut short", _bytes("train-labels", lambda b: b[:6]), LABELS, "a file of 6 bytes"),
    (
        "rows cut short",
        _bytes("train-labels", lambda b: b[:-1]),
        LABELS,
        "30 bytes after .* got 29",
    ),
    ("bytes too many", _bytes("train-labels", lambda b: b + b"\0"), LABELS, "30 bytes .* got 31"),
    ("no rows", _bytes("train-labels", lambda b: idx_bytes(labels(0))), LABELS, "the sizes 0"),
    (
        "fewer labels than images",
        _bytes("train-labels", lambda b: idx_bytes(labels(ROWS - 1))),
        LABELS,
        "30 labels, .* got 29",
    ),
    (
        "one class only",
        _bytes("train-labels", lambda b: idx_bytes(labels() * 0)),
        LABELS,
        'two classes, but got only "0"',
    ),
    (
        "a test class never learned",
        _bytes("test-labels", lambda b: b[:-1] + b"\x07"),
        "data.test_labels",
        '"7" in test row 8',
    ),
    (
        "test images of another size",
        _bytes("test-images.gz", lambda b: idx_bytes(images(9)[:, :, 1:])),
        "data.test_images",
        "images of 4×4.* got images of 4×3",
    ),
    ("test images only", _settings(test_labels=None), "data.test_labels", "only one of them"),
    ("test twice", _settings(test=5), "data.test", "got both"),
]

NPZ = [
    ("another kind of file", _bytes("set.npz", lambda b: b"x,y\n1,2\n"), "another kind of file"),
    ("a single array", _bytes("set.npz", _single_array), "a single array"),
    ("cut short", _bytes("set.npz", lambda b: b[:-300]), "cannot be opened"),
    ("damaged", _bytes("set.npz", lambda b: b[:300] + b"\xff\xff" + b[302:]), "cut short or damag"),
    ("pickled labels", _arrays(y=np.array([{}] * ROWS)), "unpickled; a pickle can run any program"),
    ("no labels", _arrays(y=None), "arrays x, y, but got x; add y"),
    ("x and x_train", _arrays(x_train=X, y_train=Y), "got both: x, x_train, y, y_train"),
    (
        "x_test without y_test",
        _arrays(x=None, y=None, x_train=X, y_train=Y, x_test=X),
        "add y_test",
    ),
    ("no arrays", _arrays(x=None, y=None), "got none"),
    ("fewer labels", _arrays(y=Y[:-1]), "30 labels in y, .* got 29"),
    ("NaN", _arrays(x=_with(X, 7, 3, np.nan)), "got NaN in x, row 7, feature 3"),
    ("infinity", _arrays(x=_with(X, 29, 0, -np.inf)), "got -infinity in x, row 29, feature 0"),
    ("beyond float32", _arrays(x=_with(X, 1, 2, 1e39)), r"got 1e\+39 in x, row 1, feature 2"),
    ("no rows", _arrays(x=X[:0], y=Y[:0]), "the sizes 0×5"),
    ("no features", _arrays(x=X[:, :0]), "the sizes 30×0"),
    ("inputs of text", _arrays(x=X.astype(str)), "x as numbers"),
    ("one axis", _arrays(x=X[:, 0]), r"shape \(30,\)"),
    ("fractional labels", _arrays(y=Y / 2), r"y\.astype\(int\)"),
    ("one-hot labels", _arrays(y=np.eye(3)[Y]), r"y\.argmax\(axis=1\)"),
    ("one class only", _arrays(y=Y * 0 + 4), 'only "4"'),
    ("measurements for labels", _arrays(y=np.arange(ROWS)), "30 different labels in 30 rows"),
    ("test part too large", _settings(test=28), "at most 27 of the 30 rows, .* got 28 rows"),
    ("validation too large", _settings(validation=22), "at most 21 of the 24 rows"),
    ("an unknown class", _settings(classes=(0, 5)), '"0", "1", "2", but got 5'),
    ("a class twice", _settings(classes=(1, "1")), '"1" a second time'),
]
NPZ_WHERE = {
    "test part too large": "data.test",
    "validation too large": "data.validation",
    "an unknown class": "data.classes[1]",
    "a class twice": "data.classes[1]",
}

CSV = [
    ("a word for a number", lambda t: t.replace(LINE_5, "2.5,many,setosa"), '"width".* "many"', 5),
    ("an empty cell", lambda t: t.replace(LINE_5, "2.5,,setosa"), '"width".* got nothing', 5),
    ("NaN", lambda t: t.replace(LINE_5, "nan,9,setosa"), '"length".* got NaN', 5),
    ("infinity", lambda t: t.replace(LINE_5, "inf,9,setosa"), '"length".* got infinity', 5),
    ("a number beyond all", lambda t: t.replace(LINE_5, "2.5,1e999,setosa"), "infinity", 5),
    ("Python's digit groups", lambda t: t.replace(LINE_5, "2.5,1_000,setosa"), '"1_000"', 5),
    ("after blank lines", lambda t: t.replace(LINE_5, "\n\n2.5,x,setosa"), '"x"', 7),
    ("truth values", lambda t: t.replace(",0,", ",True,").replace(",1,", ",no,"), '"True"', 2),
    ("no class", lambda t: t.replace(LINE_5, "2.5,9,"), '"species".* got nothing', 5),
    ("too few fields", lambda t: t.replace(LINE_5, "2.5,9"), "3 fields in every line.* got 2", 5),
    (
        "too few fields, label first",
        lambda t: "".join(f"{','.join(reversed(c.split(',')))}\n" for c in t.split()).replace(
            "setosa,9,2.5", "setosa,9"
        ),
        "3 fields in every line.* got 2",
        5,
    ),
    (
        "a title above the names",
        lambda t: "Flowers of three kinds\n" + t,
        "remove titles",
        1,
    ),
    (
        "too many fields",
        lambda t: t.replace(LINE_5, "2.5,9,1,setosa"),
        "3 fields in every line.* got 4",
        5,
    ),
    (
        "all lines too long",
        lambda t: t.replace("\n", ",1\n").replace("species,1", "species"),
        "3 fields in every line.* got 4",
        2,
    ),
    (
        "a quotation without end",
        lambda t: t.replace(LINE_5, '"2.5,9,setosa'),
        "3 fields in every line.* got 1; put quotes",
        31,
    ),
    ("empty file", lambda t: "", "an empty file", None),
    ("header only", lambda t: t.splitlines()[0], "one row below the header, but got none", None),
    ("semicolons", lambda t: t.replace(",", ";"), "separate with commas", 1),
    ("a column twice", lambda t: t.replace("width", "length", 1), '"length" a second time', 1),
    ("row numbers", lambda t: t.replace("length", "", 1), "no name for column 1", 1),
    ("label only", lambda t: "\n".join(["species"] + ["a", "b"] * 9), "beside the label", 1),
    ("zero bytes", lambda t: t.replace(LINE_5, "2.5,\0,setosa"), "zero bytes", None),
]

CASES = [
    *(Case(f"idx: {name}", write_idx, how, where, says) for name, how, where, says in IDX),
    *(
        Case(f"npz: {name}", write_npz, how, NPZ_WHERE.get(name, "data.path"), says)
        for name, how, says in NPZ
    ),
    *(
        Case(
            f"csv: {name}",
            write_csv,
            _text(change),
            "data.label" if name == "semicolons" else "data.path",
            says,
            line,
        )
        for name, change, says, line in CSV
    ),
    Case(
        "csv: no such label",
        write_csv,
        _settings(label="speceis"),
        "data.label",
        'mean "species"',
        1,
    ),
    Case(
        "csv: not UTF-8",
        write_csv,
        _bytes("table.csv", lambda b: b.replace(b"setosa", b"set\xf3sa")),
        "data.path",
        "a byte at",
    ),
    Case(
        "csv: packed",
        write_csv,
        _bytes("table.csv", gzip.compress),
        "data.path",
        "not packed",
    ),
    Case(
        "csv: other columns in the test table",
        write_csv_pair,
        _text(lambda t: t.replace("width", "height", 1), "test.csv"),
        "data.test_path",
        'without "width" and with "height" besides',
        1,
    ),
    Case(
        "csv: a test class never learned",
        write_csv_pair,
        _text(lambda t: t.replace(LINE_5, "2.5,9,rose"), "test.csv"),
        "data.test_path",
        '"rose" in test row 3',
    ),
]


def _declared(settings: Settings) -> Data:
    return TypeAdapter(Data).validate_python(settings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_broken_data_are_refused_and_their_twin_is_read(case: Case, tmp_path: Path) -> None:
    settings = case.healthy(tmp_path)
    assert len(prepare(_declared(settings), tmp_path).train_rows) >= 24

    settings |= case.broken(tmp_path) or {}
    with pytest.raises(BadInput, match=case.says) as refusal:
        prepare(_declared(settings), tmp_path)
    (problem,) = refusal.value.problems
    assert problem.where == case.where
    assert problem.line == case.line
    assert "\n" not in str(problem)
    if case.where in ("data.path", "data.test_path", IMAGES, LABELS):
        assert str(tmp_path) in str(problem)


def test_a_misspelt_file_is_guessed(tmp_path: Path) -> None:
    settings = write_npz(tmp_path) | {"path": "sett.npz"}
    with pytest.raises(BadInput, match=r'did you mean "set\.npz"\?'):
        prepare(_declared(settings), tmp_path)


def test_a_table_whose_lines_end_in_carriage_returns_is_read(tmp_path: Path) -> None:
    settings = write_csv(tmp_path)
    path = tmp_path / "table.csv"
    rows = prepare(_declared(settings), tmp_path).inputs
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    np.testing.assert_array_equal(prepare(_declared(settings), tmp_path).inputs, rows)


def test_a_cell_too_long_for_a_table_is_told(tmp_path: Path) -> None:
    settings = write_csv(tmp_path)
    path = tmp_path / "table.csv"
    path.write_text(path.read_text().replace(LINE_5, f"{'x' * 200_000},9,setosa"))
    with pytest.raises(BadInput, match="cells of at most 131,072 characters"):
        prepare(_declared(settings), tmp_path)
