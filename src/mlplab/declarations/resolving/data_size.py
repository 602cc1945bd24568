"""How many rows, features and classes a declaration of data comes to, without opening the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlplab.declarations.data import Data, KnownData, part_size
from mlplab.declarations.known_data import KNOWN_SETS
from mlplab.declarations.problems import shown
from mlplab.declarations.reading.validation import Fault
from mlplab.declarations.resolving.classes import data_name, places_of, twice


@dataclass(frozen=True)
class DataSize:
    """Sizes after the class filter; None where only the data themselves could tell."""

    train_rows: int | None
    """After the validation part has been taken away."""
    validation_rows: int | None
    test_rows: int | None
    features: int | None
    classes: int | None


def data_size(
    data: Data, folder: Path, *, fewest_classes: int = 2
) -> tuple[DataSize, tuple[Fault, ...]]:
    """The size of declared data, and what is wrong with the declaration; ways start at data.

    folder: what paths are relative to. fewest_classes: two are needed to be told apart.
    """
    if isinstance(data, KnownData):
        known = KNOWN_SETS[data.name]
        chosen, faults = _chosen(data, known.class_names)
        train: int | None = sum(known.train_counts[c] for c in chosen)
        test: int | None = sum(known.test_counts[c] for c in chosen)
        features: int | None = known.features
        classes: int | None = len(chosen)
    else:
        # Known sets need none of the modules that read own files, and checking is to be quick.
        from mlplab.declarations.reading.own_data_header import read_header

        header = read_header(data, folder)
        faults = [*header.faults, *_repeated(data)]
        filtered = data.classes is not None
        train = None if filtered else header.train_rows
        test = None if filtered else header.test_rows
        features, classes = header.features, len(data.classes) if data.classes else None
    if data.classes is not None and len(data.classes) < fewest_classes and not faults:
        faults.append(Fault(("classes",), "at least two classes", shown(list(data.classes))))
    if faults:
        return DataSize(None, None, None, features, None), tuple(faults)
    validation = None if train is None else part_size(data.validation, train)
    faults += _validation_faults(data, train, validation, classes)
    rows = None if train is None or validation is None or faults else train - validation
    size = DataSize(rows, 0 if data.validation == 0 else validation, test, features, classes)
    return size, tuple(faults)


def _validation_faults(
    data: Data, train: int | None, validation: int | None, classes: int | None
) -> Iterator[Fault]:
    if train is None or not validation:
        return
    most = train - (classes or 1)
    if validation > most:
        yield Fault(
            ("validation",),
            f"at most {most} of the {train} training rows, so that every class keeps one",
            f"{shown(data.validation)}"
            + ("" if isinstance(data.validation, int) else f" of them, {validation} rows"),
            "make the validation part smaller",
        )


def _chosen(data: Data, names: Sequence[str]) -> tuple[list[int], list[Fault]]:
    """The places of the classes that are kept, and what is wrong with those that are declared."""
    if data.classes is None:
        return list(range(len(names))), []
    places, faults = places_of(data.classes, names, data_name(data))
    return places, [replace(f, where=("classes", *f.where)) for f in faults]


def _repeated(data: Data) -> Iterator[Fault]:
    """Classes that are written twice; by which other name they may be called only data tell."""
    written = [str(name) for name in data.classes or ()]
    for position, name in enumerate(written):
        if name in written[:position]:
            yield replace(twice(name), where=("classes", position))
