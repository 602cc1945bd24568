"""Tables of one's own: from cells to numbers and targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np

from mlplab.data.columns import Cells, Column, Found, Note, find_kind, floats, number_of, told
from mlplab.data.header import Header
from mlplab.data.own_files import OwnFile, require_memory
from mlplab.data.own_sets import Rows, spoken
from mlplab.data.sources.delimited import TextForm, read_text_table
from mlplab.data.sources.raw_table import RawTable
from mlplab.data.targets import Target, find_target, plain_labels
from mlplab.declarations.data import ColumnKind, ColumnName, CsvData, TableData
from mlplab.declarations.problems import BadInput, Problem, did_you_mean, quoted, shown

_MOST_NOTES = 40
_WORKBOOKS = (".xlsx", ".xlsm")
_ARROW = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")


def read_raw(
    file: OwnFile, declaration: CsvData | TableData, *, head_only: bool = False
) -> RawTable:
    """The table in a file, told by its first bytes; see the modules of `sources`."""
    if isinstance(declaration, CsvData):
        form = TextForm(header=declaration.header, plain=True)
        return read_text_table(file, form, head_only=head_only)
    with file.path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(b"PK") or PurePath(file.path).suffix.lower() in _WORKBOOKS:
        from mlplab.data.sources.frames import read_workbook

        return read_workbook(file, declaration.sheet, head_only=head_only)
    if start.startswith(_ARROW):
        from mlplab.data.sources.frames import read_arrow

        return read_arrow(file, head_only=head_only)
    form = TextForm(declaration.header, declaration.separator, declaration.encoding)
    return read_text_table(file, form, head_only=head_only)


def table_header(declaration: CsvData | TableData, files: Sequence[OwnFile]) -> Header:
    """The number of features where every column is one, from the first lines of a table.

    Raises:
        BadInput: what these lines tell to be wrong, as a target that is no column.
    """
    table = read_raw(files[0], declaration, head_only=True)
    if isinstance(declaration, TableData):
        understand(table, declaration)
        return Header()
    _label_at(table, declaration)
    if len(files) > 1:
        test = read_raw(files[1], declaration, head_only=True)
        _require_columns(test, table.names, table.names)
    return Header(features=len(table.names) - 1)


@dataclass(frozen=True, eq=False)
class Understood:
    """A table, with what each column was found to hold."""

    table: RawTable
    target: Target
    found: tuple[Found, ...]
    """Of every column but the target, in the order of the table."""
    positions: tuple[int, ...]
    """Where in the table these stand."""
    groups: int | None
    order: int | None
    problems: tuple[Problem, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those that networks are given."""
        return tuple(found.column for found in self.found if found.column is not None)

    @property
    def used(self) -> tuple[int, ...]:
        """Where in the table these stand."""
        pairs = zip(self.found, self.positions, strict=True)
        return tuple(place for found, place in pairs if found.column is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is told of the table and its columns."""
        notes = [*self.table.notes, *self.target.notes]
        notes += told((found.name, note) for found in self.found for note in found.notes)
        if len(notes) > _MOST_NOTES:
            left_out = len(notes) - _MOST_NOTES
            notes = [*notes[:_MOST_NOTES], f"and {left_out:,} more notes on columns"]
        return tuple(notes)


def understand(table: RawTable, declaration: TableData) -> Understood:
    """Find what the columns of a table hold.

    Raises:
        BadInput: a declared column that the table does not have.
    """
    missing = tuple(dict.fromkeys(_word(value) for value in declaration.missing))
    target_at = table.position(declaration.target, "data.target")
    ignored = _positions(table, declaration.ignore, "data.ignore")
    kinds = _declared_kinds(table, declaration)
    groups = _one(table, declaration.groups, "data.groups")
    order = _one(table, declaration.order, "data.order")
    found = []
    positions = [place for place in range(len(table.names)) if place != target_at]
    for place in positions:
        left_out = place in ignored or (place == groups and place not in kinds)
        found.append(
            find_kind(
                table.names[place],
                table.columns[place],
                declared="ignore" if left_out else kinds.get(place),
                missing=missing,
                decimal=declaration.decimal,
            )
        )
    target = find_target(
        table.names[target_at],
        table.columns[target_at],
        task=declaration.task,
        declared=kinds.get(target_at),
        missing=missing,
        decimal=declaration.decimal,
    )
    problems = [*_column_problems(found, table, declaration), *_target_problems(target, table)]
    return Understood(table, target, tuple(found), tuple(positions), groups, order, tuple(problems))


def read_table(
    declaration: CsvData | TableData, files: Sequence[OwnFile]
) -> tuple[Rows, Rows | None]:
    """Training rows and, where there is a file of them, test rows.

    Raises:
        BadInput: every column that cannot be used, at once.
    """
    if isinstance(declaration, CsvData):
        return _read_plain(declaration, files)
    table = read_raw(files[0], declaration)
    understood = understand(table, declaration)
    if understood.problems:
        raise BadInput(understood.problems)
    if not understood.columns:
        raise BadInput(_nothing_to_learn_from(understood))
    train = _rows(understood, understood.target)
    if len(files) == 1:
        return train, None
    return train, _test_rows(read_raw(files[1], declaration), understood, declaration)


def encode(columns: Sequence[Column], cells: Sequence[Cells], table: RawTable) -> np.ndarray:
    """The numbers of columns, (row, part of a column) float64.

    Raises:
        BadInput: cells that are not what the columns hold, the first of each column.
    """
    width = sum(len(column.parts) for column in columns)
    require_memory(table.rows * width * 12, table.file.path, table.file.where, "a table")
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
    return Problem(
        table.file.where,
        f"{expected} in column {shown(column.name)}",
        shown(cell) if table.line(row) else f"{shown(cell)} in row {row} (counted from 0)",
        'correct it, or add it to "missing"',
        table.line(row),
        str(table.file.path),
    )


def _rows(understood: Understood, target: Target) -> Rows:
    """The rows that have a target, as numbers."""
    table = understood.table
    inputs = encode(understood.columns, [table.columns[p] for p in understood.used], table)
    kept = target.rows
    everything = len(kept) == table.rows
    return Rows(
        inputs=inputs if everything else inputs[kept],
        labels=target.labels,
        image_shape=None,
        largest=None,
        inputs_file=table.file,
        labels_file=table.file,
        columns=understood.columns,
        task=target.task,
        targets=target.values,
        target_name=target.name,
        groups=_group_numbers(understood, kept),
        order=_order_numbers(understood, kept),
        notes=(*understood.notes, *_in_order_of_time(understood, inputs)),
    )


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
    found = find_kind(table.names[place], table.columns[place], declared=None)
    column = found.column if found.column and found.column.kind in ("number", "date") else None
    if column is None and found.kind == "identifier" and floats(table.columns[place]) is not None:
        column = Column(table.names[place], "number")
    numbers = None if column is None else column.encode(table.columns[place])[0][kept, 0]
    if numbers is None or np.isnan(numbers).any():
        raise BadInput(
            Problem(
                "data.order",
                "a column of numbers or dates without missing ones",
                f"{shown(table.names[place])}, which holds "
                + ("missing values" if numbers is not None else f"{found.kind} cells"),
                'name another column, or leave "order" out',
                None,
                str(table.file.path),
            )
        )
    return numbers


def _test_rows(table: RawTable, train: Understood, declaration: TableData) -> Rows:
    names = train.table.names
    needed = [train.table.names[place] for place in (*train.used,)]
    _require_columns(table, [*needed, train.target.name], names)
    kinds = dict(declaration.columns)
    place = table.names.index(train.target.name)
    target = find_target(
        train.target.name,
        table.columns[place],
        task=train.target.task,
        declared=kinds.get(
            train.target.name, "number" if train.target.task == "classification" else None
        ),
        missing=tuple(_word(value) for value in declaration.missing),
        decimal=declaration.decimal,
    )
    problems = list(_target_problems(target, table))
    if problems:
        raise BadInput(problems)
    cells = [table.columns[table.names.index(name)] for name in needed]
    inputs = encode(train.columns, cells, table)
    notes = tuple(f"{table.file.path.name}: {note}" for note in target.notes)
    return Rows(
        inputs=inputs[target.rows],
        labels=target.labels,
        image_shape=None,
        largest=None,
        inputs_file=table.file,
        labels_file=table.file,
        columns=train.columns,
        task=target.task,
        targets=target.values,
        target_name=target.name,
        notes=notes,
    )


def _require_columns(table: RawTable, needed: Sequence[str], known: Sequence[str]) -> None:
    held, wanted = set(table.names), set(known)
    missing = [name for name in needed if name not in held]
    extra = [name for name in table.names if name not in wanted]
    if missing or extra:
        parts = [f"without {quoted(missing)}"] if missing else []
        parts += [f"with {quoted(extra)} besides"] if extra else []
        raise BadInput(
            Problem(
                table.file.where,
                "the columns of the training rows",
                f"a table {' and '.join(parts)}",
                "give both tables the same columns",
                1,
                str(table.file.path),
            )
        )


# --- what is declared of columns --------------------------------------------------------------


def _word(value: str | int | float) -> str:
    return value.strip() if isinstance(value, str) else f"{value:g}" if value == value else "nan"


def _one(table: RawTable, name: ColumnName | None, setting: str) -> int | None:
    return None if name is None else table.position(name, setting)


def _positions(table: RawTable, names: Sequence[ColumnName], setting: str) -> set[int]:
    places: set[int] = set()
    problems: list[Problem] = []
    for position, name in enumerate(names):
        try:
            places.add(table.position(name, f"{setting}[{position}]"))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return places


def _declared_kinds(table: RawTable, declaration: TableData) -> dict[int, ColumnKind]:
    kinds: dict[int, ColumnKind] = {}
    problems: list[Problem] = []
    for name, kind in declaration.columns:
        try:
            kinds[table.position(name, "data.columns")] = kind
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return kinds


def _column_problems(
    found: Sequence[Found], table: RawTable, declaration: TableData
) -> list[Problem]:
    return [
        Problem(
            table.file.where,
            f"one kind of cells in column {shown(each.name)}",
            received,
            hint,
            None,
            str(table.file.path),
        )
        for each in found
        for received, hint in each.doubts
    ]


def _target_problems(target: Target, table: RawTable) -> list[Problem]:
    if target.doubt is not None:
        expected, received, hint = target.doubt
        return [Problem("data.target", expected, received, hint, None, str(table.file.path))]
    if not len(target.rows):
        return [
            Problem(
                "data.target",
                "a column with values",
                f"{shown(target.name)}, which has none",
                did_you_mean(target.name, [n for n in table.names if n != target.name]),
                None,
                str(table.file.path),
            )
        ]
    return []


def _nothing_to_learn_from(understood: Understood) -> Problem:
    kinds = [f"{shown(found.name)} is {found.kind}" for found in understood.found]
    return Problem(
        understood.table.file.where,
        "at least one column beside the target that a network can use",
        quoted(kinds, quote=False, limit=6) or "none",
        '"columns" says how a column is to be taken',
        None,
        str(understood.table.file.path),
    )


# --- plain tables -----------------------------------------------------------------------------


def _read_plain(declaration: CsvData, files: Sequence[OwnFile]) -> tuple[Rows, Rows | None]:
    table = read_raw(files[0], declaration)
    place = _label_at(table, declaration)
    features = [name for name in table.names if name != table.names[place]]
    train = _plain_rows(table, features, table.names[place])
    if len(files) == 1:
        return train, None
    test = read_raw(files[1], declaration)
    _require_columns(test, table.names, table.names)
    return train, replace(_plain_rows(test, features, table.names[place]), notes=())


def _label_at(table: RawTable, declaration: CsvData) -> int:
    if len(table.names) == 1 and table.names[0] != declaration.label:
        raise BadInput(
            Problem(
                "data.label",
                f"a column of the table: {quoted(table.names)}",
                shown(declaration.label),
                did_you_mean(declaration.label, table.names)
                or 'separate with commas, or use "format": "table"',
                1,
                str(table.file.path),
            )
        )
    place = table.position(declaration.label, "data.label")
    if len(table.names) == 1:
        raise BadInput(
            Problem(
                table.file.where,
                "at least one column beside the label",
                "none",
                "add the features",
                1,
                str(table.file.path),
            )
        )
    return place


def _plain_rows(table: RawTable, features: Sequence[str], label: str) -> Rows:
    at = {name: place for place, name in enumerate(table.names)}
    words = table.columns[at[label]]
    problems = [*_without_class(words, label, table)]
    inputs = np.empty((table.rows, len(features)))
    for number, name in enumerate(features):
        cells = table.columns[at[name]]
        numbers = floats(cells)
        if numbers is None:
            read = [number_of(cell) for cell in cells]
            numbers = np.array([np.nan if n is None else n for n in read], dtype=np.float64)
        bad = np.flatnonzero(~(np.abs(numbers) <= np.finfo(np.float32).max))
        if len(bad):
            problems.append(_no_number(cells, int(bad[0]), name, table))
        inputs[:, number] = numbers
    if problems:
        raise BadInput(problems)
    labels, notes = plain_labels(label, words)
    distinct = set(labels)
    if len(distinct) > 20 and any(_has_fraction(word) for word in distinct):
        raise BadInput(_measured(label, len(distinct), table))
    found = [find_kind(name, table.columns[at[name]]) for name in features[:_MOST_NOTES]]
    doubtful = [
        (each.name, _as_learned_from(note, each.kind))
        for each in found
        for note in each.notes
        if each.kind != "constant"
    ]
    return Rows(
        inputs,
        labels,
        None,
        None,
        table.file,
        table.file,
        columns=tuple(Column(name, "number") for name in features),
        target_name=label,
        notes=(*table.notes, *notes, *told(doubtful)),
    )


def _as_learned_from(note: Note, kind: ColumnKind) -> Note:
    """A doubt of a column that is a number all the same, as "format": "csv" promises."""
    says = note.says.replace(", left out,", ", learned from,")
    if kind == "date":
        says = "dates? learned from as numbers"
    return replace(note, says=says, settled_by='"format": "table" has keys that settle it')


def _has_fraction(word: str) -> bool:
    number = number_of(word)
    return number is not None and abs(number) < 1e300 and number != int(number)


def _measured(label: str, distinct: int, table: RawTable) -> Problem:
    return Problem(
        table.file.where,
        f"a class in column {shown(label)}",
        f"{distinct:,} different numbers with fractions, which seem to be measured",
        'use "format": "table", where "task" says whether they are classes or measured',
        None,
        str(table.file.path),
    )


def _without_class(words: Cells, label: str, table: RawTable) -> list[Problem]:
    row = next((r for r, w in enumerate(words) if w in ("", "nan", "NaN")), None)
    if row is None:
        return []
    return [
        Problem(
            table.file.where,
            f"a class in column {shown(label)}",
            words[row] or "nothing",
            'fill it in, leave the row out, or use "format": "table"',
            table.line(row),
            str(table.file.path),
        )
    ]


def _no_number(cells: Cells, row: int, name: str, table: RawTable) -> Problem:
    cell = str(cells[row])
    number = number_of(cell)
    return Problem(
        table.file.where,
        f"a finite number in column {shown(name)}",
        "nothing" if not cell else shown(cell) if number is None else spoken(number),
        'fill it in, or use "format": "table", which takes categories and missing values',
        table.line(row),
        str(table.file.path),
    )
