"""Rows in memory as networks learn from them: prepared on training rows, with a validation part."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from mlplab.data.column_kinds import find_kind
from mlplab.data.columns import Column, told
from mlplab.data.dataset import Dataset
from mlplab.data.expansion import fit_expansion
from mlplab.data.fitted import Preparation, fit
from mlplab.data.sources.frames import cells_of
from mlplab.declarations.problems import quoted
from mlplab.trainer.dataset import DeviceDataset

FEWEST_FOR_VALIDATION = 50
"""Rows; with fewer there is no validation part, and no early stopping."""


@dataclass(frozen=True, eq=False)
class PreparedRows:
    """What the networks of one fit share."""

    preparation: Preparation
    data: DeviceDataset
    labels: np.ndarray
    """(row,) int64 class; 0 throughout for a quantity."""
    targets: np.ndarray | None
    """(row,) float32, standardised; None for classes."""
    train_rows: np.ndarray
    validation_rows: np.ndarray


def columns_of(frame: Any) -> tuple[Column, ...]:
    """How the columns of a frame become numbers; a warning names those that cannot be used.

    Raises:
        ValueError: a column that holds what no network can use, or none that can be used.
    """
    found = []
    for place, name in enumerate(frame.columns):
        cells = cells_of(frame.iloc[:, place])
        is_text = not isinstance(cells, np.ndarray)
        column = Column(str(name), "number")
        if is_text:
            kind = find_kind(str(name), cells)
            if kind.doubts:
                raise ValueError(f"column {name!r}: received {kind.doubts[0][0]}")
            found.append((kind.column, [(str(name), note) for note in kind.notes]))
        else:
            found.append((column, []))
    unused = [note for column, notes in found if column is None for note in notes]
    for sentence in told(unused):
        warnings.warn(f"not used: {sentence}", UserWarning, stacklevel=4)
    used = tuple(column for column, _ in found if column is not None)
    if not used:
        raise ValueError(f"no column can be used; received {quoted(map(str, frame.columns))}")
    return used


def encoded(columns: Sequence[Column], frame: Any) -> np.ndarray:
    """The numbers (row, part) float64 of a frame's columns; NaN for a missing value.

    Raises:
        ValueError: a cell that is not what its column holds.
    """
    parts = []
    for column in columns:
        cells = cells_of(frame[column.name])
        numbers, wrong = column.encode(cells)
        if wrong:
            raise ValueError(
                f"column {column.name!r}: expected a {column.kind}, but received "
                f"{cells[wrong[0]]!r} in row {wrong[0]} (counted from 0)"
            )
        parts.append(numbers)
    return np.column_stack(parts)


def prepare_rows(
    inputs: np.ndarray,
    columns: tuple[Column, ...],
    labels: np.ndarray,
    targets: np.ndarray | None,
    class_names: Sequence[str],
    *,
    validation: float,
    seed: int,
) -> PreparedRows:
    """Divide, fit the preparation on the training part, and prepare all rows.

    Args:
        inputs: (row, part) as `encoded` gives them.
        labels: (row,) int64 class; 0 throughout for a quantity.
        targets: (row,) float64 of a quantity.
        validation: share of the rows that early stopping watches; 0 for none.
        seed: of the division.
    """
    rows = np.arange(len(inputs))
    train, held_out = rows, rows[:0]
    if validation and len(rows) >= FEWEST_FOR_VALIDATION:
        train, held_out = _divided(rows, labels if targets is None else None, validation, seed)
    dataset = Dataset(
        inputs=inputs,
        labels=labels,
        class_names=tuple(class_names),
        train_rows=train,
        test_rows=rows[:0],
        image_shape=None,
        largest=None,
        columns=columns,
        targets=targets,
    )
    preparation = fit(None, dataset, train, class_names)
    if preparation.expansion is None:
        # Later rows may lack a number that all training rows have.
        preparation = replace(preparation, expansion=fit_expansion(columns, inputs[train]))
    standard = None
    if targets is not None:
        standard = (targets - preparation.target_mean) / preparation.target_std
    return PreparedRows(
        preparation=preparation,
        data=DeviceDataset(preparation.apply(inputs), labels),
        labels=labels,
        targets=None if standard is None else standard.astype(np.float32),
        train_rows=train,
        validation_rows=held_out,
    )


def _divided(
    rows: np.ndarray, labels: np.ndarray | None, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation rows, ascending; stratified by class where every class has two."""
    strata = labels
    if labels is not None:
        counts = np.unique(labels, return_counts=True)[1]
        if counts.min() < 2 or len(counts) > min(share, 1 - share) * len(rows):
            strata = None
    train, held_out = train_test_split(rows, test_size=share, random_state=seed, stratify=strata)
    return np.sort(train), np.sort(held_out)
