"""From numbers to a verdict: the rules by which a question is answered, and nothing else."""

from __future__ import annotations

import math
from typing import Literal

from mlplab.statistics.power import seeds_for_difference, seeds_for_equivalence

Verdict = Literal["supported", "refuted", "same", "inconclusive", "undecidable"]
Comparison = Literal["greater", "less", "same"]
Direction = Literal["greater", "less", "increasing", "decreasing"]


def decide_comparison(
    expect: Comparison,
    *,
    low: float,
    high: float,
    seeds: int,
    fewest_seeds: int,
    by_at_least: float = 0.0,
    within: float | None = None,
) -> Verdict:
    """Judge a mean paired difference, first minus second, by its simultaneous interval.

    low, high: limits of the interval. by_at_least: δ ≥ 0. within: w > 0.
    fewest_seeds: with which the interval can exclude anything.
    Limits equal to a bound but for rounding are not beyond it.
    Raises ValueError for margins that make no sense.
    """
    if by_at_least < 0 or (within is not None and not within > 0):
        raise ValueError("by_at_least must not be negative, and within must be positive")
    if seeds < fewest_seeds:
        return "undecidable"
    if expect == "same":
        if within is None:
            raise ValueError("a question that expects 'same' needs 'within'")
        return _same(low, high, within)
    turned = (low, high) if expect == "greater" else (-high, -low)
    return _greater(*turned, by_at_least, within)


def decide_direction(
    expect: Direction,
    *,
    p_up: float,
    p_down: float,
    seeds: int,
    fewest_seeds: int,
    alpha: float = 0.05,
) -> Verdict:
    """Judge a trend (Page) or an order of times (log-rank) by its two one-sided p-values.

    p_up: small if values increase, or if the first is greater; p_down: the mirror image. Each
    side has half of the corrected alpha.
    """
    if seeds < fewest_seeds:
        return "undecidable"
    for_it, against = (p_up, p_down) if expect in ("greater", "increasing") else (p_down, p_up)
    limit = alpha / 2 * (1 + 1e-9)
    if for_it <= limit:
        return "supported"
    if against <= limit:
        return "refuted"
    return "inconclusive"


def decide_that_they_differ(
    *, p_value: float, seeds: int, fewest_seeds: int, alpha: float = 0.05
) -> Verdict:
    """Judge "which of many" by Friedman's test: supported if the networks differ at all.

    Which pairs differ is told by the Holm-corrected tests of the pairs.
    """
    if seeds < fewest_seeds:
        return "undecidable"
    return "supported" if p_value <= alpha * (1 + 1e-9) else "inconclusive"


def _greater(low: float, high: float, margin: float, within: float | None) -> Verdict:
    if is_above(low, margin):
        return "supported"
    if within is not None and _same(low, high, within) == "same":
        return "same"
    return "refuted" if is_above(margin, high) else "inconclusive"


def _same(low: float, high: float, within: float) -> Verdict:
    if is_above(low, -within) and is_above(within, high):
        return "same"
    if is_above(low, within) or is_above(-within, high):
        return "refuted"
    return "inconclusive"


def is_above(a: float, b: float) -> bool:
    """Whether a > b by more than rounding; NaN is above nothing."""
    return bool(a > b and not math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12))


def seeds_for_comparison(
    expect: Comparison,
    *,
    effect: float,
    std: float,
    by_at_least: float = 0.0,
    within: float | None = None,
    alpha: float = 0.05,
    fewest: int = 2,
) -> int | None:
    """The fewest seeds with which a mean paired difference is probably (80%) decided.

    Over all verdicts that the effect would lead to; effect, std: of the differences; other
    arguments as in `decide_comparison`. None for an effect on its bound, or beyond `MOST_SEEDS`.
    """
    answers: list[int | None] = []
    if expect != "same":
        gap = (effect if expect == "greater" else -effect) - by_at_least
        answers.append(seeds_for_difference(gap, std, alpha=alpha, fewest=fewest))
    if within is not None:
        answers.append(seeds_for_equivalence(effect, std, within, alpha=alpha, fewest=fewest))
        if expect == "same" and abs(effect) > within:
            gap = abs(effect) - within
            answers.append(seeds_for_difference(gap, std, alpha=alpha, fewest=fewest))
    return min((a for a in answers if a is not None), default=None)
