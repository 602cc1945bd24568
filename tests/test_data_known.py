"""The known sets: found, held against their sums, and told about."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from data_files import SIDE, idx_bytes, images, labels
from mlplab.data.describe import BUNDLED, describe, fetch, list_sets
from mlplab.data.known_files import cache_folder
from mlplab.data.loading import load
from mlplab.data.mirrors import SOURCES, Source, SourceFile
from mlplab.data.preparation import prepare
from mlplab.declarations.data import KnownData
from mlplab.declarations.known_data import KNOWN_SETS
from mlplab.declarations.problems import BadInput

NAMES = [file.name for file in SOURCES["mnist"].files]
CONTENTS = [
    idx_bytes(images(60, 1)),
    idx_bytes(labels(60)),
    idx_bytes(images(20, 2)),
    idx_bytes(labels(20)),
]


@pytest.fixture
def small_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """mnist and kmnist declared as sets of 60 and 20 rows, in files under MLPLAB_DATA."""
    folder = tmp_path / "data"
    monkeypatch.setenv("MLPLAB_DATA", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("mnist", "kmnist"):
        (folder / name).mkdir(parents=True)
        files = []
        for file, content in zip(NAMES, CONTENTS, strict=True):
            packed = gzip.compress(content, mtime=0)
            (folder / name / f"{file}.gz").write_bytes(packed)
            sha256 = hashlib.sha256(content).hexdigest() if name == "mnist" else None
            files.append(SourceFile(file, hashlib.md5(packed).hexdigest(), sha256))
        monkeypatch.setitem(SOURCES, name, Source(tuple(files), ()))
        small = dataclasses.replace(
            KNOWN_SETS[name],
            train_rows=60,
            test_rows=20,
            features=SIDE**2,
            image_side=SIDE,
            class_names=("a", "b", "c"),
        )
        monkeypatch.setitem(KNOWN_SETS, name, small)
    return folder


def digest(name: str, said: list[str] | None = None) -> str:
    announce = (lambda line: None) if said is None else said.append
    return prepare(KnownData(name=name), Path(), announce).digest


@pytest.mark.mnist
def test_mnist_is_mnist(mnist_folder: Path) -> None:
    data = prepare(KnownData(name="mnist"), Path())
    assert data.inputs.shape == (70_000, 784)
    assert [len(data.train_rows), len(data.test_rows)] == [60_000, 10_000]
    # Mean and deviation of training pixels, as every MNIST tutorial has them: 0.1307, 0.3081.
    values = load(KnownData(name="mnist"), Path()).inputs[:60_000]
    counts, pixel = np.bincount(values.ravel(), minlength=256), np.arange(256) / 255
    mean = np.average(pixel, weights=counts)
    assert round(mean, 4) == 0.1307
    assert round(np.average((pixel - mean) ** 2, weights=counts) ** 0.5, 4) == 0.3081
    # Class counts as published by LeCun, Cortes and Burges' readers; 1135 ones give .1135.
    assert np.bincount(data.labels[data.train_rows]).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert np.bincount(data.labels[data.test_rows])[1] == 1135
    assert data.labels[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.mark.mnist
def test_real_mnist_unpacked_is_the_same_and_one_wrong_pixel_is_found(
    mnist_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = prepare(KnownData(name="mnist"), Path())
    other = tmp_path / "mnist"
    other.mkdir()
    for path in mnist_folder.glob("t*-ubyte.gz"):
        (other / path.name[:-3]).write_bytes(gzip.decompress(path.read_bytes()))
    monkeypatch.setenv("MLPLAB_DATA", str(tmp_path))
    assert prepare(KnownData(name="mnist"), Path()).digest == packed.digest

    wrong = other / "t10k-images-idx3-ubyte"
    content = bytearray(wrong.read_bytes())
    content[5000] ^= 1
    wrong.write_bytes(content)
    with pytest.raises(BadInput, match=r"SHA-256.*damaged or of another set") as refusal:
        prepare(KnownData(name="mnist"), Path())
    assert refusal.value.problems[0].file == str(wrong)


def test_packed_unpacked_and_dotted_names_are_found(small_sets: Path) -> None:
    first = digest("mnist")
    folder = small_sets / "mnist"
    for name, content in zip(NAMES, CONTENTS, strict=True):
        (folder / f"{name}.gz").unlink()
        (folder / name).write_bytes(content)
    assert digest("mnist") == first
    (folder / NAMES[0]).rename(folder / "train-images.idx3-ubyte")
    assert digest("mnist") == first


def test_mnist_compressed_anew_is_the_same(small_sets: Path) -> None:
    first = digest("mnist")
    path = small_sets / "mnist" / f"{NAMES[0]}.gz"
    path.write_bytes(gzip.compress(CONTENTS[0], compresslevel=1))
    assert digest("mnist") == first


def test_a_set_whose_sum_cannot_be_checked_is_taken_with_a_word(small_sets: Path) -> None:
    said: list[str] = []
    first = digest("kmnist", said)
    assert said == []
    path = small_sets / "kmnist" / f"{NAMES[0]}.gz"
    path.write_bytes(gzip.compress(CONTENTS[0], compresslevel=1))
    assert digest("kmnist", said) == first
    assert len(said) == 1
    assert "its sum cannot be checked" in said[0]


BROKEN = {
    "damaged": (0, lambda b: gzip.compress(gzip.decompress(b)[:-1] + b"\0"), "SHA-256"),
    "cut short": (0, lambda b: b[: len(b) // 2], "cut short or damaged"),
    "empty": (1, lambda b: b"", "an empty file"),
    "not packed rightly": (1, lambda b: b"\x1f\x8bxxxxxxxxxxxxxxxx", "cannot be unpacked"),
    "exchanged": (0, lambda b: gzip.compress(CONTENTS[1]), "SHA-256"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_under_mlplab_data_is_named_not_passed_over(
    kind: str, small_sets: Path
) -> None:
    shutil.copytree(small_sets / "mnist", cache_folder("mnist"))
    digest("mnist")
    number, change, says = BROKEN[kind]
    path = small_sets / "mnist" / f"{NAMES[number]}.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput, match=says) as refusal:
        digest("mnist")
    assert refusal.value.problems[0].file == str(path)
    assert refusal.value.problems[0].where == "data.name"


SHAPED = {
    "fewer rows": ({0: images(59, 1), 1: labels(59)}, "60×4×4 pixels"),
    "other size": ({0: images(60, 1)[:, 1:]}, "60×4×4 pixels.* got 60×3×4"),
    "fewer labels": ({1: labels(59)}, "60 labels.* got 59"),
    "labels out of range": ({3: labels(20) + 1}, "labels from 0 to 2, but got 3 at row 2"),
}


@pytest.mark.parametrize("kind", SHAPED)
def test_without_a_sum_the_form_is_checked(kind: str, small_sets: Path) -> None:
    changed, says = SHAPED[kind]
    for number, array in changed.items():
        path = small_sets / "kmnist" / f"{NAMES[number]}.gz"
        path.write_bytes(gzip.compress(idx_bytes(array)))
    with pytest.raises(BadInput, match=says):
        digest("kmnist")


def test_the_cache_serves_when_mlplab_data_does_not(
    small_sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = digest("mnist")
    cache_folder("mnist").parent.mkdir(parents=True)
    (small_sets / "mnist").rename(cache_folder("mnist"))
    assert digest("mnist") == first
    monkeypatch.delenv("MLPLAB_DATA")
    assert digest("mnist") == first
    (place,) = {Path(p).parent for p in describe("mnist").found_at}
    assert place == cache_folder("mnist")


def test_nothing_to_be_had_says_what_to_put_where(small_sets: Path) -> None:
    shutil.rmtree(small_sets / "mnist")
    with pytest.raises(BadInput) as refusal:
        digest("mnist")
    sentence = str(refusal.value)
    assert all(f"{name}.gz" in sentence for name in NAMES)
    assert str(small_sets / "mnist") in sentence


def test_where_to_put_files_is_said_without_mlplab_data_too(
    small_sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLPLAB_DATA")
    with pytest.raises(BadInput, match="MLPLAB_DATA set to DIR") as refusal:
        fetch("kmnist")
    assert str(cache_folder("kmnist")) in str(refusal.value)


def test_a_cache_that_cannot_be_written_is_named(
    small_sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(small_sets / "mnist")
    cache_folder("mnist").parent.mkdir(parents=True)
    cache_folder("mnist").write_text("a file where the folder should be")
    with pytest.raises(BadInput, match="a folder to download mnist into"):
        digest("mnist")


def test_list_tells_what_is_here(small_sets: Path) -> None:
    found = {known.name: found_at for known, found_at in list_sets()}
    assert found["digits"] == (BUNDLED,)
    assert found["mnist"] == (str(small_sets / "mnist"),)
    assert found["fashion-mnist"] == ()


def test_describe_counts_classes_and_names_licence_and_place(small_sets: Path) -> None:
    told = describe("mnist")
    assert [(c.name, c.train, c.test) for c in told.classes] == [
        ("a", 20, 7),
        ("b", 20, 7),
        ("c", 20, 6),
    ]
    assert told.known.licence == "CC BY-SA 3.0"
    assert told.digest == digest("mnist")
    assert [os.path.basename(place) for place in told.found_at] == [f"{n}.gz" for n in NAMES]


def test_describe_never_fetches(small_sets: Path) -> None:
    told = describe("fashion-mnist")
    assert told.classes is told.digest is None
    assert told.found_at == ()
    assert told.known.licence == "MIT"


def test_describe_of_digits_agrees_with_the_declaration() -> None:
    told = describe("digits")
    assert sum(c.train for c in told.classes) == told.known.train_rows == 1437
    assert sum(c.test for c in told.classes) == told.known.test_rows == 360
    assert "16" in told.values


def test_a_misspelt_set_is_guessed() -> None:
    with pytest.raises(BadInput, match='did you mean "kmnist"'):
        fetch("kmnits")


@pytest.mark.parametrize("name", SOURCES)
def test_sources_are_complete(name: str) -> None:
    source = SOURCES[name]
    assert len({file.md5 for file in source.files}) == 4
    assert all(len(file.md5) == 32 for file in source.files)
    assert len(source.mirrors) >= 2
    assert all(mirror.endswith("/") for mirror in source.mirrors)
    assert name in KNOWN_SETS
