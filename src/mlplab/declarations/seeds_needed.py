"""The fewest seeds with which a question can have a verdict at all.

Exact tests have a smallest p-value, which so many seeds give that all agree. Below it no verdict is
possible, however large the effect. The formulas are those of `mlplab.statistics`, by mathematics
alone, so that a check needs no numerical library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlplab.declarations.question import Question, RankingQuestion, TrendQuestion

LEVEL = 0.05
"""The error that all questions of a study may have together."""


def seeds_needed(question: Question, questions: int) -> int:
    """The fewest seeds of one question among so many, each at an equal part of the level."""
    return fewest_seeds(question, LEVEL / questions)


def fewest_seeds(question: Question, alpha: float) -> int:
    """The fewest seeds of one question at a level of its own."""
    arms = len(question.arms)
    if isinstance(question, TrendQuestion):
        return seeds_of_trend(alpha, arms)
    if isinstance(question, RankingQuestion):
        return seeds_of_ranking(alpha, arms)
    return seeds_of_pair(alpha)


def seeds_of_pair(alpha: float) -> int:
    """2/2ⁿ by the sign-flip test, two-sided."""
    return _power(2, 2 / alpha)


def seeds_of_trend(alpha: float, networks: int) -> int:
    """(1/k!)ⁿ in one of two directions by Page's test."""
    return _power(_orders(networks), 2 / alpha)


def seeds_of_ranking(alpha: float, networks: int) -> int:
    """(1/k!)ⁿ⁻¹ by Friedman's test, as any order will do in the first seed."""
    return 1 + _power(_orders(networks), 1 / alpha)


def _orders(networks: int) -> int:
    return math.factorial(min(networks, 100))


def _power(base: int, least: float) -> int:
    """The smallest exponent, from 1, with which the base comes to the least value."""
    n = 1
    while base**n < least * (1 - 1e-12):
        n += 1
    return n


def seeds_for_all(questions: Sequence[Question]) -> int:
    """The fewest seeds with which every question can have a verdict."""
    return max((seeds_needed(question, len(questions)) for question in questions), default=1)


def fraction_of_level(look: int) -> float:
    """The part of a question's level that one of its looks has, counted from 1; see
    `mlplab.statistics.looks`."""
    return 3 / ((look + 2) * (look + 3))


def first_look(questions: Sequence[Question], at_least: int) -> int:
    """Seeds of the first look at the questions of a study whose seeds are added in rounds: with
    them each can have a verdict already."""
    alpha = LEVEL / max(1, len(questions)) * fraction_of_level(1)
    return max([at_least, *(fewest_seeds(question, alpha) for question in questions)])
