"""The pairs of a "which of many": how far they lie apart, and which are told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.finding import Ranking, corrected
from mlplab.statistics.logrank import median_difference
from mlplab.statistics.sign_flip import sign_flip_interval

MOST_RANKED = 20
"""Beyond so many networks only pairs of the best of them are told, as a diagram shows only these:
each pair's interval is of its own sign patterns."""


@dataclass(frozen=True)
class RankedPair:
    """Two networks, or detectors, of one ranking."""

    first: str
    """Of the better average rank."""
    second: str
    average_ranks: tuple[float, float]
    effect: float
    """First minus second, in the metric's own numbers; NaN where no median is known."""
    low: float
    """Limits that hold for all pairs of all questions together, by Bonferroni's inequality."""
    high: float
    effect_is: Literal["mean", "median"]
    p_value: float
    """Holm's, at least that of Friedman's test, times the number of questions; at most 1."""
    is_told_apart: bool


def ranked_pairs(answer: Answer, most: int = MOST_RANKED) -> tuple[RankedPair, ...]:
    """All pairs of the best `most` in the order of their ranks; () where none could be told apart.

    Where a run diverged or never arrives, medians take the place of means and Wilcoxon's test that
    of the sign-flip test, as of any infinite values. Holm's step-down p-values have no intervals
    of their own: a pair can be told apart whose interval, by the plain correction, holds 0.
    """
    ranking = answer.finding.ranking
    if ranking is None or ranking.pairs is None:
        return ()
    return tuple(_pairs(answer, ranking, most))


def _pairs(answer: Answer, ranking: Ranking, most: int) -> Iterator[RankedPair]:
    tests, arms = ranking.pairs, answer.question.arms
    assert tests is not None
    alpha = 1 - answer.finding.level
    apart = tests.told_apart(alpha)
    row = {frozenset(pair): i for i, pair in enumerate(tests.pairs.tolist())}
    whole = answer.measured.values[~np.isnan(answer.measured.values).any(axis=1)]
    rank_of = dict(zip(ranking.networks, ranking.average_ranks, strict=True))
    for names in combinations(ranking.networks[:most], 2):
        first, second = (arms.index(name) for name in names)
        index = row[frozenset((first, second))]
        level = 1 - alpha / len(tests.pairs)
        is_mean = tests.test == "sign_flip"
        effect = (_mean if is_mean else _median)(whole[:, first], whole[:, second], level)
        yield RankedPair(
            *names,
            (rank_of[names[0]], rank_of[names[1]]),
            *effect,
            "mean" if is_mean else "median",
            corrected(float(tests.adjusted[index]), answer.correction),
            bool(apart[index]),
        )


def _mean(first: np.ndarray, second: np.ndarray, level: float) -> tuple[float, float, float]:
    found = sign_flip_interval(first - second, level=level)
    return float(found.mean), float(found.low), float(found.high)


def _median(first: np.ndarray, second: np.ndarray, level: float) -> tuple[float, float, float]:
    found = median_difference(first, second, level=level)
    return found.median, found.low, found.high
