"""Text tables: CSV, TSV and their kin, in any usual encoding, packed or not."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from mlplab.data.columns import floats
from mlplab.data.files import DataFile, content_of, is_packed, require_memory
from mlplab.data.sources.raw_table import RawTable, named
from mlplab.declarations.problems import refuse, shortened

_SEPARATORS = (",", ";", "\t", "|")
_BYTES_A_CELL = 70
"""Of a cell as text in Python."""
_COPIES = 3
"""Of the whole text, beside its cells: its bytes, its signs and, at worst, one line of all."""
_HEADER_BYTES = 1 << 22
_COLUMNS_FOR_HEADER = 300
"""Of which the first row is held against those below, to tell whether it is a header."""
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class TextForm:
    """How a table is written; None for what is to be found."""

    header: Literal["auto"] | bool = "auto"
    separator: str | None = None
    encoding: str | None = None
    plain: bool = False
    """Only UTF-8, commas and a header line, as "format": "csv" promises."""


def read_text_table(file: DataFile, form: TextForm, *, head_only: bool = False) -> RawTable:
    """Read a table, or as many rows of it as show what it is.

    Raises:
        BadInput: bytes that are no text, lines of different lengths, or no rows.
    """
    if form.plain and is_packed(file):
        hint = 'save the table as CSV in UTF-8, not packed, or use "format": "table"'
        file.refuse("text in UTF-8", "a gzip file", hint)
    content = content_of(file, at_most=_HEADER_BYTES if head_only else None, needed=_needed)
    cut = head_only and len(content) == _HEADER_BYTES
    text, notes = _decoded(content, form, file, cut=cut)
    del content
    separator = "," if form.plain else form.separator or _separator(text)
    cells = text.count(separator) + text.count("\n")
    require_memory(cells * _BYTES_A_CELL, file, "a table as text")
    rows, lines = _rows(text, separator, file)
    if cut and len(rows) > 1:
        rows, lines = rows[:-1], lines[:-1]  # the last one is cut
    return _table(rows, lines, form, file, notes)


def _needed(block: bytes) -> int:
    """Bytes of memory that a part of a text takes at least: each line is a cell or more."""
    return len(block) * _COPIES + block.count(b"\n") * _BYTES_A_CELL


@dataclass(frozen=True)
class Layout:
    """How a text table is written, found from its beginning."""

    names: tuple[str, ...]
    has_header: bool
    separator: str
    encoding: str


def layout_of(file: DataFile) -> Layout:
    """The names of a table's columns and how its text is written; its rows are not read.

    Raises:
        BadInput: as `read_text_table`, of the beginning of the file.
    """
    table = read_text_table(file, TextForm(), head_only=True)
    content = content_of(file, at_most=_HEADER_BYTES)
    text, notes = _decoded(content, TextForm(), file, cut=len(content) == _HEADER_BYTES)
    mark = next((mark for mark in _BYTE_ORDER_MARKS if content.startswith(mark)), b"")
    encoding = "cp1252" if notes else _BYTE_ORDER_MARKS.get(mark, "utf-8")
    return Layout(table.names, table.header, _separator(text), encoding)


def _decoded(
    content: bytes | bytearray, form: TextForm, file: DataFile, *, cut: bool
) -> tuple[str, tuple[str, ...]]:
    mark = next((mark for mark in _BYTE_ORDER_MARKS if content.startswith(mark)), b"")
    if content.startswith(codecs.BOM_UTF16_LE + b"\0\0"):
        mark = codecs.BOM_UTF32_LE
    encoding = form.encoding or _BYTE_ORDER_MARKS.get(mark, "utf-8")
    notes: tuple[str, ...] = ()
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content, final=not cut)
    except LookupError:
        refuse(
            "data.encoding",
            expected="the name of an encoding, such as utf-8 or cp1252",
            received=f'"{shortened(encoding)}"',
            hint="leave it out to have it found",
        )
    except (UnicodeError, ValueError, TypeError) as error:
        if form.plain or form.encoding or mark or b"\0" in content:
            at = getattr(error, "start", None)
            file.refuse(
                f"text in {encoding.upper().removesuffix('-SIG')}",
                "bytes that are none" if at is None else f"a byte at {at} that is none",
                'save the table as CSV in UTF-8, or write its "encoding" with "format": "table"',
            )
        text = content.decode("cp1252", "replace")
        notes = (f"{file.path.name} is not UTF-8; it is read as Windows-1252",)
    if not isinstance(text, str) or "\0" in text:
        file.refuse("a table of text", "a file with zero bytes", "save the table as CSV in UTF-8")
    return text.removeprefix("\ufeff"), notes


def _separator(text: str) -> str:
    """The sign that divides most of the first lines into the same number of cells, above one."""
    head = text[:65536].splitlines()[:60]
    best, score = ",", (0.0, 0)
    for sign in _SEPARATORS:
        try:
            rows = csv.reader(head, delimiter=sign, skipinitialspace=True)
            widths = Counter(len(row) for row in rows if row)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        agreeing = count / max(widths.total(), 1)
        if width > 1 and (agreeing, width) > score:
            best, score = sign, (agreeing, width)
    return best


def _rows(text: str, separator: str, file: DataFile) -> tuple[list[list[str]], list[int]]:
    """Every row with a cell in it, the header too, and the number of the line in which it ends."""
    # A carriage return alone also ends a line. An io.StringIO would copy the text at four bytes a
    # character, before its first line.
    its_lines = (found[0] for found in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text))
    reader = csv.reader(its_lines, delimiter=separator, skipinitialspace=True)
    rows, lines = [], []
    try:
        for fields in reader:
            if fields and (len(fields) > 1 or fields[0].strip()):
                rows.append(fields)
                lines.append(reader.line_num)
    except csv.Error as error:
        file.refuse(
            f"cells of at most {csv.field_size_limit():,} characters, text in quotes",
            str(error),
            "end every quotation, and separate the cells",
            line=reader.line_num,
        )
    except (TypeError, ValueError) as error:
        refuse(
            "data.separator",
            expected="a sign between cells, such as a comma or a semicolon",
            received=f'"{separator}" ({error})',
            hint="leave it out to have it found",
        )
    return rows, lines


def _table(
    rows: list[list[str]],
    lines: list[int],
    form: TextForm,
    file: DataFile,
    notes: tuple[str, ...],
) -> RawTable:
    if not rows:
        file.refuse("a table", "only empty lines", "give a table that holds data")
    has_header = form.header is True or (form.header == "auto" and not _is_data(rows))
    if has_header and len(rows) > 1 and not form.plain:
        lengths = {len(row) for row in rows[1:]}
        if lengths == {len(rows[0]) + 1}:
            rows[0] = ["", *rows[0]]
            notes += (f"{file.path.name}: the first column, of row names, has no name",)
    _require_even(rows, lines, file, has_header)
    if has_header:
        names, rows, lines = rows[0], rows[1:], lines[1:]
    else:
        names = [str(place + 1) for place in range(len(rows[0]))]
        first = shortened(", ".join(rows[0]), 50)
        if form.header == "auto" and form.plain:
            file.refuse(
                "a header line that names every column",
                f"a first line that looks like the others ({first})",
                'write "header": true if it does name the columns, or use "format": "table" with '
                "the position of the target",
                line=1,
            )
        if form.header == "auto":
            notes += (
                f"{file.path.name} has no header line, as its first line looks like the others "
                f"({first}); columns are named by position "
                '("header": true takes the first line for names)',
            )
    if not rows:
        file.refuse("at least one row below the header", "none", "give a table that holds data")
    columns = tuple(list(map(str.strip, cells)) for cells in zip(*rows, strict=True))
    table = RawTable(file, tuple(name.strip() for name in names), columns, lines, has_header, notes)
    if form.plain and "" in table.names:
        file.refuse(
            "a header line that names every column once",
            f"no name for column {table.names.index('') + 1}",
            "name it, or leave it out if it only numbers the rows",
            line=1,
        )
    return named(table)


def _require_even(
    rows: list[list[str]], lines: list[int], file: DataFile, has_header: bool
) -> None:
    wanted = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) == wanted:
            continue
        usual = Counter(map(len, rows)).most_common(1)[0][0]
        if wanted <= usual / 2 and len(row) == usual:
            file.refuse(
                f"{usual} cells in the first line, as below",
                f"{wanted}",
                "remove titles and remarks above the names of the columns",
                line=lines[0],
            )
        file.refuse(
            f"{wanted} fields in every line, as in the {'header' if has_header else 'first'}",
            f"{len(row)}",
            "put quotes around text that contains a separator, and end every quotation",
            line=line,
        )


def _is_data(rows: list[list[str]]) -> bool:
    """Whether the first row holds data as the others do, and no names.

    A number stands for data where the numbers are not 0, 1, 2 … or 1, 2, 3 …, which are names that
    programs give, and where the column below it holds numbers; a word where it comes again below.
    """
    first = [cell.strip() for cell in rows[0][:_COLUMNS_FOR_HEADER]]
    below = [row for row in rows[1:1001] if len(row) == len(rows[0])]
    if len(below) < 2 or "" in first[1:]:
        return False
    counting = {str(place) for place in range(len(first) + 1)}
    alike = 0
    for place, cell in enumerate(first):
        column = [row[place].strip() for row in below]
        if re.fullmatch(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?", cell):
            of_numbers = floats([c for c in column if c not in ("", "?", "NA")])
            alike += of_numbers is not None and (cell not in counting or cell in column)
        else:
            alike += cell in column
    numbered = all(cell in counting for cell in first[:-1])
    return not numbered and alike > len(first) / 2
