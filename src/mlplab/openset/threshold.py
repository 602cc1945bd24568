"""When to reject: a split-conformal threshold from held-out known rows, and what it promises."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import numpy as np
from scipy.stats import beta

from mlplab.openset.errors import refuse
from mlplab.openset.scores import checked_classes, checked_scores
from mlplab.words import percent, percent_range

LEVEL = 0.95
"""Of the range for one calibration set."""
MOST_NAMED = 12
"""Classes that a guarantee names."""
NO_PROMISE = "no promise about unknown ones"


@final
@dataclass(frozen=True)
class Threshold:
    """Reject what scores above `value`.

    With n held-out known scores, `value` is the k-th smallest, k = ⌈(n+1)(1−α)⌉. A new known row
    of the same kind is then rejected with probability at most α on average over calibration sets.
    For one calibration set the rate is Beta(n+1−k, k) where scores do not tie, and no larger where
    they do. Vovk et al., Algorithmic learning in a random world, 2005; Vovk, ACML 2012.
    """

    value: float
    """Infinity where the calibration rows are too few: nothing is rejected."""
    reject_at_most: float
    rows: int
    rank: int
    tied: int
    """Calibration rows that score exactly `value`."""

    def rejects(self, scores: Any) -> np.ndarray:
        """(row,) bool."""
        return checked_scores("scores", scores) > self.value

    @property
    def vacuous(self) -> bool:
        """Whether nothing is ever rejected because the calibration rows are too few."""
        return self.rank > self.rows

    def range_for_one(self, level: float = LEVEL) -> tuple[float, float]:
        """Where the rate of one calibration set lies with probability `level`."""
        if self.vacuous:
            return 0.0, 0.0
        of_beta = self.rows + 1 - self.rank, self.rank
        low, high = beta.ppf([(1 - level) / 2, (1 + level) / 2], *of_beta)
        return float(low), float(high)

    @property
    def guarantee(self) -> str:
        """What is promised and what is not, in words made from the numbers."""
        if self.vacuous:
            return (
                f"rejects nothing: {self.rows} calibration rows are too few to promise "
                f"{percent(self.reject_at_most)}, {rows_needed(self.reject_at_most)} are needed; "
                f"{NO_PROMISE}"
            )
        low, high = self.range_for_one()
        at_most = " at most" if self.tied > 1 else ""
        tail = f" ({self.tied} calibration rows tie at the threshold)" if self.tied > 1 else ""
        return (
            f"rejects at most {percent(self.reject_at_most)} of known inputs on average over "
            f"calibration sets; for this one,{at_most} {percent_range(low, high)} "
            f"({percent(LEVEL)}){tail}; {NO_PROMISE}"
        )


@final
@dataclass(frozen=True)
class ThresholdByClass:
    """One threshold for each *predicted* class, calibrated on the rows predicted as that class.

    The promise then holds among the known inputs that are taken for each class. By true class
    there could be none: at test time it is unknown.
    """

    by_class: tuple[Threshold, ...]
    """(class,)"""
    names: tuple[str, ...] = ()
    """(class,) what the classes are called, by default 0, 1 and so on."""

    def rejects(self, scores: Any, predicted: Any) -> np.ndarray:
        """(row,) bool, each row held against the threshold of its predicted class (row,)."""
        s = checked_scores("scores", scores)
        classes = checked_classes("predicted", predicted, len(self.by_class), rows=len(s))
        return s > np.array([t.value for t in self.by_class])[classes]

    def _name(self, c: int) -> str:
        return self.names[c] if self.names else str(c)

    @property
    def vacuous_classes(self) -> tuple[int, ...]:
        """Predicted classes of which nothing is rejected, for want of calibration rows."""
        return tuple(c for c, t in enumerate(self.by_class) if t.vacuous)

    @property
    def guarantee(self) -> str:
        """What is promised and what is not, in words made from the numbers."""
        alpha = self.by_class[0].reject_at_most
        having = [c for c, t in enumerate(self.by_class) if not t.vacuous]
        ranges = [
            f"{self._name(c)}: {percent_range(*self.by_class[c].range_for_one())}"
            for c in having[:MOST_NAMED]
        ]
        ranges += [f"{len(having) - MOST_NAMED:,} more"] * (len(having) > MOST_NAMED)
        parts = []
        if ranges:
            parts.append(
                f"of the known inputs taken for each class, rejects at most {percent(alpha)} on "
                f"average over calibration sets; for this one at most ({percent(LEVEL)} for each "
                f"class) {', '.join(ranges)}"
            )
        parts += [
            f"rejects nothing that is taken for class {self._name(c)}: {self.by_class[c].rows} calibration "
            f"rows, {rows_needed(alpha)} are needed"
            for c in self.vacuous_classes[:MOST_NAMED]
        ]
        more = len(self.vacuous_classes) - MOST_NAMED
        parts += [f"nor what is taken for {more:,} more classes"] * (more > 0)
        return "; ".join([*parts, NO_PROMISE])


def calibrate(scores: Any, reject_at_most: float = 0.05) -> Threshold:
    """The threshold from scores (row,) of known rows that served nothing else.

    Raises:
        ValueError: no scores, NaN or infinity among them, or a fraction that is not in (0, 1).
    """
    return _threshold(checked_scores("calibration scores", scores), reject_at_most)


def calibrate_by_class(
    scores: Any,
    predicted: Any,
    classes: int,
    reject_at_most: float = 0.05,
    names: tuple[str, ...] = (),
) -> ThresholdByClass:
    """One threshold a predicted class, from scores (row,) and predicted classes (row,).

    A class that was predicted for too few calibration rows rejects nothing, and says so.
    """
    s = checked_scores("calibration scores", scores)
    guess = checked_classes("predicted", predicted, classes, rows=len(s))
    return ThresholdByClass(
        tuple(_threshold(s[guess == c], reject_at_most) for c in range(classes)), names
    )


def rows_needed(reject_at_most: float) -> int:
    """The fewest calibration rows with which anything can be rejected: ⌈1/α⌉ − 1."""
    return math.ceil(1 / _exact(reject_at_most)) - 1


def _threshold(scores: np.ndarray, reject_at_most: float) -> Threshold:
    alpha = _exact(reject_at_most)
    n = len(scores)
    rank = math.ceil((n + 1) * (1 - alpha))
    value = float(np.sort(scores)[rank - 1]) if rank <= n else math.inf
    return Threshold(value, float(reject_at_most), n, rank, int(np.count_nonzero(scores == value)))


def _exact(reject_at_most: float) -> Fraction:
    """α as written: in floats (1 − 0.7)·10 is above 3, and the rank would be one too high."""
    if isinstance(reject_at_most, bool) or not 0 < reject_at_most < 1:
        refuse(
            "reject_at_most", "a fraction above 0 and below 1, such as 0.05", repr(reject_at_most)
        )
    return Fraction(str(float(reject_at_most)))
