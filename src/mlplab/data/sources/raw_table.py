"""A table as its file holds it: names, and the cells of each column, not yet understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlplab.data.columns import Cells
from mlplab.data.files import DataFile
from mlplab.declarations.data import ColumnName
from mlplab.declarations.problems import did_you_mean, quoted, shown

_LONGEST_NAME = 200


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns of equal length, each with a name of its own."""

    file: DataFile
    names: tuple[str, ...]
    columns: tuple[Cells, ...]
    lines: Sequence[int] | None = None
    """The line of the file in which each row ends, where it has lines."""
    header: bool = True
    """Whether the file names its columns; else they are named by position."""
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.columns[0]) if self.columns else 0

    def line(self, row: int) -> int | None:
        """The line of a row, None where the file has no lines."""
        return None if self.lines is None else self.lines[row]

    def position(self, wanted: ColumnName, setting: str) -> int:
        """Where a column stands that is declared by name or by position from 1."""
        if str(wanted) in self.names:
            return self.names.index(str(wanted))
        place = int(wanted) if str(wanted).isdecimal() and len(str(wanted)) < 10 else 0
        if 1 <= place <= len(self.names):
            return place - 1
        names = quoted(self.names)
        self.file.refuse(
            f"a column of the table: {names}"
            if self.header
            else f"a position from 1 to {len(self.names)}, as the table has no header line",
            shown(wanted),
            did_you_mean(wanted, self.names)
            if self.header
            else 'write the position, or "header": true if the first line names the columns',
            line=1,
            where=setting,
        )

    def require_columns(self, needed: Sequence[str], known: Sequence[str]) -> None:
        """Refuse a table of test rows that lacks a needed column, or has one that is not known."""
        missing = [name for name in needed if name not in set(self.names)]
        extra = [name for name in self.names if name not in set(known)]
        if missing or extra:
            parts = [f"without {quoted(missing)}"] if missing else []
            parts += [f"with {quoted(extra)} besides"] if extra else []
            self.file.refuse(
                "the columns of the training rows",
                f"a table {' and '.join(parts)}",
                "give both tables the same columns",
                line=1,
            )


def named(table: RawTable) -> RawTable:
    """The table with a name for each column that has none, its position; twice one is refused."""
    names, notes = [], list(table.notes)
    for place, name in enumerate(table.names):
        if not name:
            notes.append(
                f"column {place + 1} has no name in {table.file.path.name}; it is called {place + 1}"
            )
        names.append(name or str(place + 1))
    seen: set[str] = set()
    for name in names:
        if name in seen or len(name) > _LONGEST_NAME:
            table.file.refuse(
                "a header line that names every column once"
                if name in seen
                else f"names of at most {_LONGEST_NAME} characters",
                f"{shown(name)} a second time"
                if name in seen
                else f"one of {len(name):,} ({shown(name, 30)})",
                "give it a name of its own",
                line=1,
            )
        seen.add(name)
    return replace(table, names=tuple(names), notes=tuple(notes))
