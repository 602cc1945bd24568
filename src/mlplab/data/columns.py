"""Columns of a table, and how their cells become numbers.

A column becomes one number a row or, where it holds dates, several. Categories are numbered in
their alphabetical order; a missing value is NaN, a category that the table did not have is -1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np

from mlplab.declarations.problems import quoted, shown

Cells = Sequence[str] | np.ndarray
"""The cells of a column: texts without blanks around them, or (row,) float64 with NaN for none."""
Used = Literal["number", "boolean", "category", "date"]

MISSING_WORDS = frozenset(
    {"", "?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "none", "missing", "nil"}
)
"""What stands for a missing value, in any case, unless a column is declared a category."""
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
_DATE_PARTS = ("day", "sin of year", "cos of year", "sin of week", "cos of week")
_TIME_PARTS = ("sin of day", "cos of day")
COMMA_NUMBER = re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?|[-+]?\d*,\d+|[-+]?\d+(,\d*)?")


@dataclass(frozen=True)
class Column:
    """A column that networks are given, and how its cells become numbers."""

    name: str
    kind: Used
    missing: tuple[str, ...] = ()
    """Words of its own that stand for a missing value, besides `MISSING_WORDS`."""
    literal: bool = False
    """Whether `MISSING_WORDS` are categories here, all but the empty cell."""
    categories: tuple[str, ...] = ()
    """In alphabetical order; for a boolean the words for false and true."""
    date_format: str = ""
    decimal: str = "."

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its numbers."""
        if self.kind != "date":
            return (self.name,)
        has_day, has_time = _holds(self.date_format)
        parts = (_DATE_PARTS if has_day else ()) + (_TIME_PARTS if has_time else ())
        return tuple(f"{self.name}: {part}" for part in parts)

    def is_missing(self, word: str) -> bool:
        """Whether a cell has no value."""
        if not word or word in self._missing:
            return True
        return not self.literal and word.casefold() in MISSING_WORDS

    @cached_property
    def _missing(self) -> frozenset[str]:
        return frozenset(self.missing)

    def encode(self, cells: Cells) -> tuple[np.ndarray, list[int]]:
        """The numbers of a column (row, part) float64, and the rows whose cells are none."""
        plain = self.kind == "number" and self.decimal == "."
        numbers = floats(cells) if plain or isinstance(cells, np.ndarray) else None
        if numbers is not None:
            return self._encode_numbers(numbers)
        by_word = {word: self._numbers_of(word) for word in set(cells)}
        nothing = (np.nan,) * len(self.parts)
        encoded = np.array([by_word[word] or nothing for word in cells], dtype=np.float64)
        bad = {word for word, found in by_word.items() if found is None}
        wrong = [row for row, word in enumerate(cells) if word in bad] if bad else []
        return encoded.reshape(len(cells), len(self.parts)), wrong

    def _encode_numbers(self, cells: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """See `encode`; of cells that are numbers already."""
        if self.kind in ("category", "date") or self.categories:
            return self.encode(words_of(cells))
        numbers = cells.astype(np.float64)
        for value in self.missing_numbers:
            numbers = np.where(numbers == value, np.nan, numbers)
        return numbers[:, None], np.flatnonzero(np.isinf(numbers)).tolist()

    def _numbers_of(self, word: str) -> tuple[float, ...] | None:
        """What a cell becomes; None where it is none of this column's kind."""
        if self.is_missing(word):
            return (np.nan,) * len(self.parts)
        if self.kind == "category" or self.categories:
            place = self._places.get(word.casefold() if self.kind == "boolean" else word)
            if place is None:
                return (-1.0,) if self.kind == "category" else None
            return (float(place),)
        if self.kind == "date":
            return date_numbers(word, self.date_format)
        value = number_of(word, self.decimal)
        if value is None or not np.isfinite(value):
            return None
        return (np.nan if value in self.missing_numbers else value,)

    @cached_property
    def missing_numbers(self) -> frozenset[float]:
        """The numbers among the words of its own for a missing value."""
        values = (number_of(word) for word in self.missing)
        return frozenset(value for value in values if value is not None)

    @cached_property
    def _places(self) -> dict[str, int]:
        words = self.categories
        if self.kind == "boolean":
            words = tuple(word.casefold() for word in words)
        return {word: place for place, word in enumerate(words)}


@dataclass(frozen=True)
class Note:
    """What is doubtful of a column, in words that hold for every column of which it is said."""

    says: str
    """What follows "column x"."""
    detail: str = ""
    """Of this column, in parentheses after its name."""
    settled_by: str = ""
    """The key that settles it; NAME stands for the column."""


def told(notes: Iterable[tuple[str, Note]]) -> Iterator[str]:
    """Sentences on columns, by name; what is said of several is said once."""
    together: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, note in notes:
        together.setdefault((note.says, note.settled_by), []).append((name, note.detail))
    for (says, settled_by), columns in together.items():
        names = [shown(name) + (f" ({detail})" if detail else "") for name, detail in columns]
        start = f"column {names[0]}" if len(names) == 1 else f"columns {quoted(names, quote=False)}"
        end = f"; {settled_by.replace('NAME', shown(columns[0][0]))}" if settled_by else ""
        yield f"{start}: {says}{end}"


def floats(cells: Cells) -> np.ndarray | None:
    """Cells as float64, NaN for none, where all of them are numbers as Python writes them."""
    if isinstance(cells, np.ndarray):
        return cells
    try:
        # Python takes 1_000 for a number; nobody else does.
        return None if "_" in "".join(cells) else np.array(cells, dtype=np.float64)
    except ValueError:
        return None


def number_of(word: str, decimal: str = ".") -> float | None:
    """The number that a cell holds, None if it holds none."""
    if "_" in word or len(word) > 400:
        return None  # Python's digit groups
    if decimal == ",":
        if not COMMA_NUMBER.fullmatch(word):
            return None
        word = word.replace(".", "").replace(",", ".")
    try:
        return float(word)
    except ValueError:
        return None


def text_of(number: float) -> str:
    """A number of a column of numbers as a cell of text."""
    if number != number:
        return ""
    return str(int(number)) if abs(number) < 1e15 and number == int(number) else repr(number)


def _holds(date_format: str) -> tuple[bool, bool]:
    """Whether dates of a format have a day, and a time."""
    return "%y" in date_format.lower(), "%H" in date_format


def words_of(cells: Cells) -> Sequence[str]:
    """Cells as text."""
    return [text_of(n) for n in cells.tolist()] if isinstance(cells, np.ndarray) else cells


def date_numbers(word: str, date_format: str) -> tuple[float, ...] | None:
    """The numbers of a date, those of `Column.parts`; None for a cell of another format."""
    try:
        moment = datetime.strptime(word, date_format)
    except ValueError:
        return None
    has_day, has_time = _holds(date_format)
    in_day = (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86400
    numbers: tuple[float, ...] = ()
    if has_day:
        days = moment.toordinal() - 719163 + in_day  # since 1970-01-01
        year = 2 * np.pi * (moment.timetuple().tm_yday - 1 + in_day) / 365.25
        week = 2 * np.pi * (moment.weekday() + in_day) / 7
        numbers = (days, np.sin(year), np.cos(year), np.sin(week), np.cos(week))
    if has_time:
        day = 2 * np.pi * in_day
        numbers += (np.sin(day), np.cos(day))
    return tuple(float(number) for number in numbers)
