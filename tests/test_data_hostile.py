"""Files that would hang, fill memory or break a reader are refused in one sentence each."""

from __future__ import annotations

import gzip
import json
import os
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from data_files import write_csv, write_idx, write_npz
from mlplab.data import files
from mlplab.data.loading import read_header
from mlplab.data.preparation import prepare
from mlplab.declarations.data import Data
from mlplab.declarations.problems import BadInput, Problem

LONGEST_SENTENCE = 1500


def declared(settings: dict[str, Any]) -> Data:
    return TypeAdapter(Data).validate_json(json.dumps(settings))


def refused(settings: dict[str, Any], folder: Path, *, by_header: bool = True) -> str:
    """What is said of data, by their headers and whole."""
    said = ""
    for read in (read_header, prepare) if by_header else (prepare,):
        with pytest.raises(BadInput) as refusal:
            read(declared(settings), folder)
        said = str(refusal.value)
        assert len(said) < LONGEST_SENTENCE
    return said


def settings_of(ending: str, path: str) -> dict[str, Any]:
    if ending == "npz":
        return {"format": "npz", "path": path}
    if ending == "idx":
        return {"format": "idx", "train_images": path, "train_labels": path}
    if ending == "csv":
        return {"format": "csv", "path": path, "label": "y"}
    return {"format": "table", "path": path, "target": "y"}


FORMATS = ("npz", "idx", "csv", "table")


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("kind", ["pipe", "zero"])
def test_pipes_and_devices_are_not_read(tmp_path: Path, ending: str, kind: str) -> None:
    path = "/dev/zero"
    if kind == "pipe":
        path = str(tmp_path / "pipe")
        os.mkfifo(path)
    assert "a pipe or device" in refused(settings_of(ending, path), tmp_path)


@pytest.mark.parametrize("path", ["~nobody-is-here/x.csv", "a\0b", "x" * 5000, "t.csv/x", ""])
@pytest.mark.parametrize("ending", FORMATS)
def test_paths_that_lead_nowhere(tmp_path: Path, ending: str, path: str) -> None:
    (tmp_path / "t.csv").write_text("x,y\n")
    refused(settings_of(ending, path), tmp_path)


def test_what_unpacks_to_more_than_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "memory_limit", lambda: 10_000_000)
    (tmp_path / "bomb").write_bytes(gzip.compress(b"1,2\n" * 20_000_000, 1))
    monkeypatch.setattr(files, "_BLOCK", 1 << 16)
    for ending, most in (("table", 1_000_000), ("idx", 12_000_000)):
        tracemalloc.start()
        said = refused(settings_of(ending, "bomb"), tmp_path, by_header=False)
        assert "at most 0.0 GB" in said
        assert tracemalloc.get_traced_memory()[1] < most
        tracemalloc.stop()
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((3000, 1000)), y=np.zeros(3000, int))
    assert "memory" in refused(settings_of("npz", "bomb.npz"), tmp_path)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 50_000_000)
    assert "memory" in refused(settings_of("table", "bomb.xlsx"), tmp_path)
    pd.DataFrame({"x": np.zeros(3_000_000), "y": 0}).to_parquet(tmp_path / "bomb.parquet")
    said = refused(settings_of("table", "bomb.parquet"), tmp_path)
    assert "memory" in said


def test_a_text_counts_as_often_as_it_stands_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b"x,y\n" + b"0" * 2_000_000
    (tmp_path / "t.csv").write_bytes(text)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text))
    monkeypatch.setattr(files, "_BLOCK", 1 << 16)
    for path in ("t.csv", "t.csv.gz"):
        monkeypatch.setattr(files, "memory_limit", lambda: 5_000_000)
        assert "memory" in refused(settings_of("table", path), tmp_path, by_header=False)
        monkeypatch.setattr(files, "memory_limit", lambda: 50_000_000)
        tracemalloc.start()
        assert "characters" in refused(settings_of("table", path), tmp_path, by_header=False)
        assert tracemalloc.get_traced_memory()[1] < 3.5 * len(text)
        tracemalloc.stop()
    # Packed CSV is not unpacked to say that it may not be packed.
    assert "gzip" in refused(settings_of("csv", "t.csv.gz"), tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_in_three_ways(tmp_path: Path, end: str, last: bool) -> None:
    rows = ["x,z,y", '1,"a', 'b",k', "2,c,k", "3,c,l", "4,c"]
    (tmp_path / "t.csv").write_text(end.join(rows) + end * last, newline="")
    said = refused(settings_of("table", "t.csv"), tmp_path)
    assert "line 6" in said
    assert "got 2" in said


def test_an_array_that_claims_22_terabytes(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2750000000, 1000), }"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(800)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", array)
        archive.writestr("y.npy", array)
    assert "22,000,000,000,000 bytes" in refused(settings_of("npz", "a.npz"), tmp_path)


@pytest.mark.parametrize("label", ["n" * 100_000, "7" * 6000])
def test_names_beyond_reason(tmp_path: Path, label: str) -> None:
    rows = "".join(f"{r % 7},{(label, 'b')[r % 2]}\n" for r in range(40))
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    for ending in ("csv", "table"):
        said = refused(settings_of(ending, "t.csv"), tmp_path, by_header=False)
        assert "class names of at most 200 characters" in said
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=(40, 2)),
             y=np.array([label, "b"] * 20))  # fmt: skip
    said = refused(settings_of("npz", "a.npz"), tmp_path, by_header=False)
    assert "class names of at most 200 characters" in said
    (tmp_path / "t.csv").write_text(f"{label},y\n" + "1,a\n2,b\n" * 9)
    said = refused(settings_of("table", "t.csv") | {"header": True}, tmp_path)
    assert "names of at most 200 characters" in said


def test_twenty_thousand_columns_are_looked_at_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(20, 20_000)).round(2))
    frame.columns = [f"c{place}" for place in range(20_000)]
    frame.assign(y=["a", "b"] * 10).to_csv(tmp_path / "t.csv", index=False)
    began = time.process_time()
    for ending in ("csv", "table"):
        data = prepare(declared(settings_of(ending, "t.csv")), tmp_path, lambda line: None)
        assert data.inputs.shape == (20, 20_000)
    # It took quadratic time once: minutes for so many.
    assert time.process_time() - began < 30


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with some bytes changed, cut out, doubled, or its end cut off."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        if not data:
            break
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 40))
        kind = rng.integers(5)
        if kind == 0:
            data[at] = int(rng.integers(256))
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length]
        elif kind == 3:
            data[at : at + length] = rng.bytes(length)
        else:
            odd = [b'"', b"\n", b",", b"\r", b";", b"\0", b"\xff", b"1e999", b"nan", b"-", b"'"]
            data[at:at] = odd[int(rng.integers(len(odd)))]
    return bytes(data[: int(rng.integers(len(data) + 1))]) if rng.random() < 0.1 else bytes(data)


def healthy(name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """A file, and the settings that name it."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=40),
            "c": ["a", "b", None, "d"] * 10,
            "d": ["2020-01-05", "2020-03-07"] * 20,
            "y": ["no", "yes"] * 20,
        }
    )
    table = {"format": "table", "target": "y", "path": f"t.{name}"}
    match name:
        case "csv":
            return folder / "table.csv", write_csv(folder)
        case "npz":
            return folder / "set.npz", write_npz(folder)
        case "idx":
            settings = write_idx(folder)
            return folder / "train-images.gz", settings
        case "txt":
            frame.to_csv(folder / "t.txt", sep=";", decimal=",", index=False)
        case "gz":
            frame.to_csv(folder / "t.gz", index=False, compression="gzip")
        case "parquet":
            frame.to_parquet(folder / "t.parquet")
        case "feather":
            frame.to_feather(folder / "t.feather")
        case "xlsx":
            frame.to_excel(folder / "t.xlsx", index=False)
    return folder / f"t.{name}", table


def problems_of(read: Any, data: Data, folder: Path) -> tuple[Problem, ...] | None:
    """Why data are refused, None where they are read."""
    try:
        read(data, folder, *([lambda line: None] if read is prepare else []))
    except BadInput as refusal:
        return refusal.problems
    return None


@pytest.mark.parametrize("name", ["csv", "txt", "gz", "npz", "idx", "parquet", "feather", "xlsx"])
def test_mutated_files_are_read_or_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    path, settings = healthy(name, tmp_path)
    prepare(declared(settings), tmp_path, lambda line: None)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for number in range(int(os.environ.get("MLPLAB_MUTANTS", "40"))):
        path.write_bytes(mutated(content, rng))
        os.utime(path, ns=(number, number))
        for read in (read_header, prepare):
            problems = problems_of(read, declared(settings), tmp_path)
            assert problems is None or len(problems) > 0
            assert all(len(str(problem)) < LONGEST_SENTENCE for problem in problems or ())
