"""What the columns of a table hold, found from their cells, and what is doubtful of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlplab.data.columns import (
    COMMA_NUMBER,
    LARGEST_FLOAT32,
    Cells,
    Column,
    Note,
    date_numbers,
    floats,
    number_of,
    text_of,
    words_of,
)
from mlplab.declarations.data import ColumnKind
from mlplab.declarations.problems import quoted, shortened, shown

_TRUTHS = (("false", "true"), ("no", "yes"))
_NAMES_OF_IDENTIFIERS = r"(?i)(.*[_\s.-])?(id|index|idx|nr|no|number|rownames?|row)"
_NAMES_OF_CODES = (
    r"(?i)(.*[_\s.-])?((zip|post|postal|area|country|region|branch|product)?[_\s.-]?code|zip|plz"
    r"|postleitzahl|phone|telephone|tel)"
)
_LONGEST_CATEGORY = 200
_MOST_CATEGORIES = 1000
_THOUSAND = re.compile(r"[-+]?\d{1,3}\.\d{3}")
_DATE_FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y",
    "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%Y", "%d-%b-%Y",
    "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f", "%H:%M:%S", "%H:%M", "%H.%M.%S",
)  # fmt: skip
_COMPACT_DATE = "%Y%m%d"


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

    def taken_as(self, draft: Column, **how: Any) -> Found:
        """What was found, with the column that networks are given; how: its kind and details."""
        column = replace(draft, **how)
        return replace(self, kind=column.kind, column=column)

    def with_note(
        self, kind: ColumnKind, says: str, detail: str = "", settled_by: str = ""
    ) -> Found:
        """A column that networks are not given, and why."""
        return replace(self, kind=kind, column=None, notes=(Note(says, detail, settled_by),))

    def with_doubt(self, received: str, hint: str) -> Found:
        """A column that cannot be used as it is."""
        return replace(self, doubts=((received, hint),))


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
    counts = Counter(words_of(cells))
    words = {w: n for w, n in counts.items() if not draft.is_missing(w)}
    for value in draft.missing_numbers:
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


def _of_numbers(
    draft: Column, cells: Cells, numbers: np.ndarray, declared: ColumnKind | None
) -> Found:
    """What a column holds whose cells are numbers all through."""
    rows = len(numbers)
    for value in draft.missing_numbers:
        numbers = np.where(numbers == value, np.nan, numbers)
    held = np.flatnonzero(~np.isnan(numbers))
    values, first, counts = np.unique(numbers[held], return_index=True, return_counts=True)
    of_text = not isinstance(cells, np.ndarray)
    words = [cells[row] for row in held[first].tolist()] if of_text else words_of(values)
    base = Found(draft.name, "number", draft, rows - len(held), len(values), tuple(words[:3]))
    infinite = np.flatnonzero(~(np.abs(values) <= LARGEST_FLOAT32))
    if len(infinite):
        return _infinite(base, words[infinite[0]])
    if declared is not None and len(values):
        return base
    if len(values) < 2 and not (len(values) and base.missing):
        return _constant(base, words)
    return _doubtful_number(base, values, counts, list(words))


def _constant(base: Found, words: Iterable[str]) -> Found:
    detail = next((shown(word) for word in words), "no values")
    return base.with_note("constant", "one value in every row, left out", detail)


def _infinite(base: Found, word: str) -> Found:
    return replace(base, kind="number").with_doubt(
        f"{shown(word)}, which is no finite number of float32",
        f'add it to "missing", or {shown(base.name)} to "ignore"',
    )


def _found(base: Found, draft: Column, words: dict[str, int], decimal: str | None) -> Found:
    truth = _truth(words)
    if truth is not None:
        return base.taken_as(draft, kind="boolean", categories=truth)
    return (
        _number(base, draft, words, decimal)
        or _date(base, draft, words)
        or _words(base, draft, words)
    )


def _truth(words: Iterable[str]) -> tuple[str, str] | None:
    """The words for false and true, where a column has no others."""
    lowered = {word.casefold() for word in words}
    return next((truth for truth in _TRUTHS if lowered <= set(truth)), None)


def _missing_notes(draft: Column, counts: Counter[str], found: Found) -> Iterator[Note]:
    if found.column is None:
        return
    for word, count in sorted(counts.items()):
        own = word in draft.missing or not word or word == "nan"
        if not own and draft.is_missing(word):
            settled_by = '"columns": {NAME: "category"} makes it a category'
            says = f"{shown(word)} is taken as missing"
            yield Note(says, f"{count:,}", settled_by if found.kind == "category" else "")


def _number(base: Found, draft: Column, words: dict[str, int], decimal: str | None) -> Found | None:
    """The column as one of numbers, with missing cells or words among them; None if it is none."""
    sign = decimal or "."
    values = {word: number_of(word, sign) for word in words}
    others = [word for word, value in values.items() if value is None]
    if others and decimal is None and all(COMMA_NUMBER.fullmatch(word) for word in words):
        sign, others = ",", []
        values = {word: number_of(word, sign) for word in words}
    if others:
        numbers = sum(words[w] for w, v in values.items() if v is not None)
        of_words = sum(words[w] for w in others)
        if numbers < 0.9 * (numbers + of_words) or len(others) > 20:
            return None
        which = quoted([shortened(w, 30) for w in others], limit=5)
        return replace(base, kind="number").with_doubt(
            f"{numbers:,} numbers and {of_words:,} words ({which})",
            f'add them to "missing", or write "columns": {{{shown(base.name)}: "category"}}',
        )
    found = sorted((v, w) for w, v in values.items() if v is not None)
    infinite = [w for v, w in found if not abs(v) <= LARGEST_FLOAT32]
    if infinite:
        return _infinite(base, infinite[0])
    in_order = [w for _, w in found]
    base = base.taken_as(draft, decimal=sign)
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
            uses = '"columns": {NAME: "number"} uses it'
            return base.with_note("identifier", how, "", uses)
    if whole and values[0] >= 19000101 and values[-1] <= 21001231:
        dates = [date_numbers(word, _COMPACT_DATE) for word in words]
        if all(dates) and base.column is not None:
            note = Note("read as dates", words[0], '"columns": {NAME: "number"} takes numbers')
            found = base.taken_as(base.column, kind="date", date_format=_COMPACT_DATE)
            return replace(found, notes=(note,))
    notes = [*sentinel_notes(values, counts, words)]
    if whole and present >= 50 and len(values) > 0.9 * present and values[0] > 10 * present:
        says = "large whole numbers, nearly all different: an identifier? used as a number"
        notes.append(Note(says, "", '"ignore": [NAME] leaves it out'))
    zeros = [w for w in words if w[:1] == "0" and w[1:].isdecimal()] if whole else []
    padded = bool(zeros) and len({len(w) for w in words}) == 1
    if padded or (whole and re.fullmatch(_NAMES_OF_CODES, base.name)):
        says = f"{'numbers with leading zeros' if padded else 'named as codes are'}: codes? "
        uses = '"columns": {NAME: "category"} makes them categories'
        notes.append(Note(f"{says}used as numbers", shown((zeros or words)[0]), uses))
    if base.column is not None and base.column.decimal == ",":
        notes.append(Note("commas are read as decimal points", "", '"decimal": "." settles it'))
    elif not whole and _look_like_thousands(words):
        example = next(word for word in words if _THOUSAND.fullmatch(word))
        says = "points before three digits beside whole numbers: thousands? read as decimal points"
        detail = f"{example} is {float(example):g}"
        notes.append(Note(says, detail, '"decimal": "," reads them as thousands'))
    return replace(base, notes=tuple(notes))


def _look_like_thousands(words: list[str]) -> bool:
    points = [word for word in words if "." in word]
    others = [word for word in words if "." not in word]
    return (
        bool(points and others)
        and all(_THOUSAND.fullmatch(w) and not w.lstrip("+-").startswith("0") for w in points)
        and all(re.fullmatch(r"[-+]?\d+", w) for w in others)
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


def _date_formats(words: Iterable[str]) -> list[str]:
    """The formats that every word has; most tables have none, which the first words tell."""
    words = list(words)
    if not all(any(sign.isdigit() for sign in word) for word in words[:5]):
        return []
    return [f for f in _DATE_FORMATS if all(date_numbers(word, f) is not None for word in words)]


def _date(base: Found, draft: Column, words: dict[str, int]) -> Found | None:
    formats = _date_formats(words)
    if not formats:
        return None
    found = base.taken_as(draft, kind="date", date_format=formats[0])
    if len(formats) == 1 or not formats[0].startswith("%d/%m"):
        return found
    settled_by = "write them as year-month-day if they are month/day/year"
    note = Note("dates read as day/month/year", next(iter(words)), settled_by)
    return replace(found, notes=(note,))


def _words(base: Found, draft: Column, words: dict[str, int]) -> Found:
    present = sum(words.values())
    prose = sum(len(word.split()) for word in words) >= 4 * len(words) > 20
    different = f"{len(words):,} different in {present:,} rows"
    uses = '"columns": {NAME: "category"} uses it'
    if max(map(len, words)) > _LONGEST_CATEGORY or (prose and len(words) > 0.05 * present):
        says = "free text, which networks of this kind cannot use, left out"
        return base.with_note("text", says, different)
    if len(words) == present >= 10:
        says = "an identifier, left out, as it is different in every row"
        return base.with_note("identifier", says)
    if len(words) > max(0.5 * present, 10) or len(words) > _MOST_CATEGORIES:
        says = (
            "too many different words to be categories, left out; does it name whom rows come "
            'from? "groups" keeps these together'
        )
        return base.with_note("text", says, different, uses)
    return base.taken_as(draft, kind="category", categories=tuple(sorted(words)))


def _as_declared(
    base: Found, draft: Column, kind: ColumnKind, words: dict[str, int], decimal: str | None
) -> Found:
    """The column as the study declares it, or why it cannot be."""
    if kind == "category":
        return base.taken_as(draft, kind="category", categories=tuple(sorted(words)))
    if kind == "boolean":
        pair = _truth(words) or (tuple(sorted(words)) if len(words) == 2 else None)
        if pair is not None:
            return base.taken_as(draft, kind="boolean", categories=pair)
    if kind == "date":
        compact = words and all(date_numbers(word, _COMPACT_DATE) for word in words)
        formats = _date_formats(words) or [_COMPACT_DATE] * bool(compact)
        if formats:
            return base.taken_as(draft, kind="date", date_format=formats[0])
    if kind == "number":
        found = _number(base, draft, words, decimal)
        if found is not None and found.doubts:
            return found
        if found is not None:
            sign = found.column.decimal if found.column else decimal or "."
            return base.taken_as(draft, decimal=sign)
    which = quoted([shortened(w, 30) for w in list(words)[:3]])
    return replace(base, kind=kind).with_doubt(
        f"cells that are none, such as {which}" if words else "no values at all",
        f'take {shown(base.name)} out of "columns"',
    )
