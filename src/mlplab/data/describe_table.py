"""A table of one's own as a person asks about it: what its columns hold, what a network will see."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlplab.data.column_kinds import Found, find_kind
from mlplab.data.columns import told
from mlplab.data.files import own_file
from mlplab.data.loading import load
from mlplab.data.own_tables import read_raw, understand
from mlplab.data.preparation import prepare
from mlplab.declarations.data import ColumnKind, TableData
from mlplab.declarations.problems import Problem
from mlplab.declarations.table_options import TableOptions
from mlplab.declarations.task import TaskName

_MOST_CLASSES = 20
_MOST_COLUMNS = 200


@dataclass(frozen=True)
class ColumnLine:
    """A column of the table."""

    position: int
    """From 1."""
    name: str
    kind: ColumnKind
    distinct: int
    missing: int
    examples: tuple[str, ...]
    features: int | None
    """Inputs that it becomes; None for the target, and where no target is named."""


@dataclass(frozen=True)
class TableDescription:
    """A table, as far as it can be understood."""

    rows: int
    columns: tuple[ColumnLine, ...]
    """At most 200 of them."""
    columns_left_out: int
    target: str | None
    task: TaskName | None
    target_in_words: str
    inputs: int | None
    """Of a network; None where no target is named or something must be settled first."""
    train_rows: int
    test_rows: int
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    """What must be settled before a network can learn from it."""


def describe_table(path: Path, options: TableOptions) -> TableDescription:
    """Describe a table, and what a network would be given of it.

    Args:
        path: of a CSV, TSV, Parquet, Feather or Excel file.
        options: what is said of it; without a target the columns are described alone.

    Raises:
        BadInput: a file that is no table, or a column that it does not have.
    """
    target = options.target
    declared = TableData(
        format="table",
        path=str(path.resolve()),
        target="1" if target is None else target,
        ignore=tuple(options.ignore),
        missing=tuple(options.missing),
        task=options.task,
    )
    table = read_raw(own_file(Path(), declared.path, "path"), declared)
    if target is None:
        found = [
            find_kind(name, cells, missing=declared.missing)  # type: ignore[arg-type]
            for name, cells in zip(table.names, table.columns, strict=True)
        ]
        lines = [_line(place, each, None) for place, each in enumerate(found)]
        notes = tuple(told((each.name, note) for each in found for note in each.notes))
        return TableDescription(
            table.rows, tuple(lines[:_MOST_COLUMNS]), max(0, len(lines) - _MOST_COLUMNS), None,
            None, "", None, 0, 0, (*table.notes, *notes), (),
        )  # fmt: skip
    understood = understand(table, declared)
    inputs, train, test, notes = None, 0, 0, understood.notes
    by_name: dict[str, int] = {}
    if not understood.problems:
        dataset = load(declared, Path(), lambda line: None)
        prepared = prepare(declared, Path(), lambda line: None)
        inputs, train = prepared.inputs.shape[1], len(prepared.train_rows)
        test, notes = len(prepared.test_rows), dataset.notes
        by_name = prepared.preparation.features_by_column
    place = table.position(target, "--target")
    found_at = {**understood.found, place: find_kind(table.names[place], table.columns[place])}
    lines = [_line(position, found_at[position], by_name) for position in sorted(found_at)]
    return TableDescription(
        rows=table.rows,
        columns=tuple(lines[:_MOST_COLUMNS]),
        columns_left_out=max(0, len(lines) - _MOST_COLUMNS),
        target=table.names[place],
        task=understood.target.task,
        target_in_words=_in_words(understood.target.labels, understood.target.values),
        inputs=inputs,
        train_rows=train,
        test_rows=test,
        notes=notes,
        problems=understood.problems,
    )


def _line(place: int, found: Found, by_name: dict[str, int] | None) -> ColumnLine:
    features = None if by_name is None else by_name.get(found.name, 0)
    return ColumnLine(
        place + 1, found.name, found.kind, found.distinct, found.missing, found.examples, features
    )


def _in_words(labels: tuple[str, ...], values: np.ndarray | None) -> str:
    if values is not None:
        return (
            f"{len(values):,} values from {values.min():g} to {values.max():g}, "
            f"mean {values.mean():g}, standard deviation {values.std():g}"
            if len(values)
            else "no values"
        )
    counts = Counter(labels).most_common()
    shown = [f"{name} ({count:,})" for name, count in counts[:_MOST_CLASSES]]
    more = f", and {len(counts) - _MOST_CLASSES:,} more" if len(counts) > _MOST_CLASSES else ""
    return f"{len(counts):,} classes: {', '.join(shown)}{more}"
