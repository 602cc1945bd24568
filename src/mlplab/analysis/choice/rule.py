"""Which network to take: the cheapest that is not worse than the best by more than a margin."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlplab.analysis.choice.best import Best, NoChoice, find_best
from mlplab.analysis.questions.values import runs_by_network
from mlplab.analysis.timing import measured_once
from mlplab.declarations.choice import ChoiceRule, CostName
from mlplab.declarations.metric import Split
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.task import Metric
from mlplab.records.results import Results
from mlplab.statistics.best import cheapest_of
from mlplab.statistics.intervals import t_interval
from mlplab.statistics.pareto import pareto_front
from mlplab.statistics.rows import fraction_interval, joined

COSTS: tuple[CostName, ...] = ("parameters", "flops", "seconds")


@dataclass(frozen=True)
class Spread:
    """A mean over seeds with its 95% t interval; NaN limits where there is one measurement.

    Of an accuracy, the interval holds for other rows too where their number is known."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """One network that could be chosen."""

    network: str
    costs: Mapping[CostName, Spread]
    value: Spread
    """The metric at the weights that are kept, on the split that decides."""
    low: float
    """Limits of its metric less that of the best other, all networks together at 95%, for other
    seeds on these rows."""
    high: float
    qualifies: bool
    """Whether it is shown to be within the margin of the best."""
    pareto_front: frozenset[CostName]
    """The costs in which no other is as accurate and as cheap by their means, and better in one."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The outcome of the rule."""

    rule: ChoiceRule
    found: Best
    """What is known of the best, which the rule is held against."""
    candidates: tuple[Candidate, ...]
    """From cheap to dear."""
    chosen: str | None
    """None where the seeds show of no network that it is within the margin."""
    holds_for_other_rows: bool = True
    """Whether the chosen network is shown to be within the margin on other rows as well."""

    @property
    def metric(self) -> Metric:
        """By which it was decided."""
        return self.found.metric

    @property
    def margin(self) -> float:
        """In the metric's own unit."""
        return self.rule.margin(self.best.value.mean)

    @property
    def split(self) -> Split:
        """On which it was decided."""
        return self.found.split

    @property
    def seeds(self) -> int:
        """Paired."""
        return self.found.seeds

    @property
    def best(self) -> Candidate:
        """The candidate of the best mean."""
        return next(c for c in self.candidates if c.network == self.found.leader)

    @property
    def shown(self) -> Candidate:
        """The network that was chosen; while none can be, the one of the best mean."""
        return next((c for c in self.candidates if c.network == self.chosen), self.best)

    @property
    def has_seen_test_data(self) -> bool:
        """Whether the test set decided, so that its result flatters the chosen one."""
        return self.split == "test"


def choose(results: Results, rule: ChoiceRule | None = None) -> Choice | NoChoice:
    """Apply a rule, by default the study's, to the comparisons of `find_best`."""
    rule = rule or results.study.choice
    if results.study.resampling is not None:
        return NoChoice(
            "the data are split repeatedly, so rows that one repetition learns from are tested in "
            "another; questions compare the networks"
        )
    found = find_best(results, rule.networks, rule.metric)
    if isinstance(found, NoChoice):
        return found
    return _choice(rule, found, _costs(results, found.networks))


def _costs(results: Results, names: Sequence[str]) -> dict[CostName, list[Spread]]:
    """Of each network, in order, what its finished runs cost."""
    study, by_network = results.study, runs_by_network(results)
    costs: dict[CostName, list[Spread]] = {cost: [] for cost in COSTS}
    for name in names:
        runs = list(by_network[name].values())
        network = study.networks[name]
        batch, form = network.training.batch_size, network.form
        sizes = [Size(r.layers, batch, r.stopped_at, form.parameters(r.layers)) for r in runs]
        costs["parameters"].append(_spread([size.parameters for size in sizes]))
        costs["flops"].append(_spread([size.training_flops for size in sizes]))
        costs["seconds"].append(_spread(measured_once(np.array([[r.seconds for r in runs]]))[0]))
    return costs


def _spread(values: Sequence[float] | np.ndarray) -> Spread:
    interval = t_interval(np.array(values, dtype=np.float64))
    return Spread(float(interval.mean), float(interval.low), float(interval.high))


def _value(values: np.ndarray, rows: int | None) -> Spread:
    """The mean of fractions of rows, which tie or reach 1 before they are certain."""
    over_seeds = _spread(values)
    if not rows or not math.isfinite(over_seeds.low) or not 0 <= over_seeds.mean <= 1:
        return over_seeds
    low, high = fraction_interval(over_seeds.mean * rows, rows).tolist()
    return Spread(
        over_seeds.mean,
        *joined(over_seeds.mean, (over_seeds.low, over_seeds.high), (low, high)),
    )


def _limits(found: Best, network: int) -> tuple[float, float]:
    """Of the metric of a network less that of the best other, in the metric's own direction."""
    low, high = (
        float(limit[network]) for limit in (found.on_these_rows.low, found.on_these_rows.high)
    )
    return (low, high) if found.metric.higher_is_better else (-high, -low)


def _choice(rule: ChoiceRule, found: Best, costs: Mapping[CostName, Sequence[Spread]]) -> Choice:
    means = {name: np.array([spread.mean for spread in costs[name]]) for name in COSTS}
    compared, names = found.on_these_rows, found.networks
    margin = rule.margin(float(compared.means.max()))
    taken = cheapest_of(compared, means[rule.cost], margin)
    of_other_rows = cheapest_of(found.compared, means[rule.cost], margin)
    fronts = {name: pareto_front(means[name], compared.means) for name in COSTS}
    order = np.lexsort((-compared.means, means[rule.cost]))
    candidates = tuple(
        Candidate(
            names[i],
            {name: costs[name][i] for name in COSTS},
            _value(found.values[:, i], found.rows),
            *_limits(found, int(i)),
            int(i) in taken,
            frozenset(name for name in COSTS if fronts[name][i]),
        )
        for i in order
    )
    chosen = names[taken[0]] if taken else None
    return Choice(rule, found, candidates, chosen, not set(of_other_rows).isdisjoint(taken[:1]))
