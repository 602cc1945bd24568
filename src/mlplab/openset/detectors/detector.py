"""What every detector of unknown classes has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from mlplab.openset.activations import Activations, checked_labels
from mlplab.openset.errors import OpenSetError, refuse

ScoringRule = Callable[[Activations], np.ndarray]
"""From activations to scores (row,); a higher score means more unknown.

A rule that has something to confess has `remarks`, a tuple of short phrases.
"""

_ROWS_AT_ONCE = 4096


@final
@dataclass(frozen=True, eq=False)
class Fitted:
    """A detector that has seen the known training rows and can score any others."""

    name: str
    rule: ScoringRule
    widths: Mapping[str, int]
    """The size of a row of each array that the detector was fitted on."""

    def score(self, activations: Activations) -> np.ndarray:
        """Scores (row,) float64; a higher score means more unknown. No row sees another.

        Raises:
            OpenSetError: the activations are not like those that the detector was fitted on.
        """
        for name, width in activations.widths.items():
            if self.widths.get(name, width) != width:
                refuse(
                    f"{self.name}, {name}",
                    f"{self.widths[name]} numbers a row as in fitting",
                    f"{width}",
                )
        parts = [
            np.asarray(self.rule(activations.take(slice(start, start + _ROWS_AT_ONCE))))
            for start in range(0, len(activations), _ROWS_AT_ONCE)
        ]
        scores = np.concatenate(parts).astype(np.float64)
        if not np.isfinite(scores).all():
            raise OpenSetError(
                f"{self.name}: {np.count_nonzero(~np.isfinite(scores))} of {len(scores)} scores "
                "are not finite, though the activations are; they are too large to compute with"
            )
        return scores

    @property
    def remarks(self) -> tuple[str, ...]:
        """What fitting found that a reader of the scores should know."""
        return tuple(getattr(self.rule, "remarks", ()))


class Detector(ABC):
    """Settings of one way to tell unknown from known; fitting it on known rows gives scores.

    To add one: derive a frozen dataclass whose fields are its settings, state the class variables,
    write `_learn`, and name it in `registry`.
    """

    name: ClassVar[str]
    """As in a study file."""
    formula: ClassVar[str]
    source: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ("logits",)
    """The arrays of `Activations` that it looks at whatever its settings."""
    training: ClassVar[str | None] = None
    """The training method whose networks it belongs to; None for any network."""
    needs_negatives: ClassVar[bool] = False
    """Whether that training needs rows that are of no known class."""

    @final
    def fit(self, activations: Activations, labels: Any) -> Fitted:
        """Learn from known training rows.

        Args:
            activations: of the known training rows.
            labels: (row,) whole numbers, each the index of the row's class among the logits.

        Raises:
            OpenSetError: the rows, labels or settings cannot be used; one sentence says why.
        """
        checked = checked_labels(activations, labels)
        for name in self.needs:
            activations.array(name, self.name)
        return Fitted(self.name, self._learn(activations, checked), activations.widths)

    @abstractmethod
    def _learn(self, activations: Activations, labels: np.ndarray) -> ScoringRule:
        """The scoring rule; labels are (row,) int64 and checked."""
