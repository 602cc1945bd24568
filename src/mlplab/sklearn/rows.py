"""Rows in memory as networks learn from them: prepared on training rows, with a validation part."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from mlplab.data.column_kinds import find_kind
from mlplab.data.columns import Column, Note, told
from mlplab.data.dataset import Dataset
from mlplab.data.expansion import fit_expansion
from mlplab.data.fitted import Preparation, encode_frame, fit
from mlplab.data.sources.frames import cells_of
from mlplab.declarations.problems import BadInput, quoted
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


def names_of(X: Any, features: int) -> list[str]:
    """The names of features: a frame's, as a model's preparation looks for them, else x0, x1, …"""
    names = [str(name).strip() for name in getattr(X, "columns", ())]
    return names if len({*names}) == features else [f"x{place}" for place in range(features)]


def columns_of(frame: pd.DataFrame) -> tuple[Column, ...]:
    """How the columns of a frame become numbers; a warning names those that cannot be used.

    Raises:
        ValueError: a column that holds what no network can use, or none that can be used.
    """
    found: list[tuple[Column | None, list[tuple[str, Note]]]] = []
    for place, name in enumerate(names_of(frame, frame.shape[1])):
        cells = cells_of(frame.iloc[:, place])
        if isinstance(cells, np.ndarray):
            found.append((Column(name, "number"), []))
            continue
        kind = find_kind(name, cells)
        if kind.doubts:
            raise ValueError(f"column {name!r}: received {kind.doubts[0][0]}")
        found.append((kind.column, [(name, note) for note in kind.notes]))
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
        ValueError: no frame, a column that is missing, or a cell that is not what its column holds.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(
            f"X: expected a pandas frame, as fit was given, but received {type(frame).__name__}"
        )
    try:
        return encode_frame(columns, frame)
    except BadInput as error:
        raise ValueError(str(error)) from None


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
