"""How many seeds each question will need, from the few that a pilot has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.effects import paired_differences
from mlplab.analysis.questions.foresight import seeds_for_trend_about, seeds_for_trend_of_ranks
from mlplab.declarations.question import (
    LevelQuestion,
    PairQuestion,
    RankingQuestion,
    TrendQuestion,
)
from mlplab.statistics.intervals import clopper_pearson_interval
from mlplab.statistics.power import (
    SeedsRange,
    seeds_for_difference,
    seeds_for_equivalence,
    seeds_for_ranking,
    seeds_for_sign,
    seeds_range,
    upper_limit_of_deviation,
)

FEWEST_OF_A_PILOT = 2
_TWO_SIDED_OF_80_UPPER = 0.6
"""The level of a two-sided interval of which each limit holds by itself at 80%."""


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
        """The range of seeds in one sentence."""
        least = f"at least {self.fewest:,} seeds, as fewer cannot reach its level"
        if self.pilot < FEWEST_OF_A_PILOT:
            have = "no seed" if self.pilot == 0 else "one seed"
            return (
                f"Needs {least}; {have} is finished for all of its networks, two would tell more."
            )
        if self.wanted is None:
            return f"Needs {least}; the pilot of {self.pilot} seeds does not tell how many more."
        likely, cautious = self.wanted.likely, self.wanted.cautious
        if likely is None:
            return (
                f"Needs {least}; if the effect is what the pilot of {self.pilot} seeds shows, no "
                "affordable number of seeds would find what is asked."
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
                else " (the larger number is for a deviation at its upper 80% limit)."
            )
        )


def foresee(answer: Answer) -> Foresight:
    """The seeds that a question needs, from the seeds at hand.

    Where a run never reaches its target, or diverged, there is no deviation: signs and ranks then
    take its place, and for signs the upper limit is the lower 80% limit of their share (Clopper
    and Pearson, 1934).
    """
    finding = answer.finding
    values = answer.measured.values
    values = values[~np.isnan(values).any(axis=1)]
    wanted = None
    if len(values) >= FEWEST_OF_A_PILOT:
        match answer.question:
            case PairQuestion():
                wanted = _of_difference(
                    answer, answer.question, values, answer.question.by_at_least
                )
            case LevelQuestion():
                wanted = _of_difference(answer, answer.question, values, 0.0)
            case TrendQuestion():
                wanted = _of_trend(answer, answer.question, values)
            case RankingQuestion():
                wanted = _of_ranking(answer, values)
    return Foresight(len(values), finding.fewest, wanted)


def _of_difference(
    answer: Answer,
    question: PairQuestion | LevelQuestion,
    values: np.ndarray,
    by_at_least: float,
) -> SeedsRange | None:
    finding = answer.finding
    differences = finding.differences
    if differences is None or finding.effect is None:
        return None
    if not np.isfinite(differences).all():
        if isinstance(question, PairQuestion):
            differences = paired_differences(values[:, 0], values[:, 1])
        return _of_signs(answer, question, differences, by_at_least)
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


def _of_signs(
    answer: Answer,
    question: PairQuestion | LevelQuestion,
    differences: np.ndarray,
    by_at_least: float,
) -> SeedsRange | None:
    """By how many seeds lie on the side that they mostly lie on, or within both margins."""
    alpha, fewest, n = 1 - answer.finding.level, answer.finding.fewest, len(differences)
    if question.expect == "same" and question.within is not None:
        inside = min(
            int((differences > -question.within).sum()), int((differences < question.within).sum())
        )
    else:
        sign = -1 if question.expect == "less" else 1
        beyond = differences - sign * by_at_least
        inside = max(int((beyond > 0).sum()), int((beyond < 0).sum()))
    limit = float(clopper_pearson_interval(inside, n, _TWO_SIDED_OF_80_UPPER).low)
    likely = seeds_for_sign(inside / n, alpha=alpha, fewest=fewest)
    cautious = seeds_for_sign(limit, alpha=alpha, fewest=fewest)
    return SeedsRange(math.nan, math.nan, likely, cautious)


def _of_trend(answer: Answer, question: TrendQuestion, values: np.ndarray) -> SeedsRange | None:
    alpha, fewest = 1 - answer.finding.level, answer.finding.fewest
    claimed = values if question.expect == "increasing" else -values
    n, conditions = values.shape
    if not np.isfinite(values).all():
        blocks = stats.rankdata(claimed, axis=1) @ np.arange(1, conditions + 1)
        gain = float(blocks.mean()) - conditions * (conditions + 1) ** 2 / 4
        return seeds_range(
            float(blocks.std(ddof=1)),
            n,
            lambda sigma: seeds_for_trend_of_ranks(
                gain, sigma, conditions, alpha=alpha, fewest=fewest
            ),
        )
    return seeds_range(
        _residual_deviation(values),
        (n - 1) * (conditions - 1) + 1,
        lambda sigma: seeds_for_trend_about(
            claimed.mean(axis=0), sigma, alpha=alpha, fewest=fewest
        ),
    )


def _of_ranking(answer: Answer, values: np.ndarray) -> SeedsRange | None:
    """By the ranks to be expected of normal values about these means; else by those seen."""
    alpha, fewest = 1 - answer.finding.level, answer.finding.fewest
    n, count = values.shape
    if np.isfinite(values).all():
        means = values.mean(axis=0)
        gaps = (means[:, None] - means) / math.sqrt(2)

        def seeds_for(sigma: float) -> int | None:
            if sigma == 0:
                return _seeds_of_ranks(stats.rankdata(means), alpha, fewest)
            expected = special.ndtr(gaps / sigma).sum(axis=1) + 0.5
            return _seeds_of_ranks(expected, alpha, fewest)

        return seeds_range(_residual_deviation(values), (n - 1) * (count - 1) + 1, seeds_for)
    seen = stats.rankdata(values, axis=1).mean(axis=0)
    factor = upper_limit_of_deviation(1.0, n)
    middle = (count + 1) / 2
    likely = _seeds_of_ranks(seen, alpha, fewest)
    cautious = _seeds_of_ranks(middle + (seen - middle) / factor, alpha, fewest)
    return SeedsRange(math.nan, math.nan, likely, cautious)


def _seeds_of_ranks(expected: np.ndarray, alpha: float, fewest: int) -> int | None:
    count = len(expected)
    spread = float(((expected - (count + 1) / 2) ** 2).sum())
    return seeds_for_ranking(spread, count, alpha=alpha, fewest=fewest)


def _residual_deviation(values: np.ndarray) -> float:
    """Of one value within its seed, once the means of seed and network are taken away."""
    n, count = values.shape
    residuals = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    return math.sqrt((residuals**2).sum() / ((n - 1) * (count - 1)))
