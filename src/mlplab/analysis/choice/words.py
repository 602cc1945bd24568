"""What a rule of choice took, in sentences made from the numbers."""

from __future__ import annotations

from collections.abc import Iterator

from mlplab.analysis.choice.best import Best
from mlplab.analysis.choice.rule import Candidate, Choice
from mlplab.declarations.choice import CostName
from mlplab.declarations.task import REGRESSION
from mlplab.words import by_count, count, flops, listed, number

BY_COST: dict[CostName, str] = {
    "parameters": "parameters",
    "flops": "training FLOPs",
    "seconds": "seconds of training",
}


def rule_in_words(choice: Choice) -> str:
    """The cheapest network (by parameters) that is shown to be less than 0.2 points worse …"""
    return (
        f"the cheapest network (by {BY_COST[choice.rule.cost]}) that is shown to be less than "
        f"{margin_in_words(choice)} worse than the best in final {choice.split} "
        f"{choice.metric.title}"
    )


def margin_in_words(choice: Choice) -> str:
    """How much worse than the best is near enough: 0.2 points, 1 point, 1%, 0.05."""
    rule = choice.rule
    if rule.within_fraction is not None:
        return f"{100 * rule.within_fraction:.10g}%"
    if not choice.metric.is_fraction:
        return f"{rule.within:.10g}"
    points = f"{100 * rule.within:.10g}"
    return f"{points} point" if points == "1" else f"{points} points"


def outcome_in_words(choice: Choice) -> str:
    """What was taken and what it costs beside the best; or that nothing is shown yet."""
    best, cost = choice.best, choice.rule.cost
    if choice.chosen is None:
        return (
            f"With {choice.seeds} seeds none is shown to be: the best mean is that of "
            f"{best.network}, {_value(best, choice)}, but which is best is not settled"
        )
    chosen = choice.shown
    words = f"It takes {chosen.network} ({cost_in_words(chosen, cost)}, {_value(chosen, choice)})"
    if chosen.network in choice.found.leaders:
        return f"{words}, which also has the best mean"
    times = best.costs[cost].mean / chosen.costs[cost].mean
    return (
        f"{words}; the best mean is that of {best.network}, {_value(best, choice)}, at "
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
            "The test set chose: not every network has a validation part, so the test "
            f"{choice.metric.title} of the chosen network is optimistic. "
            '"validation" in the data mends this.'
        )
    if choice.rule.cost == "seconds":
        yield (
            "Networks of one shape train side by side in a stack, whose time is divided evenly "
            "among them: seconds compare shapes on this machine, not optimizers."
        )
    if choice.chosen is not None and not choice.holds_for_other_rows and choice.found.rows:
        yield _THESE_ROWS.format(
            network=choice.chosen,
            rows=count(choice.found.rows, f"{choice.split} row"),
            margin=margin_in_words(choice),
            one=f"{100 / choice.found.rows:.2g}",
        )
    yield from caveats_of_best(choice.found)


def caveats_of_best(found: Best) -> Iterator[str]:
    """Which networks and seeds have no part in the comparison with the best."""
    if found.left_out:
        yield _LEFT_OUT.format(names=listed(found.left_out, most=7))
    if found.unpaired:
        yield by_count(found.unpaired, _UNPAIRED_ONE, _UNPAIRED, seeds=f"{found.seeds:,}")
    if found.restored:
        yield _RESTORED.format(
            names=listed(found.restored, most=7),
            metric=found.metric.title,
            other=_another(found),
            good="high" if found.metric.higher_is_better else "low",
        )


_LEFT_OUT = "Not compared with the best, as a run diverged or too few seeds are finished: {names}."
_UNPAIRED_ONE = (
    "Networks are compared over {seeds} seeds; 1 seed that not all of them have is left out."
)
_UNPAIRED = (
    "Networks are compared over {seeds} seeds; {n} seeds that not all of them have are left out."
)
_THESE_ROWS = (
    "{network} was chosen on {rows}, the same for every seed, of which one is {one} points. Of other "
    "rows it is not shown that it is less than {margin} worse than the best: choose on more rows, by "
    'a larger "validation" in the data, or allow a wider margin.'
)
_RESTORED = (
    "The weights of {names} were restored by their best validation {metric}, and the networks are "
    "compared by that same {metric}, which is then too {good}, by more where evaluations are many or "
    'rows few. "early_stopping": {{"metric": "{other}"}} mends this; the test {metric} is not '
    "affected."
)


def _another(found: Best) -> str:
    """A metric of the same task whose best is not the best of the one that decides."""
    name = found.metric.name
    if name == "loss":
        return "another"
    if name in REGRESSION.metrics:
        return "loss" if name == "mae" else "mae"
    return "loss"


def cost_in_words(candidate: Candidate, cost: CostName) -> str:
    """118,282 parameters, 3.14 GFLOP, 1.23 s."""
    mean = candidate.costs[cost].mean
    if cost == "parameters":
        return f"{mean:,.0f} parameters"
    if cost == "seconds":
        return f"{mean:.3g} s"
    return flops(mean)


def _value(candidate: Candidate, choice: Choice) -> str:
    if choice.metric.is_fraction:
        return f"{100 * candidate.value.mean:.2f}%"
    return f"{choice.metric.title} {number(candidate.value.mean, choice.metric.name)}"
