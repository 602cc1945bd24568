"""Which classes are known, which are negative, which are unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, final

import numpy as np

from mlplab.openset.errors import OpenSetError, refuse
from mlplab.openset.openness import openness
from mlplab.openset.scores import UNKNOWN, checked_classes

Role = Literal["known", "negative", "unknown"]

USUAL_SIX_FOUR: tuple[tuple[int, ...], ...] = (
    (2, 4, 5, 9, 8, 3),
    (3, 2, 6, 9, 4, 0),
    (5, 8, 3, 2, 4, 6),
    (3, 7, 8, 4, 0, 5),
    (6, 3, 4, 9, 8, 2),
)
"""Known classes of the five 6/4 splits of MNIST that publications report the mean of."""


@final
@dataclass(frozen=True)
class Roles:
    """`known` classes are to be told apart, `negative` ones are seen in training but are not known,
    `unknown` ones are only ever tested.

    Raises:
        OpenSetError: fewer than two known classes, no unknown ones, a class twice, or negative
            classes that are also unknown in a task that is not declared closed.
    """

    known: tuple[int, ...]
    unknown: tuple[int, ...] = ()
    negative: tuple[int, ...] = ()
    closed: bool = False
    """The unknown classes are the negative ones: not an open task but one of K + 1 ways."""
    unknown_set: str | None = None
    """Another data set whose rows are unknown."""

    def __post_init__(self) -> None:
        for role in ("known", "negative", "unknown"):
            classes: tuple[int, ...] = getattr(self, role)
            if len(set(classes)) < len(classes):
                refuse(role, "each class once", f"{list(classes)}")
        if len(self.known) < 2:
            refuse(
                "known",
                "at least two classes",
                f"{list(self.known)}",
                "with one class there is nothing to classify",
            )
        if not self.unknown and self.unknown_set is None:
            refuse(
                "unknown",
                "at least one class, or another data set",
                "none",
                "without it nothing open is tested",
            )
        self._check_apart("negative", self.negative)
        self._check_apart("unknown", self.unknown)
        self._check_closed()

    def _check_apart(self, role: str, classes: tuple[int, ...]) -> None:
        both = sorted(set(self.known) & set(classes))
        if both:
            refuse(
                role,
                "no class that is known",
                f"{both}, which are known too",
                "give each class one role",
            )

    def _check_closed(self) -> None:
        both = sorted(set(self.negative) & set(self.unknown))
        if self.closed and (set(self.negative) != set(self.unknown) or self.unknown_set):
            refuse(
                "closed",
                "negative and unknown to be the same classes",
                f"negative {list(self.negative)} and unknown {list(self.unknown)}",
                'drop "closed" for an open task',
            )
        if both and not self.closed:
            refuse(
                "negative",
                "no class that is unknown",
                f"{both}, which are unknown too",
                "training on the classes tested as unknown is a closed task: "
                'say so with "closed": true, with the same classes in both',
            )

    @property
    def ways(self) -> int:
        """Classes told apart in a closed task, the others being one."""
        return len(self.known) + 1

    @property
    def title(self) -> str:
        """What the task is, in words; a closed one is never called open."""
        known = _listed(self.known)
        if self.closed:
            return (
                f'closed {self.ways}-way task: {known} and "others", '
                f"{_listed(self.unknown)}, which were seen in training"
            )
        negative = f", {_listed(self.negative)} negative" if self.negative else ""
        unknown = [_listed(self.unknown)] if self.unknown else []
        unknown += [self.unknown_set] if self.unknown_set else []
        return f"{known} known{negative}, {' and '.join(unknown)} unknown"

    @property
    def openness(self) -> float:
        """Of the classes of this data set; a closed task has none."""
        return 0.0 if self.closed else openness(len(self.known), len(self.unknown))

    def rows(self, labels: Any, role: Role) -> np.ndarray:
        """Indices of the rows (row,) whose class has the role."""
        if role not in ("known", "negative", "unknown"):
            refuse("role", "known, negative or unknown", repr(role))
        return np.flatnonzero(np.isin(checked_classes("labels", labels), getattr(self, role)))

    def outputs(self, labels: Any) -> np.ndarray:
        """(row,): the output of each row's class, in the order of `known`; −1 for none."""
        true = checked_classes("labels", labels)
        result = np.full(len(true), UNKNOWN, dtype=np.int64)
        for output, c in enumerate(self.known):
            result[true == c] = output
        return result

    def require_negatives(self, detector: str) -> None:
        """One clear sentence if a detector whose training needs negatives has none."""
        if not self.negative:
            raise OpenSetError(
                f"{detector}: its training needs negative classes, and this split has none; "
                'give "negative", or choose a detector that needs none'
            )


def all_splits(classes: Sequence[int], known: int) -> Iterator[Roles]:
    """Every division of the classes into so many known and the rest unknown, in order.

    Ten classes, five known: 252; six known: 210.
    """
    if not 2 <= known < len(set(classes)):
        refuse("known", f"a number of classes from 2 to {len(set(classes)) - 1}", str(known))
    for chosen in combinations(classes, known):
        yield Roles(known=chosen, unknown=tuple(c for c in classes if c not in chosen))


def usual_six_four() -> tuple[Roles, ...]:
    """The five usual 6/4 splits of MNIST."""
    return tuple(
        Roles(known=k, unknown=tuple(c for c in range(10) if c not in k)) for k in USUAL_SIX_FOUR
    )


def _listed(classes: Sequence[int]) -> str:
    first, last = classes[0], classes[-1]
    if len(classes) > 2 and list(classes) == list(range(first, last + 1)):
        return f"{first}-{last}"
    return ", ".join(str(c) for c in classes)
