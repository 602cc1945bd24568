"""The known sets as a person asks about them: what there is, where it lies, what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlplab.data.announcing import Announce, to_stderr
from mlplab.data.dataset import Dataset
from mlplab.data.known_files import locate
from mlplab.data.loading import load
from mlplab.data.mirrors import SOURCES
from mlplab.declarations.data import KnownData
from mlplab.declarations.known_data import KNOWN_SETS, KnownSet
from mlplab.declarations.problems import did_you_mean, quoted, refuse

BUNDLED = "bundled with scikit-learn"


@dataclass(frozen=True)
class ClassCount:
    """The rows of one class in each part."""

    name: str
    train: int
    test: int


@dataclass(frozen=True)
class SetDescription:
    """A known set in full."""

    known: KnownSet
    values: str
    """What an input can be, and what unit scaling makes of it."""
    mirrors: tuple[str, ...]
    checked_by: str
    """What its files are held against."""
    found_at: tuple[str, ...]
    """Its files, or that it is bundled; empty when it must be fetched first."""
    digest: str | None
    """SHA-256 of contents and division; None when the set is not here."""
    classes: tuple[ClassCount, ...] | None
    """None when the set is not here."""


def list_sets() -> list[tuple[KnownSet, tuple[str, ...]]]:
    """Every known set with the folders of its files, or that it is bundled; nothing is opened.

    There are no folders where a set must be fetched first.
    """
    return [
        (known, tuple(dict.fromkeys(_folder(place) for place in _places(known.name))))
        for known in KNOWN_SETS.values()
    ]


def fetch(name: str, announce: Announce = to_stderr) -> tuple[str, ...]:
    """Have all files of a set on this machine, and check them; what is here is kept.

    Returns:
        The files; none of a set that is bundled.

    Raises:
        BadInput: when there is no such set, a file here is broken, or no mirror can be reached.
    """
    _load(_known(name), announce)
    return _places(name) if name in SOURCES else ()


def describe(name: str, announce: Announce = to_stderr) -> SetDescription:
    """All about a set; one that is not here is not fetched, and told from its declaration.

    Raises:
        BadInput: when there is no such set or a file here is broken.
    """
    known = _known(name)
    places = _places(name)
    dataset = _load(known, announce) if places else None
    source = SOURCES.get(name)
    bundled = "whole numbers 0 to 16; unit scaling divides by 16"
    return SetDescription(
        known=known,
        values=bundled if source is None else "bytes 0 to 255; unit scaling divides by 255",
        mirrors=() if source is None else source.mirrors,
        checked_by=_checked_by(name),
        found_at=places,
        digest=None if dataset is None else dataset.digest,
        classes=None if dataset is None else _counts(dataset),
    )


def _known(name: str) -> KnownSet:
    if name not in KNOWN_SETS:
        refuse(
            "data.name",
            expected=f"one of {quoted(KNOWN_SETS)}",
            received=f'"{name}"',
            hint=did_you_mean(name, KNOWN_SETS) or "a table is described by its path",
        )
    return KNOWN_SETS[name]


def _load(known: KnownSet, announce: Announce) -> Dataset:
    return load(KnownData.model_validate({"name": known.name}), Path(), announce)


def _places(name: str) -> tuple[str, ...]:
    """The files of a set, or that it is bundled; empty unless all of it is here."""
    if name not in SOURCES:
        return (BUNDLED,)
    found = locate(name)
    return tuple(str(file.path) for file in found if file) if all(found) else ()


def _folder(place: str) -> str:
    return place if place == BUNDLED else str(Path(place).parent)


def _checked_by(name: str) -> str:
    source = SOURCES.get(name)
    if source is None:
        return "the version of scikit-learn"
    if all(file.sha256 for file in source.files):
        return "the SHA-256 of the uncompressed bytes, wherever they came from"
    return "the published MD5 of each .gz, when downloaded"


def _counts(dataset: Dataset) -> tuple[ClassCount, ...]:
    classes = len(dataset.class_names)
    train = np.bincount(dataset.labels[dataset.train_rows], minlength=classes)
    test = np.bincount(dataset.labels[dataset.test_rows], minlength=classes)
    return tuple(
        ClassCount(name, int(a), int(b))
        for name, a, b in zip(dataset.class_names, train, test, strict=True)
    )
