"""The column that is to be predicted: classes, or a quantity that is measured."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from mlplab.data.column_kinds import sentinel_notes
from mlplab.data.columns import (
    MISSING_WORDS,
    Cells,
    Column,
    floats,
    number_of,
    text_of,
    told,
    words_of,
)
from mlplab.declarations.data import ColumnKind
from mlplab.declarations.problems import quoted, shortened, shown
from mlplab.declarations.task import TaskName

MOST_CODES = 10
"""Whole numbers of so many kinds are taken for classes, of more for a quantity."""
_MOST_STRANGE = 0.1
"""Of the rows: so many words among numbers are rather slips than classes."""


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be predicted of each row that has it."""

    name: str
    task: TaskName
    rows: np.ndarray
    """(row,) int64: those of the table that have a target."""
    labels: tuple[str, ...]
    """Of these rows, the class; empty for regression."""
    values: np.ndarray | None
    """(row,) float64 of these rows; None for classification."""
    notes: tuple[str, ...] = ()
    doubt: tuple[str, str, str] | None = None
    """Why it cannot be used: what was expected, what came, what settles it."""


def find_target(
    name: str,
    cells: Cells,
    *,
    task: TaskName | None,
    declared: ColumnKind | None,
    missing: tuple[str, ...],
    decimal: str | None,
) -> Target:
    """Tell what a target is from its cells, as far as the study does not declare it.

    Args:
        name: of the column.
        cells: all of them.
        task: as declared; None to find it.
        declared: the kind of the column as declared: category keeps apart what is written apart
            (1 and 1.0), and takes NA or ? for classes.
        missing: words that stand for a missing value besides the usual ones.
        decimal: the decimal sign, None for a point.
    """
    words = words_of(cells)
    column = Column(name, "number", missing, literal=declared == "category")
    own = {number_of(word) for word in missing} - {None}
    absent = {w for w in set(words) if column.is_missing(w) or (own and number_of(w) in own)}
    rows = np.array([r for r, w in enumerate(words) if w not in absent], dtype=np.int64)
    present = [words[row] for row in rows.tolist()]
    base = Target(
        name, "classification", rows, tuple(present), None, _left_out(name, words, absent)
    )
    sign = decimal or "."
    as_numbers = floats(present) if sign == "." else None
    if as_numbers is None:
        read = {word: number_of(word, sign) for word in set(present)}
        if None not in read.values():
            as_numbers = np.array([read[word] for word in present], dtype=np.float64)
    if as_numbers is None or not np.isfinite(as_numbers).all() or not len(as_numbers):
        return _of_words(base, task, sign, declared)
    return _of_numbers(base, as_numbers, task, declared)


def plain_labels(name: str, words: Cells) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels as they are written, and notes on those that may not be meant as classes.

    Nothing is left out or joined, as "format": "csv" promises.
    """
    labels = tuple(words)
    counts = Counter(labels)
    notes = []
    odd = {label: n for label, n in counts.items() if label.casefold() in MISSING_WORDS}
    if odd:
        which = quoted([f"{shown(w)} ({n:,} rows)" for w, n in odd.items()], quote=False)
        notes.append(
            f"label {shown(name)}: {which} taken for classes; "
            '"format": "table" takes them for missing'
        )
    apart = _written_apart(list(counts))
    if apart:
        notes.append(
            f"label {shown(name)}: {quoted(apart)} are classes of their own, though they are equal "
            'numbers; "format": "table" with "columns" joins them'
        )
    return labels, tuple(notes)


def _left_out(name: str, words: Cells, absent: set[str]) -> tuple[str, ...]:
    counts = Counter(word for word in words if word in absent)
    if not counts:
        return ()
    which = quoted(
        [f"{shown(word) if word else 'nothing'} ({n:,})" for word, n in counts.most_common()],
        quote=False,
    )
    return (
        f"{counts.total():,} rows have no target, as {shown(name)} holds {which}; they are left out",
    )


def _of_words(
    base: Target, task: TaskName | None, sign: str, declared: ColumnKind | None
) -> Target:
    counts = Counter(base.labels)
    strange = {word: n for word, n in counts.items() if not _is_measured(word, sign)}
    kinds, few = len(counts) - len(strange), strange.values()
    if (
        task is declared is None
        and kinds > MOST_CODES
        and sum(few) <= len(base.rows) * _MOST_STRANGE
    ):
        words = quoted([shortened(word) for word in strange], limit=5)
        return replace(
            base,
            doubt=(
                f"numbers in column {shown(base.name)}, or classes",
                f"{len(base.rows) - sum(few):,} numbers and {words}",
                f'"missing": [{words}] leaves these rows out, "task": "classification" takes all '
                "for classes",
            ),
        )
    if task == "regression":
        numbers = [number_of(word) for word in set(base.labels)]
        others = [w for w in set(base.labels) if number_of(w) is None]
        return replace(
            base,
            doubt=(
                f"numbers in column {shown(base.name)}, as they are to be measured",
                f"{len(others):,} words, such as {quoted([shortened(w) for w in others[:3]])}"
                if numbers
                else "no values",
                'add them to "missing", or write "task": "classification"',
            ),
        )
    return base


def _is_measured(word: str, sign: str) -> bool:
    value = number_of(word, sign)
    return value is not None and math.isfinite(value)


def _of_numbers(
    base: Target, values: np.ndarray, task: TaskName | None, declared: ColumnKind | None
) -> Target:
    name, distinct = shown(base.name), np.unique(values)
    whole = bool((distinct == np.rint(distinct)).all())
    few = whole and len(distinct) <= MOST_CODES
    if task is None and declared == "category":
        task = "classification"
    notes = base.notes
    if task is None and 2 < len(distinct) <= MOST_CODES and few:
        notes += (
            f"target {name} has the whole numbers {quoted(map(text_of, distinct.tolist()), quote=False)}"
            ', taken for classes; "task": "regression" measures them',
        )
    if task is None and not few:
        notes += (
            f"target {name} has {len(distinct):,} different numbers, taken for a quantity; "
            '"task": "classification" takes them for classes',
        )
    if task == "regression" or (task is None and not few):
        counts = np.unique(values, return_counts=True)[1]
        words = [text_of(value) for value in distinct.tolist()]
        doubts = [(base.name, note) for note in sentinel_notes(distinct, counts, words)]
        notes += tuple(f"target {sentence}" for sentence in told(doubts))
        return replace(base, task="regression", labels=(), values=values, notes=notes)
    apart = _written_apart(list(dict.fromkeys(base.labels)))
    if apart and declared is None:
        key = f'"columns": {{{name}: '
        return replace(
            base,
            doubt=(
                f"each class of {name} written in one way",
                f"{quoted(apart)}, which are equal numbers",
                f'{key}"number"}} joins them, {key}"category"}} keeps them apart',
            ),
        )
    if apart and declared == "number":
        base = replace(base, labels=tuple(text_of(value) for value in values.tolist()))
    return replace(base, notes=notes)


def _written_apart(words: list[str]) -> list[str]:
    """Some words that differ and are equal as numbers, such as 1, 1.0 and 01."""
    by_value: dict[float, list[str]] = {}
    for word in words:
        if re.fullmatch(r"[-+]?\d+(\.0*)?", word) and len(word) < 50:
            by_value.setdefault(float(word), []).append(word)
    return next((same for same in by_value.values() if len(same) > 1), [])
