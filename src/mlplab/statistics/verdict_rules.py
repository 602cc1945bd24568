"""From numbers to a verdict: the rules by which a question is answered, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from mlplab.statistics.power import seeds_for_difference, seeds_for_equivalence

Verdict = Literal["supported", "refuted", "same", "inconclusive", "undecidable"]
Comparison = Literal["greater", "less", "same"]
Direction = Literal["greater", "less", "increasing", "decreasing"]


@dataclass(frozen=True)
class Decision:
    """A verdict, and how many seeds it would take where there is none."""

    verdict: Verdict
    seeds_needed: int | None = None
    """undecidable: seeds with which the level can be reached at all; inconclusive: seeds that
    would probably (80%) decide if the effect is what it seems; None: decided, or nobody knows."""


def decide_comparison(
    expect: Comparison,
    *,
    effect: float,
    low: float,
    high: float,
    seeds: int,
    fewest_seeds: int,
    by_at_least: float = 0.0,
    within: float | None = None,
    deviation: float | None = None,
    alpha: float = 0.05,
) -> Decision:
    """Judge a mean paired difference, first minus second, by its simultaneous interval.

    effect, low, high: estimate and interval. by_at_least: δ ≥ 0. within: w > 0.
    fewest_seeds: with which the interval can exclude anything (the sign-flip test's
    `seeds_needed_for_level` at the corrected alpha). deviation: of the differences, to say how
    many seeds would probably decide; alpha: 1 minus the level of the interval.
    Limits equal to a bound but for rounding are not beyond it.
    Raises ValueError for margins that make no sense.
    """
    if by_at_least < 0 or (within is not None and not within > 0):
        raise ValueError("by_at_least must not be negative, and within must be positive")
    if seeds < fewest_seeds:
        return Decision("undecidable", fewest_seeds)
    if expect == "same":
        if within is None:
            raise ValueError("a question that expects 'same' needs 'within'")
        verdict = _same(low, high, within)
    else:
        turned = (low, high) if expect == "greater" else (-high, -low)
        verdict = _greater(*turned, by_at_least, within)
    if verdict != "inconclusive":
        return Decision(verdict)
    if deviation is None or not math.isfinite(deviation):
        return Decision("inconclusive")
    needed = _seeds_that_would_decide(
        expect, effect, deviation, by_at_least, within, alpha, fewest_seeds
    )
    # The effect seen may be off: fewer than were at hand have just not decided.
    return Decision("inconclusive", None if needed is None else max(needed, seeds + 1))


def decide_direction(
    expect: Direction,
    *,
    p_up: float,
    p_down: float,
    seeds: int,
    fewest_seeds: int,
    alpha: float = 0.05,
    seeds_needed: int | None = None,
) -> Decision:
    """Judge a trend (Page) or an order of times (log-rank) by its two one-sided p-values.

    p_up: small if values increase, or if the first is greater; p_down: the mirror image. Each
    side has half of the corrected alpha. seeds_needed: seeds that would probably decide, passed on
    if the verdict is inconclusive.
    """
    if seeds < fewest_seeds:
        return Decision("undecidable", fewest_seeds)
    for_it, against = (p_up, p_down) if expect in ("greater", "increasing") else (p_down, p_up)
    limit = alpha / 2 * (1 + 1e-9)
    if for_it <= limit:
        return Decision("supported")
    if against <= limit:
        return Decision("refuted")
    return Decision("inconclusive", seeds_needed)


def decide_that_they_differ(
    *, p_value: float, seeds: int, fewest_seeds: int, alpha: float = 0.05
) -> Decision:
    """Judge "which of many" by Friedman's test: supported if the networks differ at all.

    Which pairs differ is told by the Holm-corrected tests of the pairs.
    """
    if seeds < fewest_seeds:
        return Decision("undecidable", fewest_seeds)
    return Decision("supported" if p_value <= alpha * (1 + 1e-9) else "inconclusive")


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


def _seeds_that_would_decide(
    expect: Comparison,
    effect: float,
    deviation: float,
    margin: float,
    within: float | None,
    alpha: float,
    fewest: int,
) -> int | None:
    """The fewest seeds over the verdicts that the effect as seen would lead to."""
    answers: list[int | None] = []
    if expect != "same":
        gap = (effect if expect == "greater" else -effect) - margin
        answers.append(seeds_for_difference(gap, deviation, alpha=alpha, fewest=fewest))
    if within is not None:
        answers.append(seeds_for_equivalence(effect, deviation, within, alpha=alpha, fewest=fewest))
        if expect == "same" and abs(effect) > within:
            gap = abs(effect) - within
            answers.append(seeds_for_difference(gap, deviation, alpha=alpha, fewest=fewest))
    return min((a for a in answers if a is not None), default=None)
