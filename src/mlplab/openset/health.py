"""Diagnostics of scores: ties, saturation, singular covariances, dead units, batch effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import Fitted
from mlplab.words import percent

_SAME = 1e-9
"""Largest relative difference of scores that another order of summation may cause."""


@final
@dataclass(frozen=True)
class Health:
    """The state of one detector's scores on some rows."""

    rows: int
    tied: float
    """Fraction of rows whose score another row has too."""
    saturated: float
    """Fraction of rows at the smallest or the largest score, where several share it."""
    dead_units: int | None
    """Hidden units that are zero for every row of which activations were given; None without."""
    units: int | None
    batch_difference: float
    """Largest difference between a row's score alone and in the batch, relative to their size."""
    remarks: tuple[str, ...]
    """What fitting found, such as a singular covariance."""

    @property
    def constant(self) -> bool:
        """Whether all rows score the same, so that nothing can be told apart."""
        return self.rows > 1 and self.saturated == 1.0 and self.tied == 1.0

    @property
    def alone_equals_batch(self) -> bool:
        """Whether a row's score is its own."""
        return self.batch_difference <= _SAME

    @property
    def line(self) -> str:
        """All of it in one line."""
        parts = [f"ties {percent(self.tied)}", f"saturated {percent(self.saturated)}"]
        if self.constant:
            parts = ["all scores are equal: nothing can be told apart"]
        if self.dead_units is not None:
            parts.append(f"dead units {self.dead_units} of {self.units}")
        parts += self.remarks
        parts.append(
            "alone as in a batch"
            if self.alone_equals_batch
            else f"DEPENDS ON THE BATCH (relative difference {self.batch_difference:.1e})"
        )
        return "; ".join(parts)


def health(
    fitted: Fitted,
    activations: Activations,
    looked_at_alone: int = 16,
    scores: np.ndarray | None = None,
    beside: np.ndarray | None = None,
) -> Health:
    """Diagnose a fitted detector on rows, some of which are also scored one by one.

    Args:
        fitted: the detector.
        activations: of the rows.
        looked_at_alone: how many of them are scored one by one.
        scores: (row,) of these rows, where they are known already.
        beside: (row,) of other rows, such as unknown ones, which may tie and saturate too.
    """
    scores = fitted.score(activations) if scores is None else scores
    n = len(scores)
    rows = np.unique(np.linspace(0, n - 1, min(looked_at_alone, n)).astype(int))
    alone = np.array([fitted.score(activations.take([row]))[0] for row in rows])
    size = max(float(np.abs(scores).max()), np.finfo(np.float64).tiny)
    every = scores if beside is None else np.concatenate([scores, beside])
    counts = np.unique(every, return_counts=True)[1]
    # with one distinct score both ends are the same rows
    ends = counts[[0, -1]] if len(counts) > 1 else counts
    hidden = activations.hidden
    return Health(
        rows=len(every),
        tied=float(counts[counts > 1].sum() / len(every)),
        saturated=float(ends[ends > 1].sum() / len(every)),
        dead_units=None if hidden is None else int((hidden == 0).all(axis=0).sum()),
        units=None if hidden is None else hidden.shape[1],
        batch_difference=float(np.abs(alone - scores[rows]).max() / size),
        remarks=fitted.remarks,
    )
