"""Which network to take: the cheapest that is not worse than the best by more than a margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlplab.analysis.questions.values import RunsByNetwork, metric_values, runs_by_network
from mlplab.analysis.timing import measured_once
from mlplab.declarations.choice import ChoiceRule, CostName
from mlplab.declarations.metric import FinalMetric, Split
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.study import Study
from mlplab.records.results import Results, Run
from mlplab.statistics.best import cheapest_good_enough
from mlplab.statistics.front import unbeaten
from mlplab.statistics.intervals import t_interval

FEWEST_SEEDS = 3
COSTS: tuple[CostName, ...] = ("parameters", "flops", "seconds")


@dataclass(frozen=True)
class Spread:
    """A mean over seeds with its 95% t interval; NaN limits where there is one measurement."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """One network that could be chosen."""

    network: str
    costs: Mapping[CostName, Spread]
    accuracy: Spread
    """Final, on the split that decides."""
    low: float
    """Limits of its accuracy less that of the best other, all networks together at 95%."""
    high: float
    qualifies: bool
    """Whether it is shown to be within the margin of the best."""
    unbeaten: frozenset[CostName]
    """The costs in which no other is as accurate and as cheap by their means, and better in one."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The outcome of the rule."""

    rule: ChoiceRule
    split: Split
    """On which it was decided."""
    seeds: int
    """Paired."""
    candidates: tuple[Candidate, ...]
    """From cheap to dear."""
    chosen: str | None
    """None where the seeds show of no network that it is within the margin."""
    left_out: tuple[str, ...] = ()
    """Networks of which a run diverged, or that have too few seeds."""

    @property
    def best(self) -> Candidate:
        """The candidate of the highest mean accuracy."""
        return max(self.candidates, key=lambda candidate: candidate.accuracy.mean)

    @property
    def shown(self) -> Candidate:
        """The network that was chosen; while none can be, the one of the best mean."""
        return next((c for c in self.candidates if c.network == self.chosen), self.best)

    @property
    def has_seen_test_data(self) -> bool:
        """Whether the test set decided, so that its accuracy says too much of the chosen one."""
        return self.split == "test"


@dataclass(frozen=True)
class NoChoice:
    """Why nothing can be chosen."""

    reason: str
    """The end of a sentence: there are fewer than two networks."""


def choose(results: Results, rule: ChoiceRule | None = None) -> Choice | NoChoice:
    """Apply a rule, by default the study's, to final accuracy.

    It is decided on validation data where every candidate has them, else on the test set. The best
    is found in the same data, so differences from it are Hsu's simultaneous comparisons with the
    best (1984), over every candidate: to compare the most accurate ones only would be a first
    choice by the data that then test it. Networks of which a run diverged are out, and so are
    those that know only some classes, whose accuracy is of other rows.
    """
    study = results.study
    rule = rule or study.choice
    named = [name for name in rule.networks or study.networks if name in study.networks]
    names = [name for name in named if study.networks[name].roles is None]
    if len(names) < 2:
        return NoChoice("there are fewer than two networks to choose among")
    if not _share_data(study, names):
        return NoChoice("its networks have different data, so their accuracies are of other rows")
    by_network = runs_by_network(results)
    fine = [name for name in names if _is_fine(by_network[name])]
    if len(fine) < 2:
        return NoChoice(
            f"fewer than two networks have {FEWEST_SEEDS} finished seeds of which none diverged"
        )
    split: Split = "validation"
    parts = {study.networks[name].data.validation for name in fine}
    if 0 in parts:
        split = "test"
    elif len(parts) > 1:
        return NoChoice("its networks have validation parts of different sizes, so other rows")
    metric = FinalMetric(final="accuracy", split=split)
    values = metric_values(results, metric, fine, by_network).values
    if len(values) < FEWEST_SEEDS or not np.isfinite(values).all():
        return NoChoice(f"the networks have fewer than {FEWEST_SEEDS} seeds in common")
    left_out = tuple(name for name in names if name not in fine)
    return _choice(rule, split, fine, values, _costs(study, fine, by_network), left_out)


def _share_data(study: Study, names: Sequence[str]) -> bool:
    """Whether accuracies are of the same rows: inputs may be scaled differently."""
    rows = {
        study.networks[name].data.model_dump_json(exclude={"scaling", "validation"})
        for name in names
    }
    return len(rows) == 1


def _is_fine(runs: Mapping[int, Run]) -> bool:
    return len(runs) >= FEWEST_SEEDS and all(
        run.diverged_at is None and run.layers for run in runs.values()
    )


def _costs(
    study: Study, names: Sequence[str], by_network: RunsByNetwork
) -> dict[CostName, list[Spread]]:
    """Of each network, in order, what its finished runs cost."""
    costs: dict[CostName, list[Spread]] = {cost: [] for cost in COSTS}
    for name in names:
        runs = list(by_network[name].values())
        batch = study.networks[name].training.batch_size
        sizes = [Size(run.layers, batch, run.stopped_at) for run in runs]
        costs["parameters"].append(_spread([size.parameters for size in sizes]))
        costs["flops"].append(_spread([size.training_flops for size in sizes]))
        costs["seconds"].append(_spread(measured_once(np.array([[r.seconds for r in runs]]))[0]))
    return costs


def _spread(values: Sequence[float] | np.ndarray) -> Spread:
    interval = t_interval(np.array(values, dtype=np.float64))
    return Spread(float(interval.mean), float(interval.low), float(interval.high))


def _choice(
    rule: ChoiceRule,
    split: Split,
    names: Sequence[str],
    values: np.ndarray,
    costs: Mapping[CostName, Sequence[Spread]],
    left_out: tuple[str, ...],
) -> Choice:
    means = {name: np.array([spread.mean for spread in costs[name]]) for name in COSTS}
    found = cheapest_good_enough(values, means[rule.cost], rule.within)
    compared = found.comparisons
    fronts = {name: unbeaten(means[name], compared.means) for name in COSTS}
    order = np.lexsort((-compared.means, means[rule.cost]))
    candidates = tuple(
        Candidate(
            names[i],
            {name: costs[name][i] for name in COSTS},
            _spread(values[:, i].tolist()),
            float(compared.low[i]),
            float(compared.high[i]),
            int(i) in found.qualifying,
            frozenset(name for name in COSTS if fronts[name][i]),
        )
        for i in order
    )
    chosen = None if found.chosen is None else names[found.chosen]
    return Choice(rule, split, compared.n, candidates, chosen, left_out)
