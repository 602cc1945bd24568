"""What a rule of choice took, in sentences made from the numbers."""

from __future__ import annotations

from collections.abc import Iterator

from mlplab.analysis.choice.best import Best
from mlplab.analysis.choice.rule import Candidate, Choice
from mlplab.declarations.choice import ChoiceRule, CostName
from mlplab.declarations.metric import Split
from mlplab.words import flops

BY_COST: dict[CostName, str] = {
    "parameters": "parameters",
    "flops": "training FLOPs",
    "seconds": "seconds of training",
}


def rule_in_words(rule: ChoiceRule, split: Split) -> str:
    """The cheapest network (by parameters) that is shown to be less than 0.2 points worse …"""
    return (
        f"the cheapest network (by {BY_COST[rule.cost]}) that is shown to be less than "
        f"{margin_in_words(rule)} worse than the best in final {split} accuracy"
    )


def margin_in_words(rule: ChoiceRule) -> str:
    """How much worse than the best is near enough: 0.2 points, 1 point."""
    points = f"{100 * rule.within:.10g}"
    return f"{points} point" if points == "1" else f"{points} points"


def outcome_in_words(choice: Choice) -> str:
    """What was taken and what it costs beside the best; or that nothing is shown yet."""
    best, cost = choice.best, choice.rule.cost
    if choice.chosen is None:
        return (
            f"With {choice.seeds} seeds none is shown to be: the best mean is that of "
            f"{best.network}, {_percent(best)}, but which is best is not settled"
        )
    chosen = choice.shown
    words = f"It takes {chosen.network} ({cost_in_words(chosen, cost)}, {_percent(chosen)})"
    if chosen.network in choice.found.leaders:
        return f"{words}, which also has the best mean"
    times = best.costs[cost].mean / chosen.costs[cost].mean
    return (
        f"{words}; the best mean is that of {best.network}, {_percent(best)}, at "
        f"{times:.3g} times the cost"
    )


def comparison_in_words(choice: Choice) -> str:
    """By which limits it was decided, and over how many networks they hold together."""
    return (
        f"Hsu's simultaneous 95% limits from {choice.seeds} paired seeds, which hold for all "
        f"{len(choice.candidates):,} candidates together"
    )


def caveats_of(choice: Choice) -> Iterator[str]:
    """What must be known beside the outcome."""
    if choice.has_seen_test_data:
        yield (
            "The test set chose: not every network has a validation part, so the test accuracy of "
            'the chosen network is optimistic. "validation" in the data mends this.'
        )
    if choice.rule.cost == "seconds":
        yield (
            "Networks of one shape train side by side in a stack, whose time is divided evenly "
            "among them: seconds compare shapes on this machine, not optimizers."
        )
    yield from caveats_of_best(choice.found)


def caveats_of_best(found: Best) -> Iterator[str]:
    """Which networks and seeds have no part in the comparison with the best."""
    if found.left_out:
        names = list(found.left_out[:6])
        if len(found.left_out) > 6:
            names.append(f"{len(found.left_out) - 6:,} more")
        yield (
            "Not compared with the best, as a run diverged or too few seeds are finished: "
            f"{', '.join(names)}."
        )
    if found.unpaired:
        those = (
            "1 seed that not all of them have is"
            if found.unpaired == 1
            else (f"{found.unpaired:,} seeds that not all of them have are")
        )
        yield f"Networks are compared over {found.seeds:,} seeds; {those} left out."


def cost_in_words(candidate: Candidate, cost: CostName) -> str:
    """118,282 parameters, 3.14 GFLOP, 1.23 s."""
    mean = candidate.costs[cost].mean
    if cost == "parameters":
        return f"{mean:,.0f} parameters"
    if cost == "seconds":
        return f"{mean:.3g} s"
    return flops(mean)


def _percent(candidate: Candidate) -> str:
    return f"{100 * candidate.accuracy.mean:.2f}%"
