"""From a declaration to a Dataset, each read once in a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mlplab.data.announcing import Announce, to_stderr
from mlplab.data.csv import feature_names, table
from mlplab.data.dataset import Dataset
from mlplab.data.digits import digits
from mlplab.data.known_files import FoundFile, fetch_missing
from mlplab.data.known_images import known_images
from mlplab.data.npz import npz
from mlplab.data.own_files import OwnFile, own_file
from mlplab.data.own_images import image_pair
from mlplab.data.own_sets import divided
from mlplab.data.refusal import refuse
from mlplab.declarations.data import CsvData, Data, IdxData, KnownData, NpzData

Own = IdxData | NpzData | CsvData


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
        return _own(_plain(declaration), _own_files(declaration, folder), fewest_classes)
    if declaration.name == "digits":
        return _digits(declaration.split_seed)
    found = fetch_missing(declaration.name, announce)
    return _known_images(_Files(declaration.name, found, announce))


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


def _plain(declaration: Own) -> Own:
    """The declaration without what concerns only the preparation."""
    return declaration.model_copy(update={"validation": 0, "classes": None, "scaling": None})


def _own_files(declaration: Own, folder: Path) -> tuple[OwnFile, ...]:
    """The files of a declaration: those of training, then those of the test part."""
    settings: dict[str, str | None]
    if isinstance(declaration, IdxData):
        if (declaration.test_images is None) != (declaration.test_labels is None):
            refuse(
                "data",
                expected="test_images and test_labels together, or neither",
                received="only one of them",
                hint="add the other, or leave both out to have the test part drawn",
            )
        settings = {
            "train_images": declaration.train_images,
            "train_labels": declaration.train_labels,
            "test_images": declaration.test_images,
            "test_labels": declaration.test_labels,
        }
    elif isinstance(declaration, NpzData):
        settings = {"path": declaration.path}
    else:
        settings = {"path": declaration.path, "test_path": declaration.test_path}
    return tuple(
        own_file(folder, path, setting) for setting, path in settings.items() if path is not None
    )


@lru_cache(maxsize=4)
def _own(declaration: Own, files: tuple[OwnFile, ...], fewest_classes: int) -> Dataset:
    if isinstance(declaration, IdxData):
        train = image_pair(*files[:2])
        test = image_pair(*files[2:]) if files[2:] else None
    elif isinstance(declaration, NpzData):
        train, test = npz(*files)
    else:
        train = table(files[0], declaration.label)
        columns = feature_names(files[0], declaration.label)
        test = table(files[1], declaration.label, columns=columns) if files[1:] else None
    return divided(train, test, declaration.test, declaration.split_seed, fewest_classes)
