"""From rows as some format holds them to a Dataset: checked, classes named, test part drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlplab.data.dataset import Dataset
from mlplab.data.division import divide
from mlplab.data.own_files import OwnFile
from mlplab.data.refusal import refuse
from mlplab.declarations.problems import listed, shown

DEFAULT_TEST = 0.2
_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as one file (or pair of files) holds them."""

    inputs: np.ndarray
    """(row, feature) uint8 or float64."""
    labels: tuple[str, ...]
    """The class of each row, as text."""
    image_shape: tuple[int, int] | None
    largest: float | None
    inputs_file: OwnFile
    labels_file: OwnFile


def divided(
    train: Rows, test: Rows | None, part: float | None, split_seed: int, fewest_classes: int = 2
) -> Dataset:
    """Make a Dataset of training rows and given test rows, or draw the test part from them."""
    if test is not None and part is not None:
        refuse(
            "data.test",
            expected="either test rows of their own or a part to be drawn",
            received="both",
            hint="leave out one of them",
        )
    names = _class_names(train, fewest_classes)
    index = {name: c for c, name in enumerate(names)}
    labels = np.array([index[label] for label in train.labels], dtype=np.int64)
    rows = np.arange(len(labels), dtype=np.int64)
    if test is None:
        train_rows, test_rows = divide(
            labels,
            rows,
            DEFAULT_TEST if part is None else part,
            seed=split_seed,
            purpose="test",
            class_names=names,
            where="data.test",
        )
        return Dataset(
            train.inputs, labels, names, train_rows, test_rows, train.image_shape, train.largest
        )
    _require_alike(train, test, index)
    alike = train.largest == test.largest
    test_labels = np.array([index[label] for label in test.labels], dtype=np.int64)
    return Dataset(
        inputs=np.concatenate([train.inputs, test.inputs]),
        labels=np.concatenate([labels, test_labels]),
        class_names=names,
        train_rows=rows,
        test_rows=np.arange(len(rows), len(rows) + len(test_labels), dtype=np.int64),
        image_shape=train.image_shape,
        largest=train.largest if alike else None,
    )


def require_rows(inputs: np.ndarray, labels: int, inputs_file: OwnFile, labels_name: str) -> None:
    """Refuse a set without rows or features, or one whose inputs and labels differ in number."""
    if 0 in inputs.shape:
        refuse(
            inputs_file.where,
            expected="at least one row of at least one feature",
            received=f"the sizes {'×'.join(map(str, inputs.shape))}",
            hint="give a file that holds data",
            file=inputs_file.path,
        )
    if len(inputs) != labels:
        refuse(
            inputs_file.where,
            expected=f"{len(inputs)} labels in {labels_name}, one for each row",
            received=f"{labels}",
            hint="give inputs and labels that belong together",
            file=inputs_file.path,
        )


def first_unusable(inputs: np.ndarray) -> tuple[int, int] | None:
    """Row and column of the first value that is not finite in float32, None if all are."""
    usable = np.abs(inputs) <= _LARGEST_FLOAT32
    if usable.all():
        return None
    row, column = np.unravel_index(int(np.argmin(usable)), usable.shape)
    return int(row), int(column)


def spoken(value: float) -> str:
    """A number as a sentence has it: NaN, infinity, or its digits."""
    if np.isnan(value):
        return "NaN"
    return ("-" if value < 0 else "") + "infinity" if np.isinf(value) else f"{value:g}"


def _class_names(rows: Rows, fewest: int) -> tuple[str, ...]:
    """Sorted as numbers when all are whole numbers, else as text."""
    distinct = set(rows.labels)
    file = rows.labels_file
    if len(distinct) < fewest:
        refuse(
            file.where,
            expected="at least two classes",
            received=f"only {listed(distinct)}",
            hint="there is nothing to tell apart: give data of several classes",
            file=file.path,
        )
    if len(distinct) > len(rows.labels) // 2:
        refuse(
            file.where,
            expected="classes with several rows each",
            received=f"{len(distinct)} different labels in {len(rows.labels)} rows",
            hint="labels must name classes; for numbers that are measured, sort them into ranges",
            file=file.path,
        )
    try:
        return tuple(sorted(distinct, key=lambda name: (int(name), name)))
    except ValueError:
        return tuple(sorted(distinct))


def _require_alike(train: Rows, test: Rows, index: dict[str, int]) -> None:
    features, received = train.inputs.shape[1], test.inputs.shape[1]
    if features != received or train.image_shape != test.image_shape:
        refuse(
            test.inputs_file.where,
            expected=f"{_shape(train)}, as the training rows have",
            received=_shape(test),
            hint="give test rows of the same shape",
            file=test.inputs_file.path,
        )
    row = next((r for r, label in enumerate(test.labels) if label not in index), None)
    if row is not None:
        refuse(
            test.labels_file.where,
            expected=f"a class that training rows have: {listed(index)}",
            received=f"{shown(test.labels[row])} in test row {row} (counted from 0)",
            hint="a class that was never learned cannot be tested: correct the label or leave the "
            "row out",
            file=test.labels_file.path,
        )


def _shape(rows: Rows) -> str:
    if rows.image_shape is not None:
        return f"images of {rows.image_shape[0]}×{rows.image_shape[1]}"
    return f"{rows.inputs.shape[1]} features"
