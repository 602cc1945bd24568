"""What every detector of unknown classes has in common: it is fitted on known rows, then scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, final

import numpy as np

from mlplab.declarations.open_set_detectors import DetectorSettings
from mlplab.openset.activations import Activations, checked_labels
from mlplab.openset.errors import refuse

ScoringRule = Callable[[Activations], np.ndarray]
"""From activations to scores (row,); a higher score means more unknown.

A rule may have `remarks`, a tuple of short phrases on what fitting found.
"""
Learner = Callable[[Any, Activations, np.ndarray], ScoringRule]
"""From settings, activations and labels (row,) int64 of known training rows to a scoring rule."""
Score = Callable[[Activations, Any], np.ndarray]
_L = TypeVar("_L", bound=Learner)
_S = TypeVar("_S", bound=Score)

LEARNERS: dict[type[DetectorSettings], Learner] = {}
"""The implementation of each declared detector; `registry` imports the modules that fill it."""
_ROWS_AT_ONCE = 4096


def learns(*declared: type[DetectorSettings]) -> Callable[[_L], _L]:
    """Register a function of settings, activations and labels as the fitting of a detector."""

    def register(learner: _L) -> _L:
        LEARNERS.update(dict.fromkeys(declared, learner))
        return learner

    return register


def scores(*declared: type[DetectorSettings]) -> Callable[[_S], _S]:
    """Register a function of activations and settings as a detector that learns nothing."""

    def register(score: _S) -> _S:
        learns(*declared)(lambda settings, a, y: lambda rows: score(rows, settings))
        return score

    return register


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
            ValueError: activations of other sizes than those that the detector was fitted on, or
                too large to compute with.
        """
        for name, width in activations.widths.items():
            if self.widths.get(name, width) != width:
                expected = f"{self.widths[name]} numbers a row as in fitting"
                refuse(f"{self.name}, {name}", expected, f"{width}")
        # what overflows is refused below
        with np.errstate(over="ignore", invalid="ignore"):
            parts = [
                np.asarray(self.rule(activations.take(slice(start, start + _ROWS_AT_ONCE))))
                for start in range(0, len(activations), _ROWS_AT_ONCE)
            ]
        found = np.concatenate(parts).astype(np.float64)
        if not np.isfinite(found).all():
            missing = np.count_nonzero(~np.isfinite(found))
            refuse(
                self.name,
                "finite scores",
                f"NaN or infinity for {missing} of {len(found)} rows",
                "their activations are finite, but too large to compute with",
            )
        return found

    @property
    def remarks(self) -> tuple[str, ...]:
        """What fitting found that a reader of the scores should know."""
        return tuple(getattr(self.rule, "remarks", ()))


@final
@dataclass(frozen=True)
class Detector:
    """One way to tell unknown from known rows, with its settings."""

    settings: DetectorSettings

    def fit(self, activations: Activations, labels: Any) -> Fitted:
        """Learn from known training rows.

        Args:
            activations: of the known training rows.
            labels: (row,) whole numbers, each the index of the row's class among the logits.

        Raises:
            ValueError: rows, labels or settings that cannot be used; one sentence says why.
        """
        checked = checked_labels(activations, labels)
        with np.errstate(over="ignore", invalid="ignore"):
            rule = LEARNERS[type(self.settings)](self.settings, activations, checked)
        fitted = Fitted(self.settings.name, rule, activations.widths)
        fitted.score(activations.take(slice(0, 1)))  # what it lacks is told now
        return fitted
