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
    """The fewest seeds of one question among so many, each at an equal part of the level.

    Two networks, or a level: 2/2ⁿ by the sign-flip test. A trend of k: (1/k!)ⁿ in one of two
    directions by Page's test. A ranking of k: (1/k!)ⁿ⁻¹ by Friedman's.
    """
    alpha = LEVEL / questions
    orders = math.factorial(min(len(question.networks), 100))
    if isinstance(question, TrendQuestion):
        return _power(orders, 2 / alpha)
    if isinstance(question, RankingQuestion):
        return 1 + _power(orders, 1 / alpha)
    return _power(2, 2 / alpha)


def _power(base: int, least: float) -> int:
    """The smallest exponent, from 1, with which the base comes to the least value."""
    n = 1
    while base**n < least * (1 - 1e-12):
        n += 1
    return n


def seeds_for_all(questions: Sequence[Question]) -> int:
    """The fewest seeds with which every question can have a verdict."""
    return max((seeds_needed(question, len(questions)) for question in questions), default=1)
