"""What a question's metric comes to for every network and seed.

A time that never comes is infinite, and so is the value of a run that diverged, on the bad side:
both rank last, and neither is missing. A gap or a gradient has no bad side on which a diverged run
could stand, so there it is missing, and its seed is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlplab.declarations import metric as declared
from mlplab.declarations.metric import Metric, measure_of, target_of
from mlplab.declarations.resolving.size import Size
from mlplab.declarations.study import Study
from mlplab.declarations.task import METRICS
from mlplab.declarations.training import Training
from mlplab.records.kept import measured, value_at_restored_weights
from mlplab.records.results import Results, Run


@dataclass(frozen=True, eq=False)
class MetricValues:
    """One metric of some networks, paired by seed."""

    networks: tuple[str, ...]
    """As they are called: of questions about detectors, these."""
    seeds: tuple[int, ...]
    """Those that all of the networks have finished."""
    values: np.ndarray
    """(seed, network) float64. Infinite: never reached, or diverged. NaN: not measured."""
    diverged: np.ndarray
    """(seed, network) bool: whose run diverged."""
    unpaired: int
    """Seeds that some of the networks, but not all, have finished."""


def metric_values(
    results: Results, metric: Metric, networks: Sequence[str], by_network: RunsByNetwork
) -> MetricValues:
    """The metric of each network on the seeds that all of them have finished."""
    runs = [by_network.get(name, {}) for name in networks]
    return paired_values(networks, runs, lambda _, run: metric_of_run(metric, run, results.study))


def paired_values(
    names: Sequence[str],
    runs: Sequence[Mapping[int, Run]],
    value: Callable[[int, Run], float],
) -> MetricValues:
    """Some value of each side's runs on the seeds that all sides have finished.

    names, runs: of each side. value: of a side's index and its run.
    """
    seeds = sorted(set.intersection(*(set(own) for own in runs)))
    some = set.union(*(set(own) for own in runs))
    values = np.full((len(seeds), len(names)), np.nan)
    diverged = np.zeros(values.shape, dtype=bool)
    for column, own in enumerate(runs):
        for row, seed in enumerate(seeds):
            run = own[seed]
            values[row, column] = value(column, run)
            diverged[row, column] = run.diverged_at is not None
    return MetricValues(tuple(names), tuple(seeds), values, diverged, len(some) - len(seeds))


RunsByNetwork = Mapping[str, Mapping[int, Run]]
"""Network → seed → finished run."""


def runs_by_network(results: Results) -> RunsByNetwork:
    """Every finished run, by network and seed."""
    found: dict[str, dict[int, Run]] = {name: {} for name in results.study.networks}
    for run in results.runs:
        found[run.network][run.seed] = run
    return found


def sizes_known(
    results: Results, names: Sequence[str], by_network: RunsByNetwork
) -> dict[str, Size]:
    """The sizes of the networks that have been run."""
    sizes: dict[str, Size] = {}
    for name in names:
        run = next(iter(by_network[name].values()), None)
        if run is not None and run.layers:
            training = results.study.networks[name].training
            sizes[name] = Size(run.layers, training.batch_size, training.steps)
    return sizes


def metric_of_run(metric: Metric, run: Run, study: Study) -> float:
    """The metric of one run; see `MetricValues.values` for what is not finite."""
    if isinstance(metric, declared.DivergedMetric):
        return float(run.diverged_at is not None)
    if isinstance(metric, declared.GradientMetric):
        return _gradient(metric, run)
    if isinstance(metric, declared.TargetMetric):
        return _time_to(metric, run, study)
    if run.diverged_at is not None:
        if isinstance(metric, declared.GapMetric):
            return math.nan
        return -math.inf if is_better_higher(metric) else math.inf
    return _value(metric, run, study.networks[run.network].training)


def is_better_higher(metric: Metric) -> bool:
    """Whether a higher value is better; times, losses, gaps and fractions of diverged runs are not."""
    if isinstance(metric, declared.OpenSetMetric):
        return metric.measure.higher_is_better
    measure = measure_of(metric)
    is_gap = isinstance(metric, declared.GapMetric)
    return measure is not None and measure.higher_is_better and not is_gap


def _value(metric: Metric, run: Run, training: Training) -> float:
    match metric:
        case declared.FinalMetric():
            return value_at_restored_weights(run, metric.split, metric.final, training)
        case declared.BestMetric():
            curve = measured(run, metric.split, metric.best)[1]
            if not len(curve):
                return math.nan
            return float(curve.max() if METRICS[metric.best].higher_is_better else curve.min())
        case declared.AtStepMetric():
            return _at(run, metric.split, metric.value, metric.at_step)
        case declared.AreaMetric():
            return _mean_height(*measured(run, metric.split, metric.area_under))
        case declared.GapMetric():
            measure = metric.train_test_gap
            gap = value_at_restored_weights(
                run, "train", measure, training
            ) - value_at_restored_weights(run, "test", measure, training)
            return METRICS[measure].sign * gap
    raise ValueError(f"no value is known of {metric!r}")


def _at(run: Run, split: str, measure: str, step: int) -> float:
    """The value at a step; a run that stopped early keeps its last."""
    steps, curve = measured(run, split, measure)
    there = np.flatnonzero(steps <= step)
    if not len(there) or (steps[there[-1]] < step and run.stopped_at >= step):
        return math.nan
    return float(curve[there[-1]])


def _mean_height(steps: np.ndarray, curve: np.ndarray) -> float:
    if len(curve) < 2:
        return float(curve[0]) if len(curve) else math.nan
    heights = (curve[1:] + curve[:-1]) / 2
    return float(heights @ np.diff(steps) / (steps[-1] - steps[0]))


def _time_to(metric: declared.TargetMetric, run: Run, study: Study) -> float:
    target = target_of(metric)
    assert target is not None
    steps, curve = measured(run, metric.split, target.metric.name)
    reached = curve >= target.value if target.metric.higher_is_better else curve <= target.value
    if not len(curve):
        # Diverged before the first evaluation: it never gets there.
        return math.inf if run.diverged_at is not None else math.nan
    if not reached.any():
        return math.inf
    step = int(steps[np.flatnonzero(reached)[0]])
    if isinstance(metric, declared.SecondsToMetric):
        return float(run.curves["batch", "seconds"][run.steps == step][0])
    if isinstance(metric, declared.FlopsToMetric):
        batch = study.networks[run.network].training.batch_size
        return float(step * Size(run.layers, batch, step).step_flops)
    return float(step)


def _gradient(metric: declared.GradientMetric, run: Run) -> float:
    """NaN of a run that had diverged by the step that is asked about."""
    which, step = metric.gradient_size, metric.at_step
    if run.diverged_at is not None and (step is None or step >= run.diverged_at):
        return math.nan
    layers = len(run.layers) - 1
    layer = {"first": 1, "last": layers}.get(str(which), which)
    name = f"gradient_size_layer_{layer}"
    if step is None:
        sizes = measured(run, "batch", name)[1]
        return float(sizes[-1]) if len(sizes) else math.nan
    return _at(run, "batch", name, step)
