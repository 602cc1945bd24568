"""How many seeds each question will need, from the few that a pilot has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.foresight import seeds_for_trend_about
from mlplab.declarations.question import LevelQuestion, PairQuestion, TrendQuestion
from mlplab.statistics.power import (
    SeedsRange,
    seeds_for_difference,
    seeds_for_equivalence,
    seeds_range,
)

FEWEST_OF_A_PILOT = 2


@dataclass(frozen=True)
class Foresight:
    """What a pilot says of one question."""

    pilot: int
    """Seeds that it has."""
    fewest: int
    """Seeds with which the corrected level can be reached at all."""
    wanted: SeedsRange | None
    """At 80% power, for the effect that the pilot shows; None where its values do not tell."""

    @property
    def sentence(self) -> str:
        """The range of seeds in words."""
        least = f"at least {self.fewest} seeds, as fewer cannot reach its level"
        if self.pilot < FEWEST_OF_A_PILOT or self.wanted is None:
            return f"{least}; there is no pilot yet that would tell more"
        likely, cautious = self.wanted.likely, self.wanted.cautious
        if likely is None:
            return f"{least}; by the pilot of {self.pilot} seeds no affordable number would decide"
        upper = "far more" if cautious is None else f"{cautious:,}"
        span = f"about {likely:,}" if likely == cautious else f"{likely:,} to {upper}"
        return (
            f"{span} seeds for a power of 80%, if the effect is what the pilot of {self.pilot} "
            "seeds shows (the upper number is for a deviation at its upper 80% limit)"
        )


def foresee(answer: Answer) -> Foresight:
    """The seeds that a question needs, from the seeds at hand."""
    finding = answer.finding
    wanted = None
    if finding.seeds >= FEWEST_OF_A_PILOT:
        match answer.question:
            case PairQuestion():
                wanted = _of_difference(answer, answer.question, answer.question.by_at_least)
            case LevelQuestion():
                wanted = _of_difference(answer, answer.question, 0.0)
            case TrendQuestion():
                wanted = _of_trend(answer, answer.question)
    return Foresight(finding.seeds, finding.fewest, wanted)


def _of_difference(
    answer: Answer, question: PairQuestion | LevelQuestion, by_at_least: float
) -> SeedsRange | None:
    finding = answer.finding
    differences = finding.differences
    if differences is None or not np.isfinite(differences).all() or finding.effect is None:
        return None
    effect, alpha = finding.effect, 1 - finding.level

    def seeds_for(deviation: float) -> int | None:
        if question.expect == "same" and question.within is not None:
            if abs(effect) < question.within:
                return seeds_for_equivalence(
                    effect, deviation, question.within, alpha=alpha, fewest=finding.fewest
                )
            gap = abs(effect) - question.within
        else:
            gap = (effect if question.expect == "greater" else -effect) - by_at_least
        return seeds_for_difference(gap, deviation, alpha=alpha, fewest=finding.fewest)

    return seeds_range(float(differences.std(ddof=1)), finding.seeds, seeds_for)


def _of_trend(answer: Answer, question: TrendQuestion) -> SeedsRange | None:
    values = answer.measured.values
    values = values[~np.isnan(values).any(axis=1)]
    if not np.isfinite(values).all():
        return None
    n, conditions = values.shape
    means = values.mean(axis=0)
    residuals = values - values.mean(axis=1, keepdims=True) - means + values.mean()
    deviation = math.sqrt((residuals**2).sum() / ((n - 1) * (conditions - 1)))
    claimed = means if question.expect == "increasing" else -means
    alpha, fewest = 1 - answer.finding.level, answer.finding.fewest
    freedom = (n - 1) * (conditions - 1)
    return seeds_range(
        deviation,
        freedom + 1,
        lambda sigma: seeds_for_trend_about(claimed, sigma, alpha=alpha, fewest=fewest),
    )
