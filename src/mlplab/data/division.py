"""Seeded, stratified division of rows into parts.

Every class is put in an order of its own, drawn from the raw bits of a PCG64 generator: bits and
seeding are what NumPy promises never to change, so a division is the same on every platform and
with every version. A class's order depends on nothing else in the set, so leaving out a class
leaves the others divided as they were, as far as the counts allow.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlplab.declarations.data import part_size
from mlplab.declarations.problems import refuse, shown

Purpose = Literal["test", "validation", "calibration"]
_STREAM: dict[Purpose, int] = {"test": 1, "validation": 2, "calibration": 3}


def divide(
    labels: np.ndarray,
    rows: np.ndarray,
    part: float,
    *,
    seed: int,
    purpose: Purpose,
    class_names: tuple[str, ...],
    where: str,
    groups: np.ndarray | None = None,
    order: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Take a part out of `rows`: stratified, or of whole groups, or the last ones.

    Args:
        labels: (row,) the class of every row of the set.
        rows: (row,) ascending indices of the rows that may be taken.
        part: a count of rows, or a share of them.
        seed: of this division alone.
        purpose: parts of different purpose are drawn independently.
        class_names: for the sentence when the part is too large.
        where: the setting that asks for the part.
        groups: (row,) rows of equal number stay together; the part is then nearly as large as asked.
        order: (row,) the rows with the largest are taken; those equal to the first of them stay.

    Returns:
        The rows that stay and those that are taken, both ascending. Of every class at least one
        row stays, else BadInput is raised.
    """
    size = part_size(part, len(rows))
    if size and (groups is not None or order is not None):
        if order is not None:
            taken_rows = _last(rows, size, order)
        else:
            taken_rows = _whole_groups(rows, size, groups, seed, purpose)
        return _require_classes(labels, rows, taken_rows, size, class_names, purpose, where)
    classes, counts = np.unique(labels[rows], return_counts=True)
    _require_rows_to_stay(size, counts, classes, class_names, purpose, where)
    taken: list[np.ndarray] = []
    for label, count in zip(classes, _allocate(size, counts), strict=True):
        own = rows[labels[rows] == label]
        order = _order(len(own), seed, purpose, int(label))
        taken.append(own[order[:count]])
    part_rows = np.sort(np.concatenate(taken)) if taken else rows[:0]
    return np.setdiff1d(rows, part_rows, assume_unique=True), part_rows


def take_fold(
    labels: np.ndarray,
    rows: np.ndarray,
    fold: int,
    folds: int,
    *,
    seed: int,
    class_names: tuple[str, ...],
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide `rows` into folds, stratified or of whole groups, and take one of them.

    Args:
        labels: (row,) the class of every row of the set.
        rows: (row,) ascending indices.
        fold: from 0.
        seed: folds of one seed have every row once.

    Returns:
        The rows outside and inside the fold, both ascending. Of every class at least one row stays
        outside, else BadInput is raised.
    """
    if folds > len(rows):
        refuse(
            "resampling.folds",
            expected=f"at most {len(rows)} folds, one for each row",
            received=str(folds),
            hint="take fewer",
        )
    number = np.empty(len(rows), dtype=np.int64)
    if groups is None:
        start = 0
        for label in np.unique(labels[rows]).tolist():
            own = np.flatnonzero(labels[rows] == label)
            # Classes go on where the one before ended, so that folds are of equal size.
            order = own[_order(len(own), seed, "test", int(label))]
            number[order] = (start + np.arange(len(own))) % folds
            start += len(own)
    else:
        names, counts = np.unique(groups[rows], return_counts=True)
        held = np.zeros(folds, dtype=np.int64)
        fold_of = np.empty(len(names), dtype=np.int64)
        for place in _order(len(names), seed, "test", 0).tolist():
            fold_of[place] = np.argmin(held)
            held[fold_of[place]] += counts[place]
        number = fold_of[np.searchsorted(names, groups[rows])]
    taken = rows[number == fold]
    return _require_classes(
        labels, rows, taken, len(rows) // folds, class_names, "test", "resampling"
    )


def _last(rows: np.ndarray, size: int, order: np.ndarray) -> np.ndarray:
    """The rows after a moment, so many as come nearest to `size` from below."""
    moments = np.sort(order[rows])
    if size >= len(rows):
        return rows
    later: np.ndarray = rows[order[rows] > moments[len(rows) - size - 1]]
    return later


def _whole_groups(
    rows: np.ndarray, size: int, groups: np.ndarray | None, seed: int, purpose: Purpose
) -> np.ndarray:
    """Groups in a drawn order, each of which is taken that still fits."""
    assert groups is not None
    names, counts = np.unique(groups[rows], return_counts=True)
    taken, left = [], size
    for place in _order(len(names), seed, purpose, 0).tolist():
        if counts[place] <= left:
            taken.append(names[place])
            left -= int(counts[place])
    chosen: np.ndarray = rows[np.isin(groups[rows], taken)]
    return chosen


def _require_classes(
    labels: np.ndarray,
    rows: np.ndarray,
    taken: np.ndarray,
    size: int,
    class_names: tuple[str, ...],
    purpose: Purpose,
    where: str,
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that stay and those that are taken; every class of the taken must stay too."""
    stay = np.setdiff1d(rows, taken, assume_unique=True)
    if not len(taken) or not len(stay):
        refuse(
            where,
            expected=f"a {purpose} part of about {size} of the {len(rows)} rows that leaves groups "
            "together and moments apart",
            received=f"{len(taken)} rows",
            hint="take another size, or another column for groups or order",
        )
    lost = np.setdiff1d(labels[taken], labels[stay])
    if len(lost) and len(class_names) > 1:
        refuse(
            where,
            expected=f"rows of every class to learn from beside the {purpose} part",
            received=f"none of {shown(class_names[int(lost[0])])}, all of whose rows are in it",
            hint="make the part smaller, or divide by another column",
        )
    return stay, np.sort(taken)


def _order(count: int, seed: int, purpose: Purpose, label: int) -> np.ndarray:
    bits = np.random.PCG64(np.random.SeedSequence([seed, _STREAM[purpose], label]))
    return np.argsort(bits.random_raw(count), kind="stable")


def _allocate(size: int, counts: np.ndarray) -> list[int]:
    """Share `size` rows among classes by largest remainder, leaving a row in each.

    Exact whole-number arithmetic; among equal remainders the earlier class comes first.
    """
    total = int(counts.sum())
    shares = [size * int(n) // total for n in counts] if total else []
    by_remainder = sorted(range(len(counts)), key=lambda c: -(size * int(counts[c]) % total))
    missing = size - sum(shares)
    while missing:
        for c in by_remainder:
            if missing and shares[c] < counts[c] - 1:
                shares[c] += 1
                missing -= 1
    return shares


def _require_rows_to_stay(
    size: int,
    counts: np.ndarray,
    classes: np.ndarray,
    class_names: tuple[str, ...],
    purpose: Purpose,
    where: str,
) -> None:
    rows = int(counts.sum())
    most = rows - len(counts)
    if size <= most:
        return
    if len(class_names) == 1:
        refuse(
            where,
            expected=f"at most {most} of the {rows} rows" if most > 0 else "more rows to divide",
            received=f"{size} rows" if most > 0 else f"{rows}",
            hint=f"make the {purpose} part smaller" if most > 0 else "give a table of more rows",
        )
    smallest = int(np.argmin(counts))
    refuse(
        where,
        expected=f"at most {most} of the {rows} rows, so that each of the {len(counts)} classes "
        f"keeps one to learn from (the smallest, {shown(class_names[int(classes[smallest])])}, has "
        f"{int(counts[smallest])})",
        received=f"{size} rows",
        hint=f"make the {purpose} part smaller",
    )
