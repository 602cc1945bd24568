"""Plain tables, which `"format": "csv"` promises to take as they stand: numbers and one label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlplab.data.column_kinds import find_kind
from mlplab.data.columns import LARGEST_FLOAT32, Cells, Column, Note, floats, number_of, told
from mlplab.data.files import DataFile
from mlplab.data.own_sets import Header, Rows, spoken
from mlplab.data.sources.delimited import TextForm, read_text_table
from mlplab.data.sources.raw_table import RawTable
from mlplab.data.targets import plain_labels
from mlplab.declarations.data import ColumnKind, CsvData
from mlplab.declarations.problems import BadInput, Problem, did_you_mean, quoted, shown

_MOST_NOTES = 40


def header(declaration: CsvData, files: Sequence[DataFile]) -> Header:
    """The number of features, which is one for each column but the label.

    Raises:
        BadInput: what the first lines tell to be wrong, as a label that is no column.
    """
    table = _table(files[0], declaration, head_only=True)
    _label_at(table, declaration)
    for file in files[1:]:
        _table(file, declaration, head_only=True).require_columns(table.names, table.names)
    return Header(features=len(table.names) - 1)


def read(declaration: CsvData, files: Sequence[DataFile]) -> tuple[Rows, Rows | None]:
    """Training rows and, where there is a file of them, test rows.

    Raises:
        BadInput: cells that are no numbers, the first of each column.
    """
    table = _table(files[0], declaration)
    label = table.names[_label_at(table, declaration)]
    features = [name for name in table.names if name != label]
    train = _rows(table, features, label)
    if len(files) == 1:
        return train, None
    test = _table(files[1], declaration)
    test.require_columns(table.names, table.names)
    return train, replace(_rows(test, features, label), notes=())


def _table(file: DataFile, declaration: CsvData, *, head_only: bool = False) -> RawTable:
    form = TextForm(header=declaration.header, plain=True)
    return read_text_table(file, form, head_only=head_only)


def _label_at(table: RawTable, declaration: CsvData) -> int:
    label = declaration.label
    if len(table.names) == 1 and table.names[0] != label:
        table.file.refuse(
            f"a column of the table: {quoted(table.names)}",
            shown(label),
            did_you_mean(label, table.names) or 'separate with commas, or use "format": "table"',
            line=1,
            where="data.label",
        )
    place = table.position(label, "data.label")
    if len(table.names) == 1:
        expected = "at least one column beside the label"
        table.file.refuse(expected, "none", "add the features", line=1)
    return place


def _rows(table: RawTable, features: Sequence[str], label: str) -> Rows:
    columns = dict(zip(table.names, table.columns, strict=True))
    words = columns[label]
    problems = _without_class(words, label, table)
    inputs = np.empty((table.rows, len(features)))
    for number, name in enumerate(features):
        cells = columns[name]
        numbers = floats(cells)
        if numbers is None:
            read = [number_of(cell) for cell in cells]
            numbers = np.array([np.nan if n is None else n for n in read], dtype=np.float64)
        bad = np.flatnonzero(~(np.abs(numbers) <= LARGEST_FLOAT32))
        if len(bad):
            problems.append(_no_number(cells, int(bad[0]), name, table))
        inputs[:, number] = numbers
    if problems:
        raise BadInput(problems)
    labels, notes = plain_labels(label, words)
    distinct = set(labels)
    if len(distinct) > 20 and any(_has_fraction(word) for word in distinct):
        table.file.refuse(
            f"a class in column {shown(label)}",
            f"{len(distinct):,} different numbers with fractions, which seem to be measured",
            'use "format": "table", where "task" says whether they are classes or measured',
        )
    found = [find_kind(name, columns[name]) for name in features[:_MOST_NOTES]]
    doubtful = [
        (each.name, _as_learned_from(note, each.kind))
        for each in found
        for note in each.notes
        if each.kind != "constant"
    ]
    return Rows(
        inputs=inputs,
        labels=labels,
        inputs_file=table.file,
        labels_file=table.file,
        columns=tuple(Column(name, "number") for name in features),
        target_name=label,
        notes=(*table.notes, *notes, *told(doubtful)),
    )


def _as_learned_from(note: Note, kind: ColumnKind) -> Note:
    """A doubt of a column that is a number all the same."""
    says = note.says.replace(", left out,", ", learned from,")
    if kind == "date":
        says = "dates? learned from as numbers"
    return replace(note, says=says, settled_by='"format": "table" has keys that settle it')


def _has_fraction(word: str) -> bool:
    number = number_of(word)
    return number is not None and abs(number) < 1e300 and number != int(number)


def _without_class(words: Cells, label: str, table: RawTable) -> list[Problem]:
    row = next((r for r, w in enumerate(words) if w in ("", "nan", "NaN")), None)
    if row is None:
        return []
    expected, received = f"a class in column {shown(label)}", words[row] or "nothing"
    hint = 'fill it in, leave the row out, or use "format": "table"'
    return [table.file.problem(expected, received, hint, line=table.line(row))]


def _no_number(cells: Cells, row: int, name: str, table: RawTable) -> Problem:
    cell = str(cells[row])
    number = number_of(cell)
    return table.file.problem(
        f"a finite number in column {shown(name)}",
        "nothing" if not cell else shown(cell) if number is None else spoken(number),
        'fill it in, or use "format": "table", which takes categories and missing values',
        line=table.line(row),
    )
