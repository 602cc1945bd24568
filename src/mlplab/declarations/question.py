"""A question that a study asks, written before there are results."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from mlplab.declarations.base import Declaration, NonNegativeNumber, PositiveNumber
from mlplab.declarations.metric import Metric, member_with


class _Question(Declaration):
    ask: str
    """The question in words, as the report repeats it."""
    metric: Metric
    """What is measured of every run."""
    factor: str | None = None
    """What is meant to differ between the networks: depth, width, optimizer, learning rate,
    epsilon, batch size, or the path of a setting; all else that differs is told."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of the networks that it is about, in its order."""
        raise NotImplementedError


class PairQuestion(_Question):
    """Do two networks differ, and which way? The effect is the first less the second."""

    compare: tuple[str, str]
    """The names of two networks."""
    expect: Literal["greater", "less", "same"]
    """What the metric of the first is believed to be, held against the second."""
    by_at_least: NonNegativeNumber = 0.0
    """The difference must be larger than this, in units of the metric (0.005 is half a point)."""
    within: PositiveNumber | None = None
    """Networks that differ by less than this count as the same."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The two networks."""
        return self.compare


class TrendQuestion(_Question):
    """Does the metric rise or fall along networks in an order?"""

    along: Annotated[tuple[str, ...], Field(min_length=3)]
    """The names of at least three networks, in the order of the claim."""
    expect: Literal["increasing", "decreasing"]
    """What the metric is believed to do."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks in the order of the claim."""
        return self.along


class RankingQuestion(_Question):
    """Which of many is best, and which are told apart?"""

    rank: Annotated[tuple[str, ...], Field(min_length=3)]
    """The names of at least three networks."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks as they are listed."""
        return self.rank


Question = Annotated[
    Annotated[PairQuestion, Tag("compare")]
    | Annotated[TrendQuestion, Tag("along")]
    | Annotated[RankingQuestion, Tag("rank")],
    Discriminator(member_with("compare", "along", "rank")),
]
