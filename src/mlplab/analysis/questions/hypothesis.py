"""What a p-value beside a verdict speaks for: always that which the verdict says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mlplab.statistics.verdict_rules import Comparison, Verdict

OneSided = Callable[[float], float]
"""Bound → one-sided p-value that the effect lies beyond it."""


@dataclass(frozen=True)
class Hypothesis:
    """What a small p-value speaks for."""

    says: Literal["above", "below", "within", "beyond", "rising", "falling", "different"]
    """within, beyond: nearer to zero, or further from it, than the bound."""
    bound: float = 0.0
    """In the metric's own numbers, with its sign."""


def decided_hypothesis(
    expect: Comparison, verdict: Verdict, by_at_least: float, within: float | None
) -> Hypothesis:
    """That which a verdict on an effect says; the claim that was asked about where there is none."""
    if within is not None and (verdict == "same" or expect == "same"):
        return Hypothesis("beyond" if verdict == "refuted" else "within", within)
    claims_more = expect == "greater"
    return Hypothesis(
        "above" if claims_more != (verdict == "refuted") else "below",
        by_at_least if claims_more else (-by_at_least or 0.0),
    )


def p_value_of(hypothesis: Hypothesis, above: OneSided, below: OneSided) -> float:
    """At most α exactly if the two-sided 1 - α interval lies where the hypothesis says.

    Each end of the interval has α/2, so one-sided p-values are doubled: of one bound that of its
    side; within ±w the larger of both tests of equivalence (Schuirmann, 1987), as both must hold;
    beyond ±w the smaller, as either will do.
    """
    bound = hypothesis.bound
    match hypothesis.says:
        case "above":
            p = above(bound)
        case "below":
            p = below(bound)
        case "within":
            p = max(above(-bound), below(bound))
        case "beyond":
            p = min(above(bound), below(-bound))
        case _:
            raise ValueError(f"{hypothesis.says!r} says nothing of one effect")
    return min(1.0, 2 * p)
