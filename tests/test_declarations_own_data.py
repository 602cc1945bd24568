"""Own data are looked at as far as their headers: what they are, how large, and what is wrong."""

import gzip
import io
import json
import re
import struct
import zipfile

import numpy as np
import pytest

from mlplab.declarations.data import CsvData, IdxData, NpzData
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mlplab.declarations.resolving.data_size import data_size, headers_only


def idx(shape, kind=8):
    return (
        bytes([0, 0, kind, len(shape)])
        + struct.pack(f">{len(shape)}I", *shape)
        + bytes(int(np.prod(shape)))
    )


def sizes(data, folder):
    with headers_only():
        size, faults = data_size(data, folder)
    assert faults == ()
    return size.train_rows, size.validation_rows, size.test_rows, size.features


def fault(data, folder):
    with headers_only():
        _, (found,) = data_size(data, folder)
    return found


# IDX


@pytest.fixture
def idx_folder(tmp_path):
    files = {
        "train": (50, 3, 4),
        "train-labels": (50,),
        "test": (20, 3, 4),
        "test-labels": (20,),
        "other": (20, 5, 4),
    }
    for name, shape in files.items():
        (tmp_path / name).write_bytes(idx(shape))
    return tmp_path


def pair(**more):
    return IdxData(format="idx", train_images="train", train_labels="train-labels", **more)


def test_idx_sizes(idx_folder):
    both = {"test_images": "test", "test_labels": "test-labels"}
    assert sizes(pair(**both), idx_folder) == (50, 0, 20, 12)
    assert sizes(pair(**both, validation=5), idx_folder) == (45, 5, 20, 12)
    assert sizes(pair(), idx_folder) == (40, 0, 10, 12)  # a fifth is drawn
    assert sizes(pair(test=15), idx_folder) == (35, 0, 15, 12)
    assert sizes(pair(test=0.5, validation=0.2), idx_folder) == (20, 5, 25, 12)


def test_packed_idx_is_known_by_its_bytes_not_its_name(idx_folder):
    (idx_folder / "train").write_bytes(gzip.compress(idx((50, 3, 4))))
    assert sizes(pair(), idx_folder) == (40, 0, 10, 12)


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (b"", "an empty file"),
        (b"P5 28 28 255", "begins with 50 35 20 32"),
        (idx((50,)), "a file of labels"),
        (idx((50, 3)), "2 dimensions"),
        (idx((50, 3, 4), kind=13), "elements of type 0x0d"),
        (idx((50, 3, 4))[:9], "a file of 9 bytes"),
        (idx((50, 3, 4))[:-1], "599"),
        (idx((0, 3, 4)), "the sizes 0×3×4"),
        (gzip.compress(idx((50, 3, 4)), mtime=0)[:12], "cannot be unpacked"),
    ],
)
def test_broken_idx(idx_folder, content, received):
    (idx_folder / "train").write_bytes(content)
    found = fault(pair(), idx_folder)
    assert found.where == ("train_images",)
    assert received in found.received


def test_idx_files_that_do_not_belong_together(idx_folder):
    assert fault(pair(test_images="test"), idx_folder).where == ("test_labels",)
    mixed = pair(test_images="test", test_labels="train-labels")
    assert fault(mixed, idx_folder).expected.startswith("20 labels, one for each")
    other = pair(test_images="other", test_labels="test-labels")
    assert fault(other, idx_folder).expected.startswith("images of 3×4")
    twice = pair(test_images="test", test_labels="test-labels", test=0.1)
    assert fault(twice, idx_folder).where == ("test",)
    assert fault(pair(test=50), idx_folder).expected == "fewer than the 50 rows of the data"


def test_a_missing_file_is_told_with_the_one_that_was_meant(idx_folder):
    data = IdxData(format="idx", train_images="trian", train_labels="train-labels")
    found = fault(data, idx_folder)
    assert found.hint == 'did you mean "train"?'
    (idx_folder / "folder").mkdir()
    data = IdxData(format="idx", train_images="folder", train_labels="train-labels")
    assert fault(data, idx_folder).received.startswith("a folder")


# NPZ


def npz(folder, **arrays):
    np.savez(folder / "data.npz", **arrays)
    return NpzData(format="npz", path="data.npz")


def test_a_path_from_home_is_read_as_loading_reads_it(tmp_path, monkeypatch):
    npz(tmp_path, x=np.zeros((30, 2, 5)), y=np.zeros(30, int))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert sizes(NpzData(format="npz", path="~/data.npz"), tmp_path / "elsewhere") == (24, 0, 6, 10)


def test_npz_sizes(tmp_path):
    x, y = np.zeros((30, 2, 5)), np.zeros(30, int)
    assert sizes(npz(tmp_path, x=x, y=y), tmp_path) == (24, 0, 6, 10)
    assert sizes(npz(tmp_path, x=x, y=y[:, None]), tmp_path) == (24, 0, 6, 10)
    assert sizes(npz(tmp_path, x_train=x, y_train=y), tmp_path) == (24, 0, 6, 10)
    parts = {"x_train": x, "y_train": y, "x_test": x[:7], "y_test": y[:7]}
    assert sizes(npz(tmp_path, **parts), tmp_path) == (30, 0, 7, 10)
    np.savez_compressed(tmp_path / "data.npz", x=x, y=y)
    assert sizes(NpzData(format="npz", path="data.npz"), tmp_path) == (24, 0, 6, 10)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"x": np.zeros((3, 2))}, "the arrays x, y"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(4, int)}, "3 labels in y"),
        ({"x": np.zeros(3), "y": np.zeros(3, int)}, "x as numbers with the axes row and feature"),
        ({"x": np.zeros((3, 2)), "y": np.zeros((3, 2), int)}, "y as whole numbers or text"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(3)}, "y as whole numbers or text"),
        ({"x": np.zeros((0, 2)), "y": np.zeros(0, int)}, "at least one row"),
        (
            {"x_train": np.zeros((3, 2)), "y_train": np.zeros(3, int),
             "x_test": np.zeros((3, 1)), "y_test": np.zeros(3, int)},
            "x_test with rows of the shape (2,)",
        ),
    ],
)  # fmt: skip
def test_npz_that_cannot_be_used(tmp_path, arrays, expected):
    found = fault(npz(tmp_path, **arrays), tmp_path)
    assert expected in found.expected
    assert found.where == ("path",)


def test_npz_that_is_none(tmp_path):
    data = NpzData(format="npz", path="data.npz")
    (tmp_path / "data.npz").write_bytes(b"PK\x03\x04 not an archive")
    assert "cannot be opened" in fault(data, tmp_path).received
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x.npy", "no array")
    assert "cannot be read" in fault(data, tmp_path).received
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}, {}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
        archive.writestr("y.npy", buffer.getvalue())
    assert "Python objects, which are never loaded" in fault(data, tmp_path).received


HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': %s}"


@pytest.mark.parametrize(
    ("header", "received"),
    [
        (b"", "cannot be read"),
        (HEADER % b"40", "shape is not valid: 40"),
        (HEADER % b"None", "shape is not valid: None"),
        (HEADER % b"(-40, 3)", "0 bytes"),
        (HEADER % b"(3_000_000_000, 1000)", "0 bytes"),
        (b"-" * 50_000 + b"1", "cannot be read"),
        (b"__import__('os').getcwd()", "cannot be read"),
    ],
)
def test_npz_with_an_odd_header(tmp_path, header, received):
    magic = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) if header else b"\x93NUMPY"
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x.npy", magic + header)
    assert received in fault(NpzData(format="npz", path="data.npz"), tmp_path).received


@pytest.mark.parametrize(
    ("local", "central", "value", "received"),
    [(6, 8, 1, "encrypted"), (8, 10, 97, "compression")],
)
def test_npz_that_zipfile_cannot_unpack(tmp_path, local, central, value, received):
    npz(tmp_path, x=np.zeros((4, 2)), y=np.zeros(4, int))
    content = bytearray((tmp_path / "data.npz").read_bytes())
    for sign, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        for found in re.finditer(re.escape(sign), bytes(content)):
            content[found.start() + offset] = value
    (tmp_path / "data.npz").write_bytes(content)
    assert received in fault(NpzData(format="npz", path="data.npz"), tmp_path).received


# CSV

TABLE = "x1, x2 ,kind\n1,2,a\n3,4,b\n5,6,a\n7,8,b\n9,8,b\n2,3,a\n"


def csv(label="kind", **more):
    return CsvData(format="csv", path="t.csv", label=label, **more)


def test_csv_features_are_known_and_rows_are_not(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    assert sizes(csv(), tmp_path) == (None, 0, None, 2)
    assert sizes(csv(validation=0.1), tmp_path) == (None, None, None, 2)


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("", "an empty file"),
        ("x,kind\n", "none"),
        ("kind\na\nb\n", "none"),
        (f"x,kind\n{'1' * 200_000},a\n2,b\n", "field larger"),
        ("x,x,kind\n1,2,a\n1,2,b\n", '"x" a second time'),
    ],
)
def test_broken_csv(tmp_path, text, received):
    (tmp_path / "t.csv").write_text(text)
    assert received in fault(csv(), tmp_path).received


def test_csv_columns(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    found = fault(csv(label="knd"), tmp_path)
    assert (found.where, found.hint) == (("label",), 'did you mean "kind"?')
    (tmp_path / "test.csv").write_text(TABLE.replace("x1", "x9"))
    found = fault(csv(test_path="test.csv"), tmp_path)
    assert found.where == ("test_path",)
    assert '"x1"' in found.received
    assert '"x9"' in found.received
    (tmp_path / "test.csv").write_text(TABLE)
    assert sizes(csv(test_path="test.csv"), tmp_path) == (None, 0, None, 2)
    assert fault(csv(test_path="test.csv", test=0.1), tmp_path).where == ("test",)
    (tmp_path / "t.csv").write_bytes(b"x,kind\n\xff,a\n1,b\n")
    assert fault(csv(), tmp_path).where == ("path",)


def test_own_data_are_read_whole_unless_only_headers_are_asked_for(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    size, faults = data_size(csv(), tmp_path)
    assert faults == ()
    assert (size.train_rows, size.test_rows, size.features, size.classes) == (5, 1, 2, 2)
    (tmp_path / "t.csv").write_text(TABLE.replace("7,8", "7,").replace("9,", "nine,"))
    assert sizes(csv(), tmp_path) == (None, 0, None, 2)
    _, faults = data_size(csv(), tmp_path)
    assert [(f.where, f.received) for f in faults] == [
        (("path",), '"nine" (in t.csv, line 6)'),
        (("path",), "nothing (in t.csv, line 5)"),
    ]


def test_own_data_lie_beside_the_study_and_are_told_with_it(tmp_path, monkeypatch):
    folder = tmp_path / "deep" / "inside"
    folder.mkdir(parents=True)
    (folder / "t.csv").write_text(TABLE)
    study = {
        "data": {"format": "csv", "path": "t.csv", "label": "kind"},
        "training": {"steps": 10, "batch_size": 4, "evaluate_every": 10},
        "networks": {"a": {"hidden": [3], "optimizer": {"name": "sgd", "learning_rate": 0.1}}},
    }
    (folder / "s.json").write_text(json.dumps(study, indent=1))
    monkeypatch.chdir(tmp_path)
    assert load("deep/inside/s.json").folder.resolve() == folder
    (folder / "t.csv").unlink()
    with pytest.raises(BadInput) as caught:
        load("deep/inside/s.json")
    (problem,) = caught.value.problems
    assert (problem.where, problem.line) == ("data.path", 4)
