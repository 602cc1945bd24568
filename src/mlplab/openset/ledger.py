"""A ledger of which rows touched weights, settings and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final, get_args

import numpy as np

from mlplab.openset.errors import OpenSetError, TouchedUnknownError, refuse

Purpose = Literal["weights", "settings", "thresholds"]
"""What rows may influence. Settings: early stopping, the choice of k or γ, of a detector."""


@final
@dataclass(frozen=True, eq=False)
class Touch:
    """Some rows of one set influenced something."""

    purpose: Purpose
    by: str
    """What was influenced, for example `config10, seed 0`."""
    source: str
    """The data set that the row numbers belong to."""
    rows: np.ndarray
    """(row,) int64, increasing, each once."""


@final
@dataclass(frozen=True, eq=False)
class Ledger:
    """What has been touched so far, and what must never be."""

    unknown_rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By data set: test rows of unknown classes, which nothing may touch."""
    touches: tuple[Touch, ...] = ()
    known_test_rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By data set: test rows of known classes, which nothing may touch either."""

    def record_use(self, purpose: Purpose, rows: Any, *, by: str, source: str = "data") -> Ledger:
        """The ledger with one more entry.

        Args:
            purpose: what the rows influence.
            rows: (row,) whole numbers, as the data set numbers its rows.
            by: what is being trained, set or calibrated.
            source: the data set.

        Raises:
            TouchedUnknownError: a row is a test row of an unknown class.
            OpenSetError: a row is a test row of a known class, a calibration row serves something
                else too, or rows are no row numbers.
        """
        touch = Touch(_checked_purpose(purpose), by, source, _row_set(rows))
        forbidden = np.intersect1d(touch.rows, _row_set(self.unknown_rows.get(source, [])))
        if len(forbidden):
            raise TouchedUnknownError(
                f"{by}: {len(forbidden)} test rows of unknown classes (first: row {forbidden[0]} "
                f"of {source}) would influence {purpose}; unknown rows are only ever tested"
            )
        tested = np.intersect1d(touch.rows, _row_set(self.known_test_rows.get(source, [])))
        if len(tested):
            raise OpenSetError(
                f"{by}: {len(tested)} test rows of known classes (first: row {tested[0]} of "
                f"{source}) would influence {purpose}; test rows are only ever tested"
            )
        for earlier in self.touches:
            _check_calibration(earlier, touch)
        return replace(self, touches=(*self.touches, touch))

    def rows(self, purpose: Purpose, source: str = "data") -> np.ndarray:
        """(row,) int64: all rows of a data set that influenced something."""
        found = [t.rows for t in self.touches if (t.purpose, t.source) == (purpose, source)]
        return _row_set(np.concatenate(found)) if found else _row_set([])

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each purpose and data set, and one for the unknown rows."""
        kinds = dict.fromkeys((t.purpose, t.source) for t in self.touches)
        lines = [f"{p}: {len(self.rows(p, s))} rows of {s}" for p, s in kinds]
        lines += [
            f"nothing: {len(_row_set(r))} test rows of unknown classes of {s}"
            for s, r in self.unknown_rows.items()
        ]
        return tuple(lines)


def _check_calibration(earlier: Touch, new: Touch) -> None:
    one_calibrates = (earlier.purpose == "thresholds") != (new.purpose == "thresholds")
    if earlier.source != new.source or not one_calibrates:
        return
    shared = np.intersect1d(earlier.rows, new.rows)
    if len(shared):
        raise OpenSetError(
            f"{new.by}: {len(shared)} rows of {new.source} (first: row {shared[0]}) would serve "
            f"{new.purpose} and already serve {earlier.purpose} ({earlier.by}); calibration rows "
            "serve nothing else, or the promise is void"
        )


def _checked_purpose(purpose: Purpose) -> Purpose:
    if purpose not in get_args(Purpose):
        refuse("purpose", "weights, settings or thresholds", repr(purpose))
    return purpose


def _row_set(rows: Any) -> np.ndarray:
    array = np.asarray(rows)
    if array.size == 0:
        return np.empty(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 0:
        refuse(
            "rows",
            "row numbers of shape (row,), none negative",
            f"{array.dtype} of shape {array.shape}",
        )
    return np.unique(array.astype(np.int64))
