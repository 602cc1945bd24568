"""A ledger of which rows influenced weights, settings and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final, get_args

import numpy as np

from mlplab.openset.errors import refuse

Purpose = Literal["weights", "settings", "thresholds"]
"""What rows may influence. Settings: early stopping, the choice of k or γ, of a detector."""


@final
@dataclass(frozen=True, eq=False)
class Use:
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
    """Which rows were used so far, and which must never be."""

    unknown_rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By data set: test rows of unknown classes, which nothing may use."""
    uses: tuple[Use, ...] = ()
    known_test_rows: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By data set: test rows of known classes, which nothing may use either."""

    def record_use(self, purpose: Purpose, rows: Any, *, by: str, source: str = "data") -> Ledger:
        """The ledger with one more entry.

        Args:
            purpose: what the rows influence.
            rows: (row,) whole numbers, as the data set numbers its rows.
            by: what is being trained, set or calibrated.
            source: the data set.

        Raises:
            ValueError: a row is a test row, a calibration row serves something else too, or rows
                are no row numbers.
        """
        if purpose not in get_args(Purpose):
            refuse("purpose", "weights, settings or thresholds", repr(purpose))
        use = Use(purpose, by, source, _row_set(rows))
        for side, never in (("unknown", self.unknown_rows), ("known", self.known_test_rows)):
            tested = np.intersect1d(use.rows, _row_set(never.get(source, [])))
            if len(tested):
                raise ValueError(
                    f"{by}: {len(tested)} test rows of {side} classes (first: row {tested[0]} of "
                    f"{source}) would influence {purpose}; test rows are only ever tested"
                )
        for earlier in self.uses:
            _check_calibration(earlier, use)
        return replace(self, uses=(*self.uses, use))

    def rows(self, purpose: Purpose, source: str = "data") -> np.ndarray:
        """(row,) int64: all rows of a data set that influenced something."""
        found = [u.rows for u in self.uses if (u.purpose, u.source) == (purpose, source)]
        return _row_set(np.concatenate(found)) if found else _row_set([])

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each purpose and data set, and one for the unknown rows."""
        kinds = dict.fromkeys((u.purpose, u.source) for u in self.uses)
        lines = [f"{p}: {len(self.rows(p, s))} rows of {s}" for p, s in kinds]
        lines += [
            f"nothing: {len(_row_set(r))} test rows of unknown classes of {s}"
            for s, r in self.unknown_rows.items()
        ]
        return tuple(lines)


def _check_calibration(earlier: Use, new: Use) -> None:
    one_calibrates = (earlier.purpose == "thresholds") != (new.purpose == "thresholds")
    if earlier.source != new.source or not one_calibrates:
        return
    shared = np.intersect1d(earlier.rows, new.rows)
    if len(shared):
        raise ValueError(
            f"{new.by}: {len(shared)} rows of {new.source} (first: row {shared[0]}) would serve "
            f"{new.purpose} and already serve {earlier.purpose} ({earlier.by}); calibration rows "
            "serve nothing else, or the promise is void"
        )


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
