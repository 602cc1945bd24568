"""How many seeds each question will need, from the few that a pilot has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.sample_size import (
    FEWEST_OF_A_PILOT,
    cautious_in_words,
    seeds_to_decide,
)


@dataclass(frozen=True)
class SeedsRange:
    """Seeds needed if the pilot's standard deviation is right, and if it is as large as it may well be."""

    likely: int | None
    """None: no affordable number, or an effect of zero, which none can show."""
    cautious: int | None
    cautious_for: str
    """What the cautious number is for, in words."""


@dataclass(frozen=True)
class SampleSize:
    """What a pilot says of one question."""

    pilot: int
    """Seeds that it has."""
    fewest: int
    """Seeds with which the corrected level can be reached at all."""
    wanted: SeedsRange | None
    """At 80% power, for the effect that the pilot shows; None where it has fewer than two seeds."""

    @property
    def sentence(self) -> str:
        """The range of seeds in one sentence."""
        least = f"at least {self.fewest:,} seeds, as fewer cannot reach its level"
        if self.wanted is None:
            have = "no seed" if self.pilot == 0 else "one seed"
            return (
                f"Needs {least}; {have} is finished for all of its networks, two would tell more."
            )
        likely, cautious = self.wanted.likely, self.wanted.cautious
        if likely is None:
            return (
                f"Needs {least}; if the effect is what the pilot of {self.pilot} seeds shows, no "
                "affordable number of seeds would decide."
            )
        span = f"{likely:,} to {'far more' if cautious is None else f'{cautious:,}'} seeds"
        if likely == cautious:
            span = f"{likely:,} seeds"
        return (
            f"Needs {span} for a power of 80%, if the effect is what the pilot of {self.pilot} "
            "seeds shows"
            + (
                "."
                if likely == cautious
                else f" (the larger number is for {self.wanted.cautious_for})."
            )
        )


def sample_size_of(answer: Answer) -> SampleSize:
    """The seeds that a question needs, from the seeds at hand."""
    question, finding = answer.question, answer.finding
    values = answer.measured.values
    values = values[~np.isnan(values).any(axis=1)]
    wanted = None
    if len(values) >= FEWEST_OF_A_PILOT:
        wanted = SeedsRange(
            seeds_to_decide(question, finding, values),
            seeds_to_decide(question, finding, values, cautious=True),
            cautious_in_words(finding, values),
        )
    return SampleSize(len(values), finding.fewest, wanted)
