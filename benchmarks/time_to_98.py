"""Time to 98% test accuracy on MNIST with a multilayer perceptron.

The recipe, studies/mnist-98.json, was chosen by validation rows (recipe_search.py) and ends after a
fixed number of steps. Its mean test accuracy over the seeds must be 98% or more; nothing is chosen
by it. The time is that of training, from data in memory to the last step: no evaluation is in it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import machine
from benchmarks.findings import RESULTS, Findings, Table, keep, shown, spread
from benchmarks.recipe_search import RECIPE, TARGET
from mlplab.declarations.loading import load
from mlplab.declarations.study import Study as Declared
from mlplab.runner.events import Event, RunEnded, RunPlanned
from mlplab.statistics.intervals import t_interval
from mlplab.study import Study


@dataclass(frozen=True)
class Trained:
    """What came of a run of the recipe."""

    accuracies: tuple[float, ...]
    """On the test rows at the last step, by seed."""
    seconds: tuple[float, ...]
    """Of training, by seed: its share of its stack's."""
    wall: float
    """From the plan to the end, with evaluation and records."""


def train(study: Declared, precision: str) -> Trained:
    """Train every seed of the recipe in a new folder."""
    times: dict[type, float] = {}

    def watch(event: Event) -> None:
        times[type(event)] = time.perf_counter()

    with tempfile.TemporaryDirectory() as folder:
        results = Study(study).run(folder, device="cpu", precision=precision, on_event=watch)
        return Trained(
            tuple(float(run.curves["test", "accuracy"][-1]) for run in results.runs),
            tuple(float(run.curves["batch", "seconds"][-1]) for run in results.runs),
            times[RunEnded] - times[RunPlanned],
        )


def alone(study: Declared, precision: str, count: int) -> list[Trained]:
    """Train one seed after another, each in a run of its own; the first is done twice.

    The first use of a shape chooses kernels and gets memory, so its first run is not kept.
    """
    ((name, network),) = study.networks.items()
    seeds = network.seeds[:count]
    runs = [
        replace(study, networks={name: network.model_copy(update={"seeds": (seed,)})})
        for seed in (seeds[0], *seeds)
    ]
    return [train(run, precision) for run in runs][1:]


def findings(
    study: Declared, precision: str, stacked: Trained, single: Sequence[Trained], load: str
) -> Findings:
    """Both in words."""
    interval = t_interval(np.array(stacked.accuracies))
    mean, low, high = (float(v) for v in (interval.mean, interval.low, interval.high))
    held = "reached" if mean >= TARGET else "NOT REACHED"
    above = sum(a >= TARGET for a in stacked.accuracies)
    count = len(stacked.accuracies)
    seconds = [trained.seconds[0] for trained in single]
    together = stacked.wall / count
    ((_, network),) = study.networks.items()
    rows = [
        ["one network after another, training alone", spread(seconds)],
        [f"{count} in stacks, share of each in training", spread(stacked.seconds)],
        [f"{count} in stacks, all of the run divided by {count}", shown(together)],
    ]
    shape = "-".join(map(str, (784, *network.hidden, 10)))
    return Findings(
        name=f"time_to_98-{precision}",
        title=f"Time to 98% on MNIST, {precision}: {median(seconds):.2f} s",
        protocol=(
            f"{shape}, {network.optimizer.name}, {network.training.steps:,} steps of batch "
            f"{network.training.batch_size}; studies/{RECIPE.name} has all of it. Chosen by "
            f"validation rows. Mean test accuracy over {count} seeds {mean:.3%}, 95% interval "
            f"{low:.3%} to {high:.3%}: 98% is {held}; {above} of {count} seeds lie at or above it."
        ),
        tables=[Table("Seconds a network", ["how", "median (range)"], rows)],
        data={
            "precision": precision,
            "stacked": vars(stacked),
            "alone": [vars(trained) for trained in single],
            "mean": mean,
            "interval": [low, high],
        },
        load_at_start=load,
    )


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("time_to_98", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--alone", type=int, default=10, help="seeds that are trained alone too")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    before = machine.load()
    study = load(RECIPE, overrides=given.set, seeds=given.seeds)
    stacked = train(study, given.precision)
    single = alone(study, given.precision, given.alone)
    keep(findings(study, given.precision, stacked, single, before), given.out)
