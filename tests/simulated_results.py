"""Results as a study would give them, drawn at random: for tests of figures and report alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mlplab.declarations.data import KnownData
from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.declarations.initial_weights import Uniform
from mlplab.declarations.network import Network
from mlplab.declarations.optimizer import Adagrad, Adam, RmsProp, Sgd
from mlplab.declarations.study import Study
from mlplab.declarations.training import Training
from mlplab.figures import published
from mlplab.metrics.classification import Evaluation, evaluate
from mlplab.metrics.roc import roc_curves
from mlplab.networks.probabilities import log_softmax
from mlplab.records.results import Results, Run

FACTS = published.load("report-2023")
ENVIRONMENT = {
    "mlplab": "0.1.0",
    "python": "3.12.3",
    "torch": "2.13.0+cpu",
    "processor": "a simulated one",
    "device": "cpu",
    "precision": "float32",
}
DEPTH = tuple(f"config{i}" for i in range(2, 10))
WIDTH = (
    "config2",
    "config3",
    "config10",
    "config11",
    "config12",
    "config13",
    "config14",
    "config15",
)
OPTIMIZERS = ("config1", "config2", "config3", "config16")
REPORT_FIGURES = (
    CurveFigure(title="Test accuracy by depth", networks=DEPTH, published="figure_1"),
    CurveFigure(title="Test loss by depth", metric="loss", networks=DEPTH, published="figure_2"),
    CurveFigure(title="Test accuracy by width", networks=WIDTH, published="figure_3"),
    CurveFigure(title="Test loss by width", metric="loss", networks=WIDTH, published="figure_4"),
    CurveFigure(title="Test accuracy by optimizer", networks=OPTIMIZERS, published="figure_5"),
    CurveFigure(
        title="Test loss by optimizer", metric="loss", networks=OPTIMIZERS, published="figure_6"
    ),
    CurveFigure(
        title="Adam, three layers, by width, last steps",
        networks=("config2", "config10", "config12", "config14"),
        steps=(1600, 2000),
        published="figure_3",
    ),
    RocFigure(title="ROC curves of config10", kind="roc", network="config10"),
    CurveFigure(
        title="Learning curve of config10",
        networks=("config10",),
        split=("batch", "test"),
        published="figure_10",
    ),
)


def network(hidden, optimizer, rate, *, steps=2000, seeds=3, data="digits", **training) -> Network:
    kinds = {"sgd": Sgd, "adam": Adam, "rmsprop": RmsProp, "adagrad": Adagrad}
    return Network(
        hidden=tuple(hidden),
        optimizer=kinds[optimizer](name=optimizer, learning_rate=rate),
        data=KnownData(name=data),
        initial_weights=Uniform(distribution="uniform"),
        training=Training(steps=steps, **training),
        seeds=tuple(range(seeds)),
    )


def report_study(seeds=3, numbers=range(1, 17), figures=REPORT_FIGURES, **settings) -> Study:
    return Study(
        name="report-2023",
        networks={
            f"config{i}": network(
                FACTS.settings[f"config{i}"].hidden,
                FACTS.settings[f"config{i}"].optimizer.name,
                FACTS.settings[f"config{i}"].optimizer.learning_rate,
                seeds=seeds,
                data="mnist",
                **settings,
            )
            for i in numbers
        },
        figures=figures,
        compare_with="report-2023",
        folder=Path(),
    )


def evaluation(accuracy: float, rng: np.random.Generator, rows: int = 600) -> Evaluation:
    """An evaluation of about that accuracy over ten classes, with the ROC curves of old records."""
    targets = rng.integers(0, 10, rows)
    logits = rng.normal(0, 1, (rows, 10)).astype(np.float32)
    logits[np.arange(rows), targets] += 1.5 + 3.5 * accuracy**6
    found = evaluate(logits, targets, tuple("0123456789"))
    return replace(found, curves=roc_curves(np.exp(log_softmax(logits)), targets))


def simulated(study: Study, *, spread: float = 0.002, diverging: tuple[str, ...] = ()) -> Results:
    """One run a network and seed: the published curve where there is one, and noise."""
    runs = []
    for index, (name, declared) in enumerate(study.networks.items()):
        rng = np.random.default_rng(index)
        steps = np.arange(0, declared.training.steps + 1, declared.training.evaluate_every)[1:]
        centre = _centre(name, steps, index)
        for seed in declared.seeds:
            noise = spread * (1 + 8 * (1 - centre)) * rng.normal(size=len(steps))
            accuracy = np.clip(np.round(centre + noise, 4), 0, 1)
            loss = -np.log(accuracy) * 3 + 0.01
            batch = np.clip(accuracy + rng.normal(0.005, 0.01, len(steps)), 0, 1)
            softmaxed = 2.4612 - accuracy + rng.normal(0, 0.001, len(steps))
            curves = {
                ("test", "accuracy"): accuracy,
                ("test", "loss"): loss,
                ("test", "softmaxed_loss"): softmaxed,
                ("batch", "accuracy"): batch,
                ("batch", "loss"): -np.log(batch.clip(1e-3)) + 0.01,
                ("batch", "seconds"): steps * (0.002 + 0.001 * index),
                ("train", "accuracy"): np.append(
                    np.full(len(steps) - 1, np.nan), min(1.0, accuracy[-1] + 0.015)
                ),
            }
            diverged_at = None
            if name in diverging and seed == declared.seeds[-1]:
                diverged_at = int(steps[len(steps) // 2])
                for key, curve in curves.items():
                    curves[key] = np.where(steps >= diverged_at, np.nan, curve)
            if declared.training.diagnostics:
                for layer in range(1, len(declared.hidden) + 2):
                    decay = 10.0 ** (-0.8 * (len(declared.hidden) + 1 - layer))
                    size = decay * np.exp(rng.normal(-3, 0.2, len(steps))) * (1 + steps / 300)
                    curves["batch", f"gradient_size_layer_{layer}"] = size
                    if layer <= len(declared.hidden):
                        dead = np.clip(0.02 * layer + rng.normal(0, 0.005, len(steps)), 0, 1)
                        curves["batch", f"dead_units_layer_{layer}"] = dead
            runs.append(
                Run(
                    network=name,
                    seed=seed,
                    key=f"{index:04x}{seed:04x}",
                    steps=steps,
                    curves=curves,
                    diverged_at=diverged_at,
                    stopped_at=diverged_at or int(steps[-1]),
                    seconds=float(steps[-1]) * (0.002 + 0.001 * index) + 0.1 * rng.random(),
                    evaluation=None if diverged_at else evaluation(float(accuracy[-1]), rng),
                )
            )
    return Results(study=study, runs=tuple(runs), missing=(), environment=ENVIRONMENT)


def _centre(name: str, steps: np.ndarray, index: int) -> np.ndarray:
    for figure in FACTS.figures.values():
        curve = figure.curves.get((name, "test"))
        if curve is not None and figure.metric == "accuracy":
            return np.interp(steps, figure.steps, curve)
    return 0.985 - 0.004 * (index % 9) - 0.8 * np.exp(-steps / (60 + 15 * (index % 11)))
