"""Repeated splits of the data, so that results hold for other data and not for one split alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from mlplab.declarations.base import Declaration, PositiveShareBelowOne
from mlplab.declarations.problems import Problem

MOST_REPETITIONS = 1000


class Resampling(Declaration):
    """Each repetition has its own training and test rows, and its own seed.

    All networks have the same repetitions. Intervals and verdicts allow for training sets that
    overlap (Nadeau and Bengio, 2003; Bouckaert and Frank, 2004).
    """

    folds: Annotated[int, Field(ge=2, le=MOST_REPETITIONS)] | None = None
    """Cross-validation: the rows are divided into so many parts, each of which is tested once."""
    repeats: Annotated[int, Field(ge=1, le=MOST_REPETITIONS)] = 1
    """How often the rows are divided into folds anew."""
    splits: Annotated[int, Field(ge=2, le=MOST_REPETITIONS)] | None = None
    """Instead of folds: so many drawn test parts."""
    test: PositiveShareBelowOne = 0.2
    """The share of rows that each drawn test part has."""

    def rules(self) -> Iterator[Problem]:
        """Folds or splits, and what belongs to each."""
        if (self.folds is None) == (self.splits is None):
            yield Problem(
                (),
                'one of the keys "folds" and "splits"',
                "neither" if self.folds is None else "both",
                'write {"folds": 5, "repeats": 2} or {"splits": 10, "test": 0.2}',
            )
        if self.splits is not None and self.repeats != 1:
            yield Problem(("repeats",), '"repeats" beside "folds" only', "splits", "remove it")
        if self.folds is not None and self.test != type(self).model_fields["test"].default:
            yield Problem(("test",), '"test" beside "splits" only', "folds", "remove it")
        if self.repetitions > MOST_REPETITIONS:
            yield Problem(
                (), f"at most {MOST_REPETITIONS} repetitions", str(self.repetitions), "take fewer"
            )

    @property
    def repetitions(self) -> int:
        """Runs of each network."""
        return self.splits or (self.folds or 1) * self.repeats

    @property
    def test_over_train(self) -> float:
        """Test rows for each row that is learned or chosen from."""
        if self.folds is not None:
            return 1 / (self.folds - 1)
        return self.test / (1 - self.test)
