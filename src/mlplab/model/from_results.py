"""The model of recorded results: which network, its seeds, and the facts of its making."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from mlplab.analysis.choice.rule import Choice, choose
from mlplab.analysis.test_part import data_of
from mlplab.data.dataset import PreparedData
from mlplab.data.loading import load
from mlplab.declarations.data import KnownData
from mlplab.declarations.network import Network
from mlplab.declarations.objective import EXTRA_OUTPUTS, ClassAnchor
from mlplab.declarations.open_set_detectors import Energy, Entropy, Gen, MaxLogit, Softmax
from mlplab.declarations.problems import BadInput, refuse
from mlplab.model.images import ImageForm
from mlplab.model.model import Model, Rejection, detector_scores
from mlplab.openset.threshold import calibrate
from mlplab.records.results import Results, Run
from mlplab.statistics.intervals import t_interval

MOST_CHECKED = 1000
_FROM_OUTPUTS = (Softmax, MaxLogit, Energy, Entropy, Gen)
"""Detectors that learn nothing, so that a model file can hold them."""


def model_of(
    results: Results, network: str | None = None, seeds: int | Literal["all"] = "all"
) -> Model:
    """A recorded network as a model.

    Args:
        network: its name; None for the one that the study's rule takes, else the one of the best
            mean: on validation rows where there are any.
        seeds: one of them, or all that have not diverged, whose answers are averaged.

    Raises:
        BadInput: there is no such network, nothing finished, or its weights are gone.
    """
    name, selection = (network, "asked for by name") if network is not None else _best(results)
    declared = results.network(name)
    runs = [run for run in results.runs if run.network == name and run.diverged_at is None]
    if seeds != "all":
        runs = [run for run in [results.run(name, seeds)] if run.diverged_at is None]
    if not runs:
        refuse(
            name,
            expected="a network that has finished without diverging",
            received="none of its seeds" if seeds == "all" else f"seed {seeds}, which has not",
            hint="run the study, or name another network",
        )
    if not declared.form.is_plain:
        refuse(
            name,
            expected="a network of dense layers and activations alone",
            received=declared.form.described(),
            hint="model files do not hold that yet; results.predict answers from the results",
        )
    objective = declared.objective
    model = Model(
        preparation=results.preparation(name, runs[0].seed),
        activation=declared.activation,
        networks=tuple(results.weights(name, run.seed) for run in runs),
        seeds=tuple(run.seed for run in runs),
        extra_outputs=EXTRA_OUTPUTS.get(objective.name, 0),
        anchors=objective.magnitude if isinstance(objective, ClassAnchor) else None,
    )
    try:
        data = data_of(results, runs[0])
    except BadInput:
        data = None
    return Model(
        **{
            **vars(model),
            "rejection": None if data is None else _rejection(results, name, model, data),
            "images": None if data is None else _images(declared, data),
            "facts": _facts(results, name, declared, runs, selection, data),
        }
    )


def rows_to_check(results: Results, model: Model) -> np.ndarray:
    """Test rows (row, number) of the model's data as they were read, at most 1,000.

    Raises:
        BadInput: the data are gone, or are others than the model was trained on.
    """
    name = str(model.facts["network"])
    data = data_of(results, results.run(name, model.seeds[0]))
    declared = results.study.networks[name].data_of(model.seeds[0])
    rows = load(declared, results.study.folder, lambda line: None).inputs
    return rows[data.test_rows[:MOST_CHECKED]]


def _best(results: Results) -> tuple[str, str]:
    """The network that is taken where none is named, and why in a sentence."""
    choice = choose(results)
    if isinstance(choice, Choice):
        if choice.chosen is not None:
            return choice.chosen, f"the study's rule takes it, on {choice.split} rows"
        leader = choice.found.leader
        return leader, (
            f"the best mean {choice.metric.title} on {choice.split} rows; the seeds do not show that "
            "it is the best"
        )
    metric = results.study.task.metrics[results.study.task.main]
    found: dict[str, dict[str, float]] = {}
    for run in results.runs:
        if run.diverged_at is None:
            for split in ("validation", "test"):
                curve = run.curves.get((split, metric.name))
                if curve is not None and np.isfinite(curve).any():
                    last = curve[np.isfinite(curve)][-1]
                    found.setdefault(split, {}).setdefault(run.network, 0.0)
                    found[split][run.network] += float(last)
    counts = {n: sum(r.network == n and r.diverged_at is None for r in results.runs)
              for n in results.study.networks}  # fmt: skip
    for split in ("validation", "test"):
        if split in found:
            means = {name: total / counts[name] for name, total in found[split].items()}
            best = max(means, key=lambda name: metric.sign * means[name])
            warning = ", so that its own figure there is too good" if split == "test" else ""
            only = "the only network" if len(means) == 1 else ""
            return best, only or f"the best mean {metric.title} on {split} rows{warning}"
    refuse("", expected="a finished network", received="none", hint="run the study")


def _rejection(results: Results, name: str, model: Model, data: PreparedData) -> Rejection | None:
    """The study's first detector that reads outputs alone, with a threshold of its own.

    The threshold is taken from rows that served neither training nor testing.
    """
    rows = data.calibration_rows
    if not len(rows) or model.is_regression:
        return None
    for entry in results.study.open_set:
        for settings in entry.detectors:
            if isinstance(settings, _FROM_OUTPUTS):
                own = settings.model_dump(exclude={"name"})
                scores = model.scores(data.inputs[rows]).mean(axis=0)
                found = detector_scores(settings.name, own, scores)
                threshold = calibrate(found, entry.reject_at_most)
                if threshold.vacuous:
                    return None
                return Rejection(settings.name, own, threshold.value, threshold.guarantee)
    return None


def _images(declared: Network, data: PreparedData) -> ImageForm | None:
    """How files of images become rows of the set; None where rows are none, or are coloured."""
    if data.image_shape is None or not data.preparation.of_bytes:
        return None
    height, width = data.image_shape
    images = data.inputs[data.train_rows[:2000]].reshape(-1, height, width)
    edge = np.concatenate([images[:, [0, -1]].ravel(), images[:, :, [0, -1]].ravel()])
    known = declared.data.name if isinstance(declared.data, KnownData) else ""
    return ImageForm(
        height=height,
        width=width,
        largest=16.0 if known == "digits" else 255.0,
        preparation=known if known in ("mnist", "digits") else "plain",
        bright=bool(np.median(edge) > (images.min() + images.max()) / 2),
    )


def _facts(
    results: Results,
    name: str,
    declared: Network,
    runs: list[Run],
    selection: str,
    data: PreparedData | None,
) -> Mapping[str, Any]:
    table = results.summary()
    own = table[(table["network"] == name) & table["seed"].isin([run.seed for run in runs])]
    metrics = {}
    for metric in results.study.task.metrics:
        if metric != "softmaxed_loss" and f"test_{metric}" in own:
            values = own[f"test_{metric}"].to_numpy(np.float64)
            if len(values) and np.isfinite(values).all():
                interval = t_interval(values)
                metrics[metric] = {
                    "mean": float(interval.mean),
                    "low": float(interval.low),
                    "high": float(interval.high),
                }
    return {
        "study": results.study.name,
        "network": name,
        "selection": selection,
        "data": getattr(declared.data, "name", None) or getattr(declared.data, "path", ""),
        "target": getattr(declared.data, "target", None) or getattr(declared.data, "label", None),
        "data_digest": None if data is None else data.digest,
        "metrics": metrics,
        "written": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "versions": f"mlplab {version('mlplab')}, Python {sys.version.split()[0]}, "
        f"NumPy {np.__version__}",
        "trained_on": dict(results.environment),
    }
