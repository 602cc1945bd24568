"""A question that a study asks, written before there are results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from mlplab.declarations.base import Declaration, Line, NonNegativeNumber, PositiveNumber
from mlplab.declarations.metric import (
    GapMetric,
    Metric,
    OpenSetMetric,
    is_bounded,
    member_with,
    target_of,
)
from mlplab.declarations.problems import Problem, quoted, shown


class _Question(Declaration):
    ask: Line
    """The question in words, as the report repeats it."""
    metric: Metric
    """What is measured of every run."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of the networks that it is about, in its order."""
        raise NotImplementedError

    @property
    def own_detectors(self) -> tuple[str, ...]:
        """A detector for each network, where the question gives each its own."""
        return ()

    @property
    def tested_with(self) -> tuple[str | None, ...]:
        """For each network the detector by which unknown classes are told, None for none."""
        if self.own_detectors:
            return self.own_detectors
        metric = self.metric
        detector = metric.detector if isinstance(metric, OpenSetMetric) else None
        return (detector,) * len(self.networks)

    @property
    def is_of_detectors(self) -> bool:
        """Whether it compares detectors of one network."""
        return bool(self.own_detectors) and len(set(self.networks)) == 1

    @property
    def arms(self) -> tuple[str, ...]:
        """What is compared, as it is called: networks, or their detectors."""
        if self.is_of_detectors:
            return self.own_detectors
        if self.own_detectors:
            both = zip(self.networks, self.own_detectors, strict=False)
            return tuple(f"{network} by {detector}" for network, detector in both)
        return self.networks

    def rules(self) -> Iterator[Problem]:
        """Detectors, where they are given, belong to a measure of unknown classes."""
        own, metric = self.own_detectors, self.metric
        if not own:
            return
        if not isinstance(metric, OpenSetMetric):
            expected = 'detectors only beside a metric with "open_set"'
            hint = 'leave them out, or write "metric": {"open_set": "auroc"}'
            yield Problem(("detectors",), expected, quoted(own), hint)
        elif metric.detector is not None:
            expected = 'no "detector" in the metric beside "detectors"'
            received, hint = shown(metric.detector), "remove it, as each side has its own"
            yield Problem(("metric", "detector"), expected, received, hint)
        if len(own) != len(self.networks):
            expected = f"{len(self.networks)} detectors, one for each network"
            hint = "give every network its detector"
            yield Problem(("detectors",), expected, str(len(own)), hint)


def _margin_rules(question: PairQuestion | LevelQuestion, beyond: float = 0.0) -> Iterator[Problem]:
    """Sameness needs a margin, and margins of shares lie below 1."""
    if question.expect == "same" and question.within is None:
        expected = 'the key "within", the largest difference that still counts as the same'
        hint = 'add "within", for example 0.003'
        yield Problem((), expected, '"expect": "same" without it', hint)
    if question.expect == "same" and beyond:
        expected, hint = 'no such key beside "expect": "same"', '"within" is the margin of sameness'
        yield Problem(("by_at_least",), expected, shown(beyond), hint)
    margins = (("by_at_least", beyond), ("within", question.within))
    for key, margin in margins if is_bounded(question.metric) else ():
        if margin is not None and margin >= 1:
            points = f"{margin:g} points are {margin / 100:g}" if margin < 100 else None
            expected = "a difference of numbers from 0 to 1, so below 1"
            yield Problem((key,), expected, shown(margin), points)


class _Comparison(_Question):
    factor: str | None = None
    """What is meant to differ between the networks: depth, width, optimizer, learning rate,
    epsilon, batch size, detector, or the path of a setting; all else that differs is told."""


class PairQuestion(_Comparison):
    """Do two networks differ, and which way? The effect is the first less the second."""

    compare: tuple[str, str]
    """The names of two networks."""
    expect: Literal["greater", "less", "same"]
    """What the metric of the first is believed to be, held against the second."""
    by_at_least: NonNegativeNumber = 0.0
    """The difference must be larger than this, in units of the metric (0.005 is half a point)."""
    within: PositiveNumber | None = None
    """Networks that differ by less than this count as the same."""
    detectors: tuple[str, str] | None = None
    """One for each network, for a metric with "open_set"; the two may then be the same network."""

    def rules(self) -> Iterator[Problem]:
        """Margins fit the metric and what is expected."""
        yield from super().rules()
        yield from _margin_rules(self, self.by_at_least)

    @property
    def networks(self) -> tuple[str, ...]:
        """The two networks."""
        return self.compare

    @property
    def own_detectors(self) -> tuple[str, ...]:
        """The two detectors, where they are given."""
        return self.detectors or ()


class TrendQuestion(_Comparison):
    """Does the metric rise or fall along networks in an order?"""

    along: Annotated[tuple[str, ...], Field(min_length=3)]
    """The names of at least three networks, in the order of the claim."""
    expect: Literal["increasing", "decreasing"]
    """What the metric is believed to do."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks in the order of the claim."""
        return self.along


class RankingQuestion(_Comparison):
    """Which of many is best, and which are told apart?"""

    rank: Annotated[tuple[str, ...], Field(min_length=3)]
    """The names of at least three networks."""
    detectors: Annotated[tuple[str, ...], Field(min_length=3)] | None = None
    """One for each network, for a metric with "open_set"; one network may then stand in all
    places, so that its detectors are ranked."""

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks as they are listed."""
        return self.rank

    @property
    def own_detectors(self) -> tuple[str, ...]:
        """The detectors as they are listed, where they are given."""
        return self.detectors or ()


class LevelQuestion(_Question):
    """Is the metric of one network above or below a fixed number, on average over seeds?"""

    level_of: str
    """The name of a network."""
    than: float
    """The number that its metric is held against, in units of the metric: 0.5 is 50%."""
    expect: Literal["greater", "less", "same"]
    """Where the metric is believed to lie."""
    within: PositiveNumber | None = None
    """A mean that is nearer to the number than this counts as the same."""
    by_at_least: ClassVar[float] = 0.0

    def rules(self) -> Iterator[Problem]:
        """The metric is a value, and the number one that it can have."""
        yield from _margin_rules(self)
        if target_of(self.metric) is not None:
            expected = "a metric that every run has, not a time that may never come"
            hint = 'ask for the value instead, for example {"final": "accuracy"}'
            yield Problem(("metric",), expected, "a time to a target", hint)
        low = -1 if isinstance(self.metric, GapMetric) else 0
        if is_bounded(self.metric) and not low <= self.than <= 1:
            percent = f"{self.than:g}% is {self.than / 100:g}" if self.than > 1 else None
            expected = f"a number from {low} to 1, between which the metric lies"
            yield Problem(("than",), expected, shown(self.than), percent)

    @property
    def networks(self) -> tuple[str, ...]:
        """The one network."""
        return (self.level_of,)

    @property
    def factor(self) -> None:
        """None: nothing is compared, so nothing is meant to differ."""
        return None


Question = Annotated[
    Annotated[PairQuestion, Tag("compare")]
    | Annotated[TrendQuestion, Tag("along")]
    | Annotated[RankingQuestion, Tag("rank")]
    | Annotated[LevelQuestion, Tag("level_of")],
    Discriminator(member_with("compare", "along", "rank", "level_of")),
]
