"""How many rows, features and classes a declaration of data comes to, without opening the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlplab.declarations.data import Data, KnownData, part_size
from mlplab.declarations.known_data import KNOWN_SETS, KnownSet
from mlplab.declarations.problems import did_you_mean, listed, shown
from mlplab.declarations.reading.validation import Fault


@dataclass(frozen=True)
class DataSize:
    """Sizes after the class filter; None where only the data themselves could tell."""

    train_rows: int | None
    """After the validation part has been taken away."""
    validation_rows: int | None
    test_rows: int | None
    features: int | None
    classes: int | None


def data_size(data: Data, folder: Path) -> tuple[DataSize, tuple[Fault, ...]]:
    """The size of declared data, and what is wrong with the declaration; ways start at data."""
    repeated = list(_repeated(data))
    if isinstance(data, KnownData):
        known = KNOWN_SETS[data.name]
        chosen, faults = _chosen(data, known)
        faults = [*faults, *(repeated if len(set(chosen)) == len(chosen) else ())]
        if len(set(chosen)) != len(chosen):
            faults += repeated or [_twice(data, chosen, known)]
        train: int | None = sum(known.train_counts[c] for c in chosen)
        test: int | None = sum(known.test_counts[c] for c in chosen)
        features: int | None = known.features
        classes: int | None = len(chosen)
    else:
        # Known sets need none of the modules that read own files, and checking is to be quick.
        from mlplab.declarations.reading.own_data_header import read_header

        header = read_header(data, folder)
        faults = [*header.faults, *repeated]
        filtered = data.classes is not None
        train = None if filtered else header.train_rows
        test = None if filtered else header.test_rows
        features, classes = header.features, len(data.classes) if data.classes else None
    if data.classes is not None and len(data.classes) < 2 and not faults:
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


def _repeated(data: Data) -> Iterator[Fault]:
    seen: set[str] = set()
    for position, name in enumerate(data.classes or ()):
        if str(name) in seen:
            yield Fault(
                ("classes", position), "every class once", f"{shown(name)} again", "remove it"
            )
        seen.add(str(name))


def _twice(data: Data, chosen: list[int], known: KnownSet) -> Fault:
    position = next(i for i, c in enumerate(chosen) if c in chosen[:i])
    name = known.class_names[chosen[position]]
    return Fault(
        ("classes", position), "every class once", f'"{name}" by name and by number', "remove one"
    )


def _chosen(data: KnownData, known: KnownSet) -> tuple[list[int], list[Fault]]:
    """The classes that are kept; a number is a class's name, or its place if names are words."""
    if data.classes is None:
        return list(range(len(known.class_names))), []
    places = {name: place for place, name in enumerate(known.class_names)}
    if not any(name.isdecimal() for name in known.class_names):
        places |= {str(place): place for place in range(len(known.class_names))}
    chosen: list[int] = []
    faults: list[Fault] = []
    for position, wanted in enumerate(data.classes):
        place = places.get(str(wanted))
        if place is None:
            faults.append(
                Fault(
                    ("classes", position),
                    f"a class of {data.name}: {listed(known.class_names)}",
                    shown(wanted),
                    did_you_mean(wanted, known.class_names),
                )
            )
        else:
            chosen.append(place)
    return chosen, faults
