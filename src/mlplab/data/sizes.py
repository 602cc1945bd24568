"""How large own data are, for who checks a study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlplab.data.loading import load, read_header
from mlplab.data.own_sets import DEFAULT_TEST
from mlplab.data.preparation import prepare
from mlplab.declarations.data import Data, KnownData, OwnData, TableData, part_size
from mlplab.declarations.problems import refuse, shown
from mlplab.declarations.task import TaskName

Sizes = tuple[int | None, int | None, int | None, int | None, int | None, TaskName | None]
"""Training, validation and test rows, features, classes and task; None for what is not known."""


def own_data_size(
    data: OwnData, folder: Path, *, fewest_classes: int = 2, headers_only: bool = False
) -> Sizes:
    """The sizes of own data, read whole, or as far as their headers tell.

    Raises:
        BadInput: whatever is wrong with them.
    """
    if headers_only:
        return _by_headers(data, folder)
    if fewest_classes < 2:
        dataset = load(data, folder, _silent, fewest_classes=fewest_classes)
        rows, tested = len(dataset.train_rows), len(dataset.test_rows)
        features, classes = dataset.inputs.shape[1], len(dataset.class_names)
        return rows, 0, tested, features, classes, dataset.task
    prepared = prepare(data, folder, _silent)
    return (
        len(prepared.train_rows),
        len(prepared.validation_rows),
        len(prepared.test_rows),
        prepared.inputs.shape[1],
        len(prepared.class_names),
        prepared.task,
    )


def doubts_of(declared: Iterable[Data], folder: Path) -> tuple[str, ...]:
    """What is doubtful of own data, a sentence each; known sets are not opened.

    Raises:
        BadInput: data that cannot be used.
    """
    notes: dict[str, None] = {}
    for data in dict.fromkeys(declared):
        if not isinstance(data, KnownData):
            notes |= dict.fromkeys(load(data, folder, _silent).notes)
    return tuple(notes)


def _by_headers(data: OwnData, folder: Path) -> Sizes:
    found = read_header(data, folder)
    train, test = found.train_rows, found.test_rows
    if train is not None and test is None:
        part = DEFAULT_TEST if data.test is None else data.test
        test = part_size(part, train)
        if test >= train:
            refuse(
                "data.test",
                expected=f"fewer than the {train} rows of the data",
                received=shown(part),
                hint="make the test part smaller",
            )
        train -= test
    classes = len(data.classes) if data.classes else None
    task = data.task if isinstance(data, TableData) else "classification"
    if data.classes is not None or train is None:
        return None, None if data.validation else 0, None, found.features, classes, task
    validation = part_size(data.validation, train)
    if validation >= train:
        refuse(
            "data.validation",
            expected=f"fewer than the {train} training rows",
            received=shown(data.validation),
            hint="make the validation part smaller",
        )
    return train - validation, validation, test, found.features, classes, task


def _silent(line: str) -> None:
    """Nobody listens: what is to be told is told when the data are prepared for training."""
