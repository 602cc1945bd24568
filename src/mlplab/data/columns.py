"""What the columns of a table hold: found from their cells, and turned into numbers.

A column becomes one number a row or, where it holds dates, several. Categories are numbered in
their alphabetical order; a missing value is NaN, a category that the table did not have is -1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

import numpy as np

from mlplab.declarations.data import ColumnKind
from mlplab.declarations.problems import quoted, shortened, shown

Cells = Sequence[str] | np.ndarray
"""The cells of a column: texts without blanks around them, or (row,) float64 with NaN for none."""
Used = Literal["number", "boolean", "category", "date"]
USED: tuple[Used, ...] = ("number", "boolean", "category", "date")

MISSING_WORDS = frozenset(
    {"", "?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "none", "missing", "nil"}
)
"""What stands for a missing value, in any case, unless a column is declared a category."""
_TRUTHS = {("false", "true"), ("no", "yes")}
_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
_NAMES_OF_IDENTIFIERS = r"(?i)(.*[_\s.-])?(id|index|idx|nr|no|number|rownames?|row)"
_LONGEST_CATEGORY = 200
_MOST_CATEGORIES = 1000
_DATE_FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y",
    "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%Y", "%d-%b-%Y",
    "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f", "%H:%M:%S", "%H:%M", "%H.%M.%S",
)  # fmt: skip
_COMPACT_DATE = "%Y%m%d"
_DATE_PARTS = ("day", "sin of year", "cos of year", "sin of week", "cos of week")
_TIME_PARTS = ("sin of day", "cos of day")
_COMMA_NUMBER = re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?|[-+]?\d*,\d+|[-+]?\d+(,\d*)?")
_THOUSAND = re.compile(r"[-+]?\d{1,3}\.\d{3}")


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
        has_day, has_time = (
            "%Y" in self.date_format or "%y" in self.date_format,
            ("%H" in self.date_format),
        )
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
        width = len(self.parts)
        bad = {word for word, numbers in by_word.items() if numbers is None}
        nothing = (np.nan,) * width
        table = {word: nothing if numbers is None else numbers for word, numbers in by_word.items()}
        encoded = np.array([table[word] for word in cells], dtype=np.float64)
        wrong = [row for row, word in enumerate(cells) if word in bad] if bad else []
        return encoded.reshape(len(cells), width), wrong

    def _encode_numbers(self, cells: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """See `encode`; of cells that are numbers already."""
        if self.kind in ("category", "date") or self.categories:
            return self.encode([text_of(number) for number in cells.tolist()])
        numbers = cells.astype(np.float64)
        for word in self.missing:
            value = number_of(word)
            if value is not None:
                numbers = np.where(numbers == value, np.nan, numbers)
        return numbers[:, None], np.flatnonzero(np.isinf(numbers)).tolist()

    def _numbers_of(self, word: str) -> tuple[float, ...] | None:
        """What a cell becomes; None where it is none of this column's kind."""
        if self.is_missing(word):
            return (np.nan,) * len(self.parts)
        if self.kind == "category" or self.categories:
            place = self._places.get(word.casefold() if self.kind == "boolean" else word)
            if place is not None:
                return (float(place),)
            return (-1.0,) if self.kind == "category" else None
        if self.kind == "date":
            return _date_numbers(word, self.date_format)
        value = number_of(word, self.decimal)
        if value is None or value != value or abs(value) == float("inf"):
            return None
        if self._missing_numbers and value in self._missing_numbers:
            return (np.nan,)
        return (value,)

    @cached_property
    def _missing_numbers(self) -> frozenset[float]:
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


@dataclass(frozen=True)
class Found:
    """What a column was found to hold."""

    name: str
    kind: ColumnKind
    column: Column | None
    """None where networks are not given it."""
    missing: int
    distinct: int
    examples: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()
    """What was found, and the keys that settle it, where the column must not be used so."""


def find_kind(
    name: str,
    cells: Cells,
    *,
    declared: ColumnKind | None = None,
    missing: tuple[str, ...] = (),
    decimal: str | None = None,
) -> Found:
    """Find what a column holds from its cells.

    Args:
        name: of the column.
        cells: all of them.
        declared: the kind that the study declares, None to find it.
        missing: words that stand for a missing value besides the usual ones.
        decimal: the decimal sign, None to find it.
    """
    draft = Column(name, "number", missing, literal=declared == "category")
    numbers = floats(cells) if declared in (None, "number") and decimal != "," else None
    if numbers is not None:
        return _of_numbers(draft, cells, numbers, declared)
    counts = Counter(
        cells if not isinstance(cells, np.ndarray) else [text_of(n) for n in cells.tolist()]
    )
    words = {w: n for w, n in counts.items() if not draft.is_missing(w)}
    for value in draft._missing_numbers:
        for word in [w for w in words if number_of(w) == value]:
            del words[word]
    present = sum(words.values())
    examples = tuple(shortened(word, 20) for word in sorted(words)[:3])
    base = Found(name, "constant", None, len(cells) - present, len(words), examples)
    if declared in ("ignore", "identifier", "text", "constant"):
        return replace(base, kind=declared)
    if declared is not None:
        return _as_declared(base, draft, declared, words, decimal)
    if len(words) < 2 and not (words and base.missing):
        return _constant(base, words)
    found = _found(base, draft, words, decimal)
    return replace(found, notes=(*_missing_notes(draft, counts, found), *found.notes))


def floats(cells: Cells) -> np.ndarray | None:
    """Cells as float64, NaN for none, where all of them are numbers as Python writes them."""
    if isinstance(cells, np.ndarray):
        return cells
    try:
        # Python takes 1_000 for a number; nobody else does.
        return None if "_" in "".join(cells) else np.array(cells, dtype=np.float64)
    except ValueError:
        return None


def _of_numbers(
    draft: Column, cells: Cells, numbers: np.ndarray, declared: ColumnKind | None
) -> Found:
    """What a column holds whose cells are numbers all through."""
    rows = len(numbers)
    for value in draft._missing_numbers:
        numbers = np.where(numbers == value, np.nan, numbers)
    held = np.flatnonzero(~np.isnan(numbers))
    values, first, counts = np.unique(numbers[held], return_index=True, return_counts=True)
    if isinstance(cells, np.ndarray):
        words = [text_of(value) for value in values.tolist()]
    else:
        words = [cells[row] for row in held[first].tolist()]
    base = Found(draft.name, "number", draft, rows - len(held), len(values), tuple(words[:3]))
    infinite = np.flatnonzero(~(np.abs(values) <= _LARGEST_FLOAT32))
    if len(infinite):
        return _infinite(base, words[infinite[0]])
    if declared is not None and len(values):
        return base
    if len(values) < 2 and not (len(values) and base.missing):
        return _constant(base, words)
    return _doubtful_number(base, values, counts, words)


def _constant(base: Found, words: Iterable[str]) -> Found:
    detail = next((shown(word) for word in words), "no values")
    note = Note("one value in every row, left out", detail)
    return replace(base, kind="constant", column=None, notes=(note,))


def _infinite(base: Found, word: str) -> Found:
    doubt = (
        f"{shown(word)}, which is no finite number of float32",
        f'add it to "missing", or {shown(base.name)} to "ignore"',
    )
    return replace(base, kind="number", doubts=(doubt,))


def _found(base: Found, draft: Column, words: dict[str, int], decimal: str | None) -> Found:
    lowered = {word.casefold() for word in words}
    for truth in _TRUTHS:
        if lowered <= set(truth):
            return replace(
                base, kind="boolean", column=replace(draft, kind="boolean", categories=truth)
            )
    number = _number(base, draft, words, decimal)
    if number is not None:
        return number
    date = _date(base, draft, words)
    if date is not None:
        return date
    return _words(base, draft, words)


def _missing_notes(draft: Column, counts: Counter[str], found: Found) -> Iterator[Note]:
    if found.column is None:
        return
    for word, count in sorted(counts.items()):
        own = word in draft.missing or not word or word == "nan"
        if not own and draft.is_missing(word):
            settled_by = '"columns": {NAME: "category"} makes it a category'
            yield Note(
                f"{shown(word)} is taken as missing",
                f"{count:,}",
                settled_by if found.kind == "category" else "",
            )


# --- numbers ---------------------------------------------------------------------------------


def number_of(word: str, decimal: str = ".") -> float | None:
    """The number that a cell holds, None if it holds none."""
    if "_" in word or len(word) > 400:
        return None  # Python's digit groups
    if decimal == ",":
        if not _COMMA_NUMBER.fullmatch(word):
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


def _number(base: Found, draft: Column, words: dict[str, int], decimal: str | None) -> Found | None:
    """The column as one of numbers, with missing cells or words among them; None if it is none."""
    sign = decimal or "."
    values = {word: number_of(word, sign) for word in words}
    others = [word for word, value in values.items() if value is None]
    if others and decimal is None and all(_COMMA_NUMBER.fullmatch(word) for word in words):
        sign, others = ",", []
        values = {word: number_of(word, sign) for word in words}
    if others:
        numbers = sum(words[w] for w, v in values.items() if v is not None)
        of_words = sum(words[w] for w in others)
        if numbers < 0.9 * (numbers + of_words) or len(others) > 20:
            return None
        which = quoted([shortened(w, 30) for w in others], limit=5)
        doubt = (
            f"{numbers:,} numbers and {of_words:,} words ({which})",
            f'add them to "missing", or write "columns": {{{shown(base.name)}: "category"}}',
        )
        return replace(base, kind="number", doubts=(doubt,))
    found = sorted((v, w) for w, v in values.items() if v is not None)
    infinite = [w for v, w in found if not abs(v) <= _LARGEST_FLOAT32]
    if infinite:
        return _infinite(base, infinite[0])
    in_order = [w for _, w in found]
    base = replace(base, kind="number", column=replace(draft, decimal=sign))
    counts = np.array([words[w] for w in in_order])
    return _doubtful_number(base, np.array([v for v, _ in found]), counts, in_order)


def _doubtful_number(
    base: Found, values: np.ndarray, counts: np.ndarray, words: list[str]
) -> Found:
    """What else a column of numbers may be: an identifier, dates, numbers with gaps.

    values: in ascending order, with their counts and how each is written.
    """
    present = int(counts.sum())
    whole = bool((values == np.rint(values)).all())
    if whole and len(values) == present >= 10:
        named = re.fullmatch(_NAMES_OF_IDENTIFIERS, base.name)
        counting = bool((np.diff(values) == 1).all())
        if counting or named:
            how = "an identifier, left out, as it "
            how += "numbers the rows" if counting else "is different in every row"
            note = Note(how, "", '"columns": {NAME: "number"} uses it')
            return replace(base, kind="identifier", column=None, notes=(note,))
    if whole and values[0] >= 19000101 and values[-1] <= 21001231:
        dates = [_date_numbers(word, _COMPACT_DATE) for word in words]
        if all(dates) and base.column is not None:
            note = Note("read as dates", words[0], '"columns": {NAME: "number"} takes numbers')
            column = replace(base.column, kind="date", date_format=_COMPACT_DATE)
            return replace(base, kind="date", column=column, notes=(note,))
    notes = [*sentinel_notes(values, counts, words)]
    if whole and present >= 50 and len(values) > 0.9 * present and values[0] > 10 * present:
        says = "large whole numbers, nearly all different: an identifier? used as a number"
        notes.append(Note(says, "", '"ignore": [NAME] leaves it out'))
    zeros = [w for w in words if w[:1] == "0" and w[1:].isdecimal()] if whole else []
    if zeros and len({len(w) for w in words}) == 1:
        says = "numbers with leading zeros: codes? used as numbers"
        notes.append(
            Note(says, shown(zeros[0]), '"columns": {NAME: "category"} makes them categories')
        )
    if base.column is not None and base.column.decimal == ",":
        notes.append(Note("commas are read as decimal points", "", '"decimal": "." settles it'))
    elif not whole and _look_like_thousands(words):
        example = next(word for word in words if _THOUSAND.fullmatch(word))
        notes.append(
            Note(
                "points before three digits beside whole numbers: thousands? read as decimal points",
                f"{example} is {float(example):g}",
                '"decimal": "," reads them as thousands',
            )
        )
    return replace(base, notes=tuple(notes))


def _look_like_thousands(words: list[str]) -> bool:
    points = [word for word in words if "." in word]
    others = [word for word in words if "." not in word]
    return (
        len(points) > 0
        and len(others) > 0
        and all(_THOUSAND.fullmatch(w) and not w.lstrip("+-").startswith("0") for w in points)
        and all(re.fullmatch(r"[-+]?\d{1,3}", w) for w in others)
    )


def sentinel_notes(values: np.ndarray, counts: np.ndarray, words: Sequence[str]) -> Iterator[Note]:
    """Say that a value far from all others, which comes again and again, may mean none.

    values: in ascending order, with their counts and how each is written.
    """
    if len(values) < 5:
        return
    for place, inner, low, high in ((0, 1, 1, -1), (-1, -2, 0, -2)):
        gap, spread = abs(values[place] - values[inner]), values[high] - values[low]
        only_negative = place == 0 and values[0] < 0 <= values[1] and values[0] != -1
        coded = values[place] == -1 or re.fullmatch(r"[-+]?(9{2,}|[1-9]0{2,})(\.0+)?", words[place])
        if counts[place] >= 3 and coded and (gap > spread or only_negative):
            word = text_of(values[place])
            yield Note(
                f"{word} comes again and again, far from all other values: does it stand for a "
                "missing one? used as a number",
                f"{counts[place]:,} times",
                f'"missing": [{word}] leaves it out',
            )


# --- dates -----------------------------------------------------------------------------------


def _date_numbers(word: str, date_format: str) -> tuple[float, ...] | None:
    try:
        moment = datetime.strptime(word, date_format)
    except ValueError:
        return None
    in_day = (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86400
    numbers: tuple[float, ...] = ()
    if "%Y" in date_format or "%y" in date_format:
        days = moment.toordinal() - 719163 + in_day  # since 1970-01-01
        year = 2 * np.pi * (moment.timetuple().tm_yday - 1 + in_day) / 365.25
        week = 2 * np.pi * (moment.weekday() + in_day) / 7
        numbers = (days, np.sin(year), np.cos(year), np.sin(week), np.cos(week))
    if "%H" in date_format:
        day = 2 * np.pi * in_day
        numbers += (np.sin(day), np.cos(day))
    return tuple(float(number) for number in numbers)


def _date_formats(words: Iterable[str]) -> list[str]:
    """The formats that every word has; most tables have none, which the first words tell."""
    words = list(words)
    if not all(any(sign.isdigit() for sign in word) for word in words[:5]):
        return []
    return [f for f in _DATE_FORMATS if all(_date_numbers(word, f) is not None for word in words)]


def _date(base: Found, draft: Column, words: dict[str, int]) -> Found | None:
    formats = _date_formats(words)
    if not formats:
        return None
    notes: tuple[Note, ...] = ()
    if len(formats) > 1 and formats[0].startswith("%d/%m"):
        notes = (
            Note(
                "dates read as day/month/year",
                next(iter(words)),
                "write them as year-month-day if they are month/day/year",
            ),
        )
    column = replace(draft, kind="date", date_format=formats[0])
    return replace(base, kind="date", column=column, notes=notes)


# --- words -----------------------------------------------------------------------------------


def _words(base: Found, draft: Column, words: dict[str, int]) -> Found:
    present = sum(words.values())
    prose = sum(len(word.split()) for word in words) >= 4 * len(words) > 20
    different = f"{len(words):,} different in {present:,} rows"
    uses = '"columns": {NAME: "category"} uses it'
    if max(map(len, words)) > _LONGEST_CATEGORY or (prose and len(words) > 0.05 * present):
        says = "free text, which networks of this kind cannot use, left out"
        return replace(base, kind="text", notes=(Note(says, different),))
    if len(words) == present >= 10:
        says = "an identifier, left out, as it is different in every row"
        return replace(base, kind="identifier", notes=(Note(says),))
    if len(words) > max(0.5 * present, 10) or len(words) > _MOST_CATEGORIES:
        says = (
            "too many different words to be categories, left out; does it name whom rows come "
            'from? "groups" keeps these together'
        )
        return replace(base, kind="text", notes=(Note(says, different, uses),))
    column = replace(draft, kind="category", categories=tuple(sorted(words)))
    return replace(base, kind="category", column=column)


def _as_declared(
    base: Found, draft: Column, kind: ColumnKind, words: dict[str, int], decimal: str | None
) -> Found:
    """The column as the study declares it, or why it cannot be."""
    base = replace(base, kind=kind)
    if kind == "category":
        column = replace(draft, kind="category", categories=tuple(sorted(words)))
        return replace(base, column=column)
    if kind == "boolean":
        lowered = {word.casefold() for word in words}
        truth = next((t for t in _TRUTHS if lowered <= set(t)), None)
        pair = truth or (tuple(sorted(words)) if len(words) == 2 else None)
        if pair is not None:
            return replace(base, column=replace(draft, kind="boolean", categories=pair))
    if kind == "date":
        formats = _date_formats(words) or [
            f for f in (_COMPACT_DATE,) if words and all(_date_numbers(w, f) for w in words)
        ]
        if formats:
            return replace(base, column=replace(draft, kind="date", date_format=formats[0]))
    if kind == "number":
        found = _number(base, draft, words, decimal)
        if found is not None and found.doubts:
            return found
        if found is not None:
            sign = found.column.decimal if found.column else decimal or "."
            return replace(base, column=replace(draft, decimal=sign))
    which = quoted([shortened(w, 30) for w in list(words)[:3]])
    return replace(
        base,
        doubts=((f"cells that are none, such as {which}" if words else "no values at all",
                 f'take {shown(base.name)} out of "columns"'),),
    )  # fmt: skip
