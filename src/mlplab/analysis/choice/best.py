"""Which network is the best, and which others may be: one answer, for the overview and the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlplab.analysis.questions.finite_rows import rows_of, rows_right
from mlplab.analysis.questions.values import RunsByNetwork, metric_values, runs_by_network
from mlplab.declarations.metric import FinalMetric, Split
from mlplab.declarations.network import Network
from mlplab.declarations.study import Study
from mlplab.declarations.task import METRICS, Metric, MetricName
from mlplab.records.results import Results, Run
from mlplab.statistics.best import ComparisonsWithBest, SharedRows, comparisons_with_best

FEWEST_SEEDS = 3
_SAME_ORDER = frozenset({"loss", "rmse", "r2"})
"""Of a quantity, on given rows the best of one is the best of the others."""


@dataclass(frozen=True, eq=False)
class Best:
    """Networks that can be the best, each compared with the best of the others."""

    split: Split
    """On which they were compared."""
    metric: Metric
    """By what: at the weights that are kept."""
    networks: tuple[str, ...]
    """All that are compared, as in the study."""
    values: np.ndarray
    """(seed, network) the metric on the seeds that all of them have finished."""
    compared: ComparisonsWithBest
    """For other seeds and other rows, where the number of rows is known: who may be the best. Of
    the metric times its sign, so that higher is better."""
    on_these_rows: ComparisonsWithBest
    """For other seeds on these very rows, by which a choice is made; likewise."""
    unpaired: int
    """Seeds that some of the networks, but not all, have finished."""
    left_out: tuple[str, ...]
    """Networks of which a run diverged, or that have too few seeds."""
    rows: int | None = None
    """On which all of them were compared, the same for every seed; None where it is not known."""
    restored: tuple[str, ...] = ()
    """Networks whose weights were restored by the very metric that they are compared by."""

    @property
    def seeds(self) -> int:
        """Paired."""
        return self.compared.n

    @cached_property
    def leaders(self) -> tuple[str, ...]:
        """The network of the best mean; several where theirs are equal."""
        means = self.compared.means
        most = max(1.0, abs(float(means.max())))
        highest = np.flatnonzero(np.isclose(means, means.max(), rtol=0, atol=1e-12 * most))
        return tuple(self.networks[i] for i in highest)

    @property
    def leader(self) -> str:
        """The network of the best mean; of equal ones the first in the study."""
        return self.leaders[0]

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Those besides the leader that are not excluded as the best, best mean first."""
        order = np.argsort(-self.compared.means, kind="stable")
        kept = [self.networks[i] for i in order if self.compared.may_be_best[i]]
        return tuple(name for name in kept if name != self.leader)

    def values_of(self, network: str) -> np.ndarray:
        """(seed,) of one network."""
        return self.values[:, self.networks.index(network)]


@dataclass(frozen=True)
class NoChoice:
    """Why networks cannot be compared with the best, so that none can be chosen."""

    reason: str
    """The end of a sentence: there are fewer than two networks."""


def find_best(
    results: Results, among: Sequence[str] | None = None, metric: MetricName | None = None
) -> Best | NoChoice:
    """Compare networks, by default all, with the best of them in a metric at the end.

    The metric is that of the study's choice where none is given, else its task's main one.

    On validation data where every candidate has them, else on the test set. The best is found in
    the same data, so differences from it are Hsu's simultaneous comparisons with the best (1984),
    over every candidate: to compare the most accurate ones only would be a first choice by the data
    that then test it. Networks of which a run diverged are out, and so are those that know only
    some classes, whose results are of other rows.
    """
    study = results.study
    named = [name for name in among or study.networks if name in study.networks]
    names = [name for name in named if study.networks[name].roles is None]
    if len(names) < 2:
        return NoChoice("there are fewer than two networks to choose among")
    if not _share_data(study, names):
        return NoChoice("the networks have different data, so their results are of other rows")
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
        return NoChoice("the networks have validation parts of different sizes, so other rows")
    left_out = tuple(name for name in names if name not in fine)
    by = METRICS[metric or study.choice.metric or study.task.main]
    return _compared(results, by_network, fine, split, left_out, by)


def _compared(
    results: Results,
    by_network: RunsByNetwork,
    fine: Sequence[str],
    split: Split,
    left_out: tuple[str, ...],
    metric: Metric,
) -> Best | NoChoice:
    study = results.study
    found = metric_values(results, FinalMetric(final=metric.name, split=split), fine, by_network)
    if len(found.values) < FEWEST_SEEDS or not np.isfinite(found.values).all():
        return NoChoice(f"the networks have fewer than {FEWEST_SEEDS} seeds in common")
    # Of other metrics than a fraction of rows it is not known what other rows would change.
    counts_rows = metric.name == "accuracy"
    rows = rows_of(split, found, by_network, study) if counts_rows else None
    shared = None
    if rows:
        right = rows_right(found, by_network, study) if split == "test" else None
        shared = SharedRows(rows, right)
    values = metric.sign * found.values
    on_these_rows = comparisons_with_best(values)
    compared = comparisons_with_best(values, shared=shared) if shared else on_these_rows
    restored = tuple(name for name in fine if _is_restored_by(study.networks[name], split, metric))
    return Best(
        split, metric, tuple(fine), found.values, compared, on_these_rows, found.unpaired, left_out, rows,
        restored,
    )  # fmt: skip


def _is_restored_by(network: Network, split: Split, metric: Metric) -> bool:
    stopping = network.training.early_stopping
    return (
        split == "validation"
        and stopping is not None
        and stopping.restore_best
        and (stopping.metric == metric.name or {stopping.metric, metric.name} <= _SAME_ORDER)
    )


def _share_data(study: Study, names: Sequence[str]) -> bool:
    """Whether results are of the same rows: inputs may be scaled differently."""
    rows = {
        study.networks[name].data.model_dump_json(exclude={"scaling", "validation"})
        for name in names
    }
    return len(rows) == 1


def _is_fine(runs: Mapping[int, Run]) -> bool:
    return len(runs) >= FEWEST_SEEDS and all(
        run.diverged_at is None and run.layers for run in runs.values()
    )
