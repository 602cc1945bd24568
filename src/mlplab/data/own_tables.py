"""Tables of one's own: from cells to numbers and targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mlplab.data.column_kinds import Found, find_kind
from mlplab.data.columns import Cells, Column, floats, told
from mlplab.data.files import DataFile, require_memory
from mlplab.data.own_sets import Header, Rows
from mlplab.data.sources.delimited import TextForm, read_text_table
from mlplab.data.sources.raw_table import RawTable
from mlplab.data.targets import Target, find_target
from mlplab.declarations.data import ColumnKind, ColumnName, TableData
from mlplab.declarations.problems import BadInput, Problem, did_you_mean, quoted, shown

_MOST_NOTES = 40
_WORKBOOKS = (".xlsx", ".xlsm")
_ARROW = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")


def read_raw(file: DataFile, declaration: TableData, *, head_only: bool = False) -> RawTable:
    """The table in a file, told by its first bytes; see the modules of `sources`."""
    with file.path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(b"PK") or file.path.suffix.lower() in _WORKBOOKS:
        from mlplab.data.sources.frames import read_workbook

        return read_workbook(file, declaration.sheet, head_only=head_only)
    if start.startswith(_ARROW):
        from mlplab.data.sources.frames import read_arrow

        return read_arrow(file, head_only=head_only)
    form = TextForm(declaration.header, declaration.separator, declaration.encoding)
    return read_text_table(file, form, head_only=head_only)


def header(declaration: TableData, files: Sequence[DataFile]) -> Header:
    """Nothing: how many features columns become, only the whole table tells.

    Raises:
        BadInput: what its first lines tell to be wrong, as a target that is no column.
    """
    understand(read_raw(files[0], declaration, head_only=True), declaration)
    return Header()


def read(declaration: TableData, files: Sequence[DataFile]) -> tuple[Rows, Rows | None]:
    """Training rows and, where there is a file of them, test rows.

    Raises:
        BadInput: every column that cannot be used, at once.
    """
    understood = understand(read_raw(files[0], declaration), declaration)
    if understood.problems:
        raise BadInput(understood.problems)
    if not understood.columns:
        kinds = [f"{shown(found.name)} is {found.kind}" for found in understood.found.values()]
        understood.table.file.refuse(
            "at least one column beside the target that a network can use",
            quoted(kinds, quote=False, limit=6) or "none",
            '"columns" says how a column is to be taken',
        )
    train = _training_rows(understood)
    if len(files) == 1:
        return train, None
    return train, _test_rows(read_raw(files[1], declaration), understood, declaration)


@dataclass(frozen=True, eq=False)
class Understood:
    """A table, with what each column was found to hold."""

    table: RawTable
    target: Target
    found: dict[int, Found]
    """By its place in the table, every column but the target."""
    groups: int | None
    order: int | None
    problems: tuple[Problem, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those that networks are given."""
        return tuple(each.column for each in self.found.values() if each.column is not None)

    @property
    def used(self) -> tuple[int, ...]:
        """Where in the table these stand."""
        return tuple(place for place, each in self.found.items() if each.column is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is told of the table and its columns."""
        notes = [*self.table.notes, *self.target.notes]
        notes += told((each.name, note) for each in self.found.values() for note in each.notes)
        if len(notes) > _MOST_NOTES:
            left_out = len(notes) - _MOST_NOTES
            notes = [*notes[:_MOST_NOTES], f"and {left_out:,} more notes on columns"]
        return tuple(notes)


def understand(table: RawTable, declaration: TableData) -> Understood:
    """Find what the columns of a table hold.

    Raises:
        BadInput: a declared column that the table does not have.
    """
    missing = _missing(declaration)
    target_at = table.position(declaration.target, "data.target")
    settings = [f"data.ignore[{place}]" for place in range(len(declaration.ignore))]
    ignored = _positions(table, zip(declaration.ignore, settings, strict=True))
    declared = _positions(table, ((name, "data.columns") for name, _ in declaration.columns))
    kinds = dict(zip(declared, (kind for _, kind in declaration.columns), strict=True))
    groups, order = (
        None if name is None else table.position(name, setting)
        for name, setting in (
            (declaration.groups, "data.groups"),
            (declaration.order, "data.order"),
        )
    )
    found = {
        place: find_kind(
            name,
            table.columns[place],
            declared="ignore"
            if place in ignored or (place == groups and place not in kinds)
            else kinds.get(place),
            missing=missing,
            decimal=declaration.decimal,
        )
        for place, name in enumerate(table.names)
        if place != target_at
    }
    target = find_target(
        table.names[target_at],
        table.columns[target_at],
        task=declaration.task,
        declared=kinds.get(target_at),
        missing=missing,
        decimal=declaration.decimal,
    )
    problems = [
        table.file.problem(f"one kind of cells in column {shown(each.name)}", received, hint)
        for each in found.values()
        for received, hint in each.doubts
    ]
    problems += _target_problems(target, table)
    return Understood(table, target, found, groups, order, tuple(problems))


def _missing(declaration: TableData) -> tuple[str, ...]:
    """The declared words for a missing value, each once, as cells hold them."""
    words = (
        value.strip() if isinstance(value, str) else f"{value:g}" if value == value else "nan"
        for value in declaration.missing
    )
    return tuple(dict.fromkeys(words))


def _positions(table: RawTable, names: Iterable[tuple[ColumnName, str]]) -> list[int]:
    """Where columns stand, each with the setting that names it; all that are none are told."""
    places: list[int] = []
    problems: list[Problem] = []
    for name, setting in names:
        try:
            places.append(table.position(name, setting))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return places


def _target_problems(target: Target, table: RawTable) -> Iterator[Problem]:
    if target.doubt is not None:
        yield table.file.problem(*target.doubt, where="data.target")
    elif not len(target.rows):
        yield table.file.problem(
            "a column with values",
            f"{shown(target.name)}, which has none",
            did_you_mean(target.name, [n for n in table.names if n != target.name]),
            where="data.target",
        )


def _encoded(columns: Sequence[Column], cells: Sequence[Cells], table: RawTable) -> np.ndarray:
    """The numbers of columns, (row, part of a column) float64.

    Raises:
        BadInput: cells that are not what the columns hold, the first of each column.
    """
    width = sum(len(column.parts) for column in columns)
    require_memory(table.rows * width * 12, table.file, "a table")
    encoded = np.empty((table.rows, width))
    problems, start = [], 0
    for column, its in zip(columns, cells, strict=True):
        numbers, wrong = column.encode(its)
        encoded[:, start : start + numbers.shape[1]] = numbers
        start += numbers.shape[1]
        if wrong:
            problems.append(_wrong_cell(column, its[wrong[0]], wrong[0], table))
    if problems:
        raise BadInput(problems)
    return encoded


def _wrong_cell(column: Column, cell: object, row: int, table: RawTable) -> Problem:
    kinds = {"number": "a finite number", "date": f"a date as {column.date_format}"}
    expected = kinds.get(column.kind, f"one of {quoted(column.categories)}")
    return table.file.problem(
        f"{expected} in column {shown(column.name)}",
        shown(cell) if table.line(row) else f"{shown(cell)} in row {row} (counted from 0)",
        'correct it, or add it to "missing"',
        line=table.line(row),
    )


def _rows(inputs: np.ndarray, columns: tuple[Column, ...], target: Target, table: RawTable) -> Rows:
    """The rows that have a target."""
    return Rows(
        inputs=inputs if len(target.rows) == table.rows else inputs[target.rows],
        labels=target.labels,
        inputs_file=table.file,
        labels_file=table.file,
        columns=columns,
        task=target.task,
        targets=target.values,
        target_name=target.name,
    )


def _training_rows(understood: Understood) -> Rows:
    table, target = understood.table, understood.target
    inputs = _encoded(understood.columns, [table.columns[p] for p in understood.used], table)
    return replace(
        _rows(inputs, understood.columns, target, table),
        groups=_group_numbers(understood, target.rows),
        order=_order_numbers(understood, target.rows),
        notes=(*understood.notes, *_in_order_of_time(understood, inputs)),
    )


def _test_rows(table: RawTable, train: Understood, declaration: TableData) -> Rows:
    name, task = train.target.name, train.target.task
    needed = [train.table.names[place] for place in train.used]
    table.require_columns([*needed, name], train.table.names)
    usual: ColumnKind | None = "number" if task == "classification" else None
    target = find_target(
        name,
        table.columns[table.names.index(name)],
        task=task,
        declared=dict(declaration.columns).get(name, usual),
        missing=_missing(declaration),
        decimal=declaration.decimal,
    )
    problems = list(_target_problems(target, table))
    if problems:
        raise BadInput(problems)
    cells = [table.columns[table.names.index(name)] for name in needed]
    rows = _rows(_encoded(train.columns, cells, table), train.columns, target, table)
    return replace(rows, notes=tuple(f"{table.file.path.name}: {n}" for n in target.notes))


def _in_order_of_time(understood: Understood, inputs: np.ndarray) -> Iterator[str]:
    """Say that rows stand in the order of a date, which a drawn test part passes over."""
    if understood.order is not None or understood.groups is not None:
        return
    start = 0
    for column in understood.columns:
        days = inputs[:, start]
        start += len(column.parts)
        dated = column.kind == "date" and column.parts[0].endswith(": day")
        if dated and np.ptp(days) > 0 and bool((np.diff(days) >= 0).all()):
            yield (
                f"rows are in the order of {shown(column.name)}, and test rows are drawn among "
                f'them; "order": {shown(column.name)} tests the last ones, as a forecast would'
            )


def _group_numbers(understood: Understood, kept: np.ndarray) -> np.ndarray | None:
    if understood.groups is None:
        return None
    cells = understood.table.columns[understood.groups]
    words = [str(cells[row]) for row in kept.tolist()]
    return np.unique(words, return_inverse=True)[1].astype(np.int64)


def _order_numbers(understood: Understood, kept: np.ndarray) -> np.ndarray | None:
    if understood.order is None:
        return None
    table, place = understood.table, understood.order
    found = find_kind(table.names[place], table.columns[place])
    column = found.column if found.column and found.column.kind in ("number", "date") else None
    if column is None and found.kind == "identifier" and floats(table.columns[place]) is not None:
        column = Column(table.names[place], "number")
    numbers = None if column is None else column.encode(table.columns[place])[0][kept, 0]
    if numbers is None or np.isnan(numbers).any():
        held = "missing values" if numbers is not None else f"{found.kind} cells"
        table.file.refuse(
            "a column of numbers or dates without missing ones",
            f"{shown(table.names[place])}, which holds {held}",
            'name another column, or leave "order" out',
            where="data.order",
        )
    return numbers
