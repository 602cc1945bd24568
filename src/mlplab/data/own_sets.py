"""From rows as some format holds them to a Dataset: checked, classes named, test part drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlplab.data.columns import Column
from mlplab.data.dataset import Dataset
from mlplab.data.doubts import doubtful_rows
from mlplab.data.files import DataFile
from mlplab.declarations.problems import quoted, refuse, shown
from mlplab.declarations.task import TaskName

DEFAULT_TEST = 0.2
LONGEST_CLASS = 200


@dataclass(frozen=True)
class Header:
    """Sizes as far as headers tell; None for what only the whole data could."""

    train_rows: int | None = None
    """All rows where the test part is to be drawn from them."""
    test_rows: int | None = None
    features: int | None = None


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as one file (or pair of files) holds them."""

    inputs: np.ndarray
    """(row, feature) uint8 or float64."""
    labels: tuple[str, ...]
    """The class of each row, as text; empty for regression."""
    inputs_file: DataFile
    labels_file: DataFile
    image_shape: tuple[int, int] | None = None
    largest: float | None = None
    columns: tuple[Column, ...] | None = None
    """Of a table, whose inputs may be NaN where nothing is known."""
    task: TaskName = "classification"
    targets: np.ndarray | None = None
    """(row,) float64 of regression."""
    target_name: str = ""
    groups: np.ndarray | None = None
    """(row,) int64: rows of equal number stay in one part."""
    order: np.ndarray | None = None
    """(row,) float64: the later rows are tested."""
    notes: tuple[str, ...] = ()
    """What is doubtful, a sentence each."""


def divided(
    train: Rows,
    test: Rows | None,
    part: float | None,
    split_seed: int,
    fewest_classes: int = 2,
    fold: tuple[int, int] | None = None,
) -> Dataset:
    """Make a Dataset of training rows and given test rows, or draw the test part from them."""
    if test is not None:
        require_no_part(part, fold)
        _require_alike(train, test)
    measured = train.task == "regression"
    names = (train.target_name,) if measured else _class_names(train, fewest_classes)
    index = {name: c for c, name in enumerate(names)}
    _require_known_classes(test, index)
    parts = (train,) if test is None else (train, test)
    rows = [_numbered(part, index) for part in parts]
    labels = np.concatenate(rows)
    targets = None
    if measured:
        targets = np.concatenate([p.targets for p in parts if p.targets is not None])
        _require_variation(targets[: len(rows[0])], train)
    dataset = Dataset(
        inputs=train.inputs if test is None else np.concatenate([train.inputs, test.inputs]),
        labels=labels,
        class_names=names,
        train_rows=np.arange(len(rows[0]), dtype=np.int64),
        test_rows=np.arange(len(rows[0]), len(labels), dtype=np.int64),
        image_shape=train.image_shape,
        largest=train.largest if test is None or train.largest == test.largest else None,
        columns=train.columns,
        target_name=train.target_name,
        targets=targets,
        groups=_padded(train.groups, len(labels), -1),
        order=_padded(train.order, len(labels), np.inf),
        notes=(*train.notes, *(test.notes if test is not None else ())),
    )
    if fold is not None:
        train_rows, test_rows = dataset.take_fold(*fold, seed=split_seed)
        dataset = replace(dataset, train_rows=train_rows, test_rows=test_rows)
    elif test is None:
        train_rows, test_rows = dataset.divide(
            dataset.train_rows,
            DEFAULT_TEST if part is None else part,
            seed=split_seed,
            purpose="test",
            where="data.test",
        )
        dataset = replace(dataset, train_rows=train_rows, test_rows=test_rows)
    return replace(dataset, notes=(*dataset.notes, *doubtful_rows(dataset)))


def require_no_part(part: float | None, fold: tuple[int, int] | None = None) -> None:
    """Refuse a test part to be drawn, or a fold, where there are test rows."""
    if part is not None or fold is not None:
        refuse(
            "data.test",
            expected="either test rows of their own or a part to be drawn",
            received="both",
            hint="leave out one of them",
        )


def _numbered(rows: Rows, index: dict[str, int]) -> np.ndarray:
    if rows.task == "regression":
        return np.zeros(len(rows.inputs), dtype=np.int64)
    return np.array([index[label] for label in rows.labels], dtype=np.int64)


def _padded(values: np.ndarray | None, rows: int, other: float) -> np.ndarray | None:
    """What is known of the training rows only, for all rows."""
    if values is None:
        return None
    return np.concatenate([values, np.full(rows - len(values), other, dtype=values.dtype)])


def _require_variation(targets: np.ndarray, rows: Rows) -> None:
    if np.ptp(targets) == 0:
        rows.labels_file.refuse(
            "a target that varies",
            f"the same value {targets[0]:g} in every row",
            "name another column",
            where="data.target",
        )


def require_rows(
    shape: tuple[int, ...], labels: int, inputs_file: DataFile, labels_name: str
) -> None:
    """Refuse a set without rows or features, or one whose inputs and labels differ in number."""
    if 0 in shape:
        inputs_file.refuse(
            "at least one row of at least one feature",
            f"the sizes {'×'.join(map(str, shape))}",
            "give a file that holds data",
        )
    if shape[0] != labels:
        inputs_file.refuse(
            f"{shape[0]} labels in {labels_name}, one for each row",
            f"{labels}",
            "give inputs and labels that belong together",
        )


def spoken(value: float) -> str:
    """A number as a sentence has it: NaN, infinity, or its digits."""
    if np.isnan(value):
        return "NaN"
    return ("-" if value < 0 else "") + "infinity" if np.isinf(value) else f"{value:g}"


def _class_names(rows: Rows, fewest: int) -> tuple[str, ...]:
    """Sorted as numbers when all are numbers, else as text."""
    distinct = set(rows.labels)
    file = rows.labels_file
    longest = max(distinct, key=len, default="")
    if len(longest) > LONGEST_CLASS:
        file.refuse(
            f"class names of at most {LONGEST_CLASS} characters",
            f"one of {len(longest):,} ({shown(longest, 30)})",
            "name the classes in short",
        )
    if len(distinct) < fewest:
        file.refuse(
            "at least two classes",
            f"only {quoted(distinct)}",
            "there is nothing to tell apart: give data of several classes",
        )
    if len(distinct) > len(rows.labels) // 2:
        file.refuse(
            "classes with several rows each",
            f"{len(distinct)} different labels in {len(rows.labels)} rows",
            'labels must name classes; "format": "table" with "task": "regression" is for '
            "numbers that are measured, or sort them into ranges",
        )
    try:
        return tuple(sorted(distinct, key=lambda name: (int(name), name)))
    except ValueError:
        return tuple(sorted(distinct))


def _require_alike(train: Rows, test: Rows) -> None:
    features, received = train.inputs.shape[1], test.inputs.shape[1]
    if features != received or train.image_shape != test.image_shape:
        test.inputs_file.refuse(
            f"{_shape(train)}, as the training rows have",
            _shape(test),
            "give test rows of the same shape",
        )


def _require_known_classes(test: Rows | None, index: dict[str, int]) -> None:
    if test is None:
        return
    row = next((r for r, label in enumerate(test.labels) if label not in index), None)
    if row is not None:
        test.labels_file.refuse(
            f"a class that training rows have: {quoted(index)}",
            f"{shown(test.labels[row])} in test row {row} (counted from 0)",
            "a class that was never learned cannot be tested: correct the label or leave the "
            "row out",
        )


def _shape(rows: Rows) -> str:
    if rows.image_shape is not None:
        return f"images of {rows.image_shape[0]}×{rows.image_shape[1]}"
    return f"{rows.inputs.shape[1]} features"
