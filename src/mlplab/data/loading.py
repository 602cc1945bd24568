"""From a declaration to a Dataset, each read once in a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from weakref import WeakKeyDictionary

from mlplab.data import own_tables, plain_tables
from mlplab.data.announcing import Announce, to_stderr
from mlplab.data.dataset import Dataset
from mlplab.data.digits import digits
from mlplab.data.files import DataFile, own_file
from mlplab.data.known_files import KnownFile, fetch_missing
from mlplab.data.known_images import known_images
from mlplab.data.own_sets import Header, Rows, divided, require_no_part
from mlplab.data.sources import idx, image_folder, npz
from mlplab.declarations.data import (
    CsvData,
    Data,
    IdxData,
    ImageFolderData,
    KnownData,
    NpzData,
    OwnData,
    TableData,
)
from mlplab.declarations.problems import refuse


def load(
    declaration: Data,
    folder: Path,
    announce: Announce = to_stderr,
    *,
    fewest_classes: int = 2,
) -> Dataset:
    """The set of a declaration as read and divided into train and test.

    It is read again only when its files have changed.

    Args:
        declaration: `validation`, `classes` and `scaling` play no part here.
        folder: what the paths of own data are relative to.
        announce: is told of downloads and of anything odd that was mended, one line at a time.
        fewest_classes: two are needed to be told apart; own data with fewer are refused.

    Raises:
        BadInput: one sentence saying what is wrong with the data, where, and how to mend it.
    """
    if not isinstance(declaration, KnownData):
        # The declaration without what concerns only the preparation.
        plain = declaration.model_copy(update={"validation": 0, "classes": None, "scaling": None})
        dataset = _own(plain, _own_files(declaration, folder), fewest_classes)
        told = _told.setdefault(dataset, set())
        if announce not in told:
            told.add(announce)
            for note in dataset.notes:
                announce(note)
        return dataset
    if declaration.name == "digits":
        return _digits(declaration.split_seed)
    return _known_images(_Files(fetch_missing(declaration.name, announce), announce))


_DIVISIONS_KEPT = 32
"""Divisions of one set share its inputs."""
_told: WeakKeyDictionary[Dataset, set[Announce]] = WeakKeyDictionary()
"""Who was told of what is doubtful in a set, so that everybody is told once."""


@dataclass(frozen=True)
class _Files:
    """What a known set is read from; equal while the files are, whoever listens."""

    files: tuple[KnownFile, ...]
    announce: Announce = field(compare=False)


_digits = lru_cache(maxsize=4)(digits)


@lru_cache(maxsize=4)
def _known_images(found: _Files) -> Dataset:
    return known_images(found.files, found.announce)


def read_header(declaration: OwnData, folder: Path) -> Header:
    """What the headers of own data tell, at the cost of a few kilobytes.

    Raises:
        BadInput: what they tell to be wrong.
    """
    files = _own_files(declaration, folder)
    found: Header = _READERS[type(declaration)].header(declaration, files)
    has_test = found.test_rows is not None or getattr(declaration, "test_path", None) is not None
    if has_test:
        require_no_part(declaration.test)
    return found


_READERS = {
    IdxData: idx,
    NpzData: npz,
    CsvData: plain_tables,
    TableData: own_tables,
    ImageFolderData: image_folder,
}
"""The module of each format: `header(declaration, files)` tells sizes at little cost,
`read(declaration, files)` gives training rows and, where there are any, test rows."""
_FILES = ("train_images", "train_labels", "test_images", "test_labels", "path", "test_path")
"""Settings that name a file: those of training, then those of the test part."""


def _own_files(declaration: OwnData, folder: Path) -> tuple[DataFile, ...]:
    """The files of a declaration."""
    if isinstance(declaration, ImageFolderData):
        return image_folder.files_in(folder, declaration.path)
    settings = {name: getattr(declaration, name, None) for name in _FILES}
    if (settings["test_images"] is None) != (settings["test_labels"] is None):
        missing = "test_labels" if settings["test_labels"] is None else "test_images"
        refuse(
            f"data.{missing}",
            expected="test_images and test_labels together, or neither",
            received="only one of them",
            hint="add the other, or leave both out to have the test part drawn",
        )
    return tuple(
        own_file(folder, path, setting) for setting, path in settings.items() if path is not None
    )


@lru_cache(maxsize=_DIVISIONS_KEPT)
def _own(declaration: OwnData, files: tuple[DataFile, ...], fewest_classes: int) -> Dataset:
    undivided = declaration.model_copy(update={"test": None, "split_seed": 0, "fold": None})
    train, test = _rows(undivided, files)
    return divided(
        train, test, declaration.test, declaration.split_seed, fewest_classes, declaration.fold
    )


@lru_cache(maxsize=2)
def _rows(declaration: OwnData, files: tuple[DataFile, ...]) -> tuple[Rows, Rows | None]:
    return _READERS[type(declaration)].read(declaration, files)
