"""All seeds of one network on one curve, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mlplab.statistics.intervals import MeanInterval, t_interval
from mlplab.words import bounds_of

if TYPE_CHECKING:
    from mlplab.records.results import Results, Run


@dataclass(frozen=True, eq=False)
class Ensemble:
    """One curve of one network for every seed that has it."""

    network: str
    seeds: tuple[int, ...]
    steps: np.ndarray
    """(evaluation,) int64: every step at which any seed was evaluated."""
    values: np.ndarray
    """(seed, evaluation) float64, NaN where a seed has no finite value."""
    bounds: tuple[float, float] = (-np.inf, np.inf)
    """Between which its values lie."""

    @property
    def at_each_step(self) -> MeanInterval:
        """Mean and 95% t interval at each step over the seeds that came to it; fields (evaluation,)."""
        return t_interval(self.values, bounds=self.bounds)

    def at_last_evaluation(self) -> MeanInterval:
        """The same of every seed's own last value, whenever it stopped; fields are scalars."""
        return t_interval(last_values(self.values), bounds=self.bounds)

    def between(self, first: int, last: int) -> Ensemble:
        """Only the steps from `first` to `last`, both included."""
        kept = (self.steps >= first) & (self.steps <= last)
        return replace(self, steps=self.steps[kept], values=self.values[:, kept])


def runs_by_network(results: Results) -> Mapping[str, Sequence[Run]]:
    """The finished runs of each network, in the order of the study."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for run in results.runs:
        runs[run.network].append(run)
    return {name: runs[name] for name in results.study.networks if name in runs}


def drawn_by_default(results: Results) -> tuple[str, ...]:
    """The networks of a figure that names none: those that learn all classes, in the study's order.

    Open-set forms are measured on other test rows, and are drawn only where there is nothing else.
    """
    runs, networks = runs_by_network(results), results.study.networks
    whole = tuple(name for name in runs if networks[name].roles is None)
    return whole or tuple(runs)


def gather(runs: Sequence[Run], split: str, metric: str) -> Ensemble | None:
    """One curve of one network's runs; None where none of them has a finite value of it."""
    found = [(run, run.curves[split, metric]) for run in runs if (split, metric) in run.curves]
    if not found:
        return None
    first = found[0][0].steps
    if all(len(run.steps) == len(first) and np.array_equal(run.steps, first) for run, _ in found):
        steps, values = first, np.array([curve for _, curve in found], dtype=np.float64)
    else:
        steps = np.unique(np.concatenate([run.steps for run, _ in found]))
        values = np.full((len(found), len(steps)), np.nan)
        for row, (run, curve) in enumerate(found):
            values[row, np.searchsorted(steps, run.steps)] = curve
    values = np.where(np.isfinite(values), values, np.nan)
    measured = np.isfinite(values).any(axis=0)
    if not measured.any():
        return None
    seeds = tuple(run.seed for run, _ in found)
    return Ensemble(
        found[0][0].network, seeds, steps[measured], values[:, measured], bounds_of(metric)
    )


def last_values(values: np.ndarray) -> np.ndarray:
    """(seed,) the last finite value of each row of (seed, evaluation); NaN where there is none."""
    present = np.isfinite(values)
    last = values.shape[1] - 1 - np.argmax(present[:, ::-1], axis=1)
    return np.where(present.any(axis=1), values[np.arange(len(values)), last], np.nan)
