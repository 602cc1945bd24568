"""Tables: a header line, one column of labels, every other column a number."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mlplab.data.own_files import OwnFile, content_of
from mlplab.data.own_sets import Rows, first_unusable, spoken
from mlplab.data.refusal import refuse
from mlplab.declarations.problems import did_you_mean, listed, shown

if TYPE_CHECKING:
    import pandas as pd


def table(file: OwnFile, label: str, *, columns: tuple[str, ...] | None = None) -> Rows:
    """Read a table.

    Args:
        file: the table, UTF-8, separated by commas.
        label: the name of the column that holds the class.
        columns: the features of the training rows, in their order, which a table of test rows
            must have too, in any order.
    """
    text = _text(file)
    header = _header(text, file)
    _require_label(header, label, file)
    features = tuple(name for name in header if name != label)
    if columns is not None:
        _require_columns(features, columns, file)
        features = columns
    frame = _frame(text, label, file)
    labels = _labels(frame[label], text, file)
    inputs = np.column_stack([_numbers(frame[name], text, file) for name in features])
    bad = first_unusable(inputs)
    if bad is not None:
        row, column = bad
        _refuse_cell(spoken(inputs[row, column]), features[column], row, text, file)
    return Rows(inputs, labels, None, None, file, file)


def feature_names(file: OwnFile, label: str) -> tuple[str, ...]:
    """The columns that are features, in the order of the file."""
    return tuple(name for name in _header(_text(file), file) if name != label)


def _text(file: OwnFile) -> str:
    try:
        text = content_of(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refuse(
            file.where,
            expected="text in UTF-8",
            received=f"a byte at {error.start} that is none",
            hint="save the table as CSV in UTF-8, not packed",
            file=file.path,
        )
    if "\0" in text:
        refuse(
            file.where,
            expected="text in UTF-8",
            received="a file with zero bytes",
            hint="save the table as CSV in UTF-8",
            file=file.path,
        )
    return text


def _header(text: str, file: OwnFile) -> tuple[str, ...]:
    """The names of the columns; each must be there once."""
    header = next((fields for _, fields in _lines(text, file) if fields), [])
    names = tuple(name.strip() for name in header)
    for position, name in enumerate(names):
        if name and name not in names[:position]:
            continue
        refuse(
            file.where,
            expected="a header line that names every column once",
            received=f"{shown(name)} a second time"
            if name
            else f"no name for column {position + 1}",
            hint="give it a name of its own"
            if name
            else "name it, or leave it out if it only numbers the rows",
            file=file.path,
            line=1,
        )
    return names


def _require_label(header: tuple[str, ...], label: str, file: OwnFile) -> None:
    if label not in header:
        refuse(
            "data.label",
            expected=f"a column of the table: {listed(header)}",
            received=shown(label),
            hint=did_you_mean(label, header)
            or ("name the column of the classes" if len(header) > 1 else "separate with commas"),
            file=file.path,
            line=1,
        )
    if len(header) == 1:
        refuse(
            file.where,
            expected="at least one column beside the label",
            received="none",
            hint="add the features",
            file=file.path,
            line=1,
        )


def _require_columns(received: tuple[str, ...], wanted: tuple[str, ...], file: OwnFile) -> None:
    missing = [name for name in wanted if name not in received]
    extra = [name for name in received if name not in wanted]
    if missing or extra:
        parts = [f"without {listed(missing)}"] if missing else []
        parts += [f"with {listed(extra)} besides"] if extra else []
        refuse(
            file.where,
            expected="the columns of the training rows",
            received=f"a table {' and '.join(parts)}",
            hint="give both tables the same columns",
            file=file.path,
            line=1,
        )


def _frame(text: str, label: str, file: OwnFile) -> pd.DataFrame:
    # pandas takes half a second to import, and the other formats do not need it.
    import pandas as pd

    try:
        with warnings.catch_warnings():
            # Lines that are all longer than the header only bring a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text),
                dtype={label: str},
                na_filter=False,
                index_col=False,
                skipinitialspace=True,
                low_memory=False,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        uneven = _uneven(text, file)
        refuse(
            file.where,
            expected=f"{len(_header(text, file))} fields in every line, as in the header",
            received=str(error).strip().rpartition("error: ")[2]
            if uneven is None
            else f"{uneven[0]}",
            hint="put quotes around text that contains a comma, and end every quotation",
            file=file.path,
            line=None if uneven is None else uneven[1],
        )
    if frame.empty:
        refuse(
            file.where,
            expected="at least one row below the header",
            received="none",
            hint="give a table that holds data",
            file=file.path,
        )
    return frame.rename(columns=str.strip)


def _lines(text: str, file: OwnFile) -> Iterator[tuple[int, list[str]]]:
    """Every row of a table, the header too, with the number of the line in which it ends."""
    # Without newline="" a carriage return alone, which also ends lines, would be an error.
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        refuse(
            file.where,
            expected=f"cells of at most {csv.field_size_limit():,} characters, text in quotes",
            received=str(error),
            hint="end every quotation, and separate the cells with commas",
            file=file.path,
            line=reader.line_num,
        )


def _uneven(text: str, file: OwnFile) -> tuple[int, int] | None:
    """How many fields the first line has that differs from the header, and which line it is."""
    lines = _lines(text, file)
    wanted = len(next(lines)[1])
    for line, fields in lines:
        if fields and len(fields) != wanted:
            return len(fields), line
    return None


def _labels(column: pd.Series, text: str, file: OwnFile) -> tuple[str, ...]:
    labels = tuple(str(value).strip() for value in column)
    for row, label in enumerate(labels):
        if label in ("", "nan", "NaN"):
            refuse(
                file.where,
                expected=f"a class in column {shown(column.name)}",
                received="nothing" if not label else "NaN",
                hint="fill it in or leave the row out",
                file=file.path,
                line=_line_of(row, text, file),
            )
    return labels


def _numbers(column: pd.Series, text: str, file: OwnFile) -> np.ndarray:
    if column.dtype.kind in "iuf":
        return column.to_numpy(np.float64)
    numbers = np.empty(len(column))
    for row, value in enumerate(column):
        cell = str(value).strip()
        try:
            numbers[row] = float("nan" if isinstance(value, float) else cell.replace("_", "?"))
        except ValueError:
            _refuse_cell(shown(cell) if cell else "nothing", str(column.name), row, text, file)
    return numbers


def _refuse_cell(received: str, column: str, row: int, text: str, file: OwnFile) -> None:
    refuse(
        file.where,
        expected=f"a finite number in column {shown(column)}",
        received=received,
        hint="fill it in, leave the row out, or write words as numbers",
        file=file.path,
        line=_line_of(row, text, file),
    )


def _line_of(row: int, text: str, file: OwnFile) -> int:
    """The line of a row (counted from 0, without header and blank lines); quotes may span lines."""
    rows = (line for line, fields in _lines(text, file) if any(f.strip() for f in fields))
    return next(line for number, line in enumerate(rows) if number == row + 1)
