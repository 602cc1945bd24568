"""From a declaration to a Dataset, each read once in a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from weakref import WeakKeyDictionary

from mlplab.data.announcing import Announce, to_stderr
from mlplab.data.dataset import Dataset
from mlplab.data.digits import digits
from mlplab.data.header import Header
from mlplab.data.known_files import FoundFile, fetch_missing
from mlplab.data.known_images import known_images
from mlplab.data.own_files import OwnFile, own_file
from mlplab.data.own_sets import Rows, divided
from mlplab.data.own_tables import read_table, table_header
from mlplab.data.refusal import refuse
from mlplab.data.sources import idx, image_folder, npz
from mlplab.declarations.data import Data, IdxData, ImageFolderData, KnownData, NpzData, OwnData


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
        files = _own_files(declaration, folder)
        dataset = _own(_plain(declaration), files, fewest_classes)
        told = _told.setdefault(dataset, set())
        if announce not in told:
            told.add(announce)
            for note in dataset.notes:
                announce(note)
        return dataset
    if declaration.name == "digits":
        return _digits(declaration.split_seed)
    found = fetch_missing(declaration.name, announce)
    return _known_images(_Files(declaration.name, found, announce))


_DIVISIONS_KEPT = 32
"""Divisions of one set share its inputs."""
_told: WeakKeyDictionary[Dataset, set[Announce]] = WeakKeyDictionary()
"""Who was told of what is doubtful in a set, so that everybody is told once."""


@dataclass(frozen=True)
class _Files:
    """What a known set is read from; equal while the files are, whoever listens."""

    name: str
    found: tuple[FoundFile, ...]
    announce: Announce = field(compare=False)


@lru_cache(maxsize=4)
def _digits(split_seed: int) -> Dataset:
    return digits(split_seed)


@lru_cache(maxsize=4)
def _known_images(files: _Files) -> Dataset:
    return known_images(files.name, files.found, files.announce)


def _plain(declaration: OwnData) -> OwnData:
    """The declaration without what concerns only the preparation."""
    return declaration.model_copy(update={"validation": 0, "classes": None, "scaling": None})


def read_header(declaration: OwnData, folder: Path) -> Header:
    """What the headers of own data tell, at the cost of a few kilobytes.

    Raises:
        BadInput: what they tell to be wrong.
    """
    files = _own_files(declaration, folder)
    if isinstance(declaration, IdxData):
        found = idx.header(files)
    elif isinstance(declaration, NpzData):
        found = npz.header(*files)
    elif isinstance(declaration, ImageFolderData):
        found = Header()
    else:
        found = table_header(declaration, files)
    has_test = found.test_rows is not None or getattr(declaration, "test_path", None) is not None
    if has_test and declaration.test is not None:
        refuse(
            "data.test",
            expected="either test rows of their own or a part to be drawn",
            received="both",
            hint="leave out one of them",
        )
    return found


def _own_files(declaration: OwnData, folder: Path) -> tuple[OwnFile, ...]:
    """The files of a declaration: those of training, then those of the test part."""
    if isinstance(declaration, ImageFolderData):
        return image_folder.files_in(folder, declaration.path)
    settings: dict[str, str | None]
    if isinstance(declaration, IdxData):
        if (declaration.test_images is None) != (declaration.test_labels is None):
            missing = "test_labels" if declaration.test_labels is None else "test_images"
            refuse(
                f"data.{missing}",
                expected="test_images and test_labels together, or neither",
                received="only one of them",
                hint="add the other, or leave both out to have the test part drawn",
            )
        names = ("train_images", "train_labels", "test_images", "test_labels")
        settings = {name: getattr(declaration, name) for name in names}
    elif isinstance(declaration, NpzData):
        settings = {"path": declaration.path}
    else:
        settings = {"path": declaration.path, "test_path": declaration.test_path}
    return tuple(
        own_file(folder, path, setting) for setting, path in settings.items() if path is not None
    )


@lru_cache(maxsize=_DIVISIONS_KEPT)
def _own(declaration: OwnData, files: tuple[OwnFile, ...], fewest_classes: int) -> Dataset:
    undivided = declaration.model_copy(update={"test": None, "split_seed": 0, "fold": None})
    train, test = _rows(undivided, files)
    return divided(
        train, test, declaration.test, declaration.split_seed, fewest_classes, declaration.fold
    )


@lru_cache(maxsize=2)
def _rows(declaration: OwnData, files: tuple[OwnFile, ...]) -> tuple[Rows, Rows | None]:
    if isinstance(declaration, IdxData):
        train = idx.image_pair(*files[:2])
        test = idx.image_pair(*files[2:]) if files[2:] else None
    elif isinstance(declaration, NpzData):
        train, test = npz.npz(*files)
    elif isinstance(declaration, ImageFolderData):
        train, test = image_folder.read(declaration, files)
    else:
        train, test = read_table(declaration, files)
    return train, test
