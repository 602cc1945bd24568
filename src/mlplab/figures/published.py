"""Numbers of a published study, read from its printed figures, to hold against one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class PublishedFigure:
    """The curves of one published figure: one run a network, no seed."""

    name: str
    number: int
    title: str
    metric: str
    """In the words of this program: accuracy, or softmaxed_loss for the report's own loss."""
    steps: np.ndarray
    """(evaluation,) int64"""
    curves: Mapping[tuple[str, str], np.ndarray]
    """(network, split) → (evaluation,) float64"""


@dataclass(frozen=True)
class PublishedSettings:
    """What was published of a network's settings."""

    hidden: tuple[int, ...]
    optimizer: str
    learning_rate: float
    batch_size: int = 256
    steps: int = 2000


@dataclass(frozen=True)
class PublishedPartTwo:
    """What a network that learned 0-4 made of 0-9, one run."""

    accuracy: float
    """On test rows of 0-4."""
    true: tuple[int, ...]
    """The first unknown test images, in their order; likewise the next."""
    predicted: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PublishedStudy:
    """A published study's facts."""

    name: str
    title: str
    about: str
    figures: Mapping[str, PublishedFigure]
    settings: Mapping[str, PublishedSettings]
    table_network: str
    """The network that the published table speaks of."""
    table: Mapping[str, float]
    """accuracy, precision, recall, f1 (weighted)."""
    corner_areas: Mapping[str, float]
    """Class → area under the published ROC curve, which was drawn from hard labels."""
    part_two: PublishedPartTwo

    def figure(self, reference: str) -> PublishedFigure | None:
        """The figure of that name, `figure_1` being enough for `figure_1_accuracy_by_depth`."""
        if reference in self.figures:
            return self.figures[reference]
        wanted = reference.lower().replace(" ", "_").replace("-", "_")
        for name, figure in self.figures.items():
            if name.startswith(wanted + "_") or wanted == str(figure.number):
                return figure
        return None


def names() -> tuple[str, ...]:
    """The published studies that this program carries."""
    folder = files("mlplab") / "published"
    return tuple(sorted(f.name.removesuffix(".json") for f in folder.iterdir()))


@cache
def load(name: str) -> PublishedStudy | None:
    """The published study of that name; None where there is none."""
    if name not in names():
        return None
    facts = json.loads((files("mlplab") / "published" / f"{name}.json").read_text("utf-8"))
    steps = np.array(facts["steps"], dtype=np.int64)
    table = facts["table_config10"]
    return PublishedStudy(
        name=name,
        title="the 2023 report",
        about=facts["about"],
        figures={key: _figure(key, curves, steps) for key, curves in facts["figures"].items()},
        settings=_SETTINGS_2023,
        table_network="config10",
        table={
            "accuracy": table["accuracy"],
            "precision": table["precision_weighted"],
            "recall": table["recall_weighted"],
            "f1": table["f1_weighted"],
        },
        corner_areas=facts["figure_9_roc_auc_per_class_from_hard_labels"],
        part_two=_part_two(facts["part_two_trained_on_0_to_4"]),
    )


def _part_two(facts: Mapping[str, Any]) -> PublishedPartTwo:
    return PublishedPartTwo(
        accuracy=facts["test_accuracy_on_0_to_4"],
        true=tuple(facts["first_25_unseen_true"]),
        predicted=tuple(facts["first_25_unseen_predicted"]),
    )


def _figure(name: str, curves: Mapping[str, Any], steps: np.ndarray) -> PublishedFigure:
    number, rest = re.fullmatch(r"figure_(\d+)_(.+)", name).groups()  # type: ignore[union-attr]
    metric = "softmaxed_loss" if "loss" in rest.split("_") else "accuracy"
    learning_curve = re.fullmatch(r"learning_curve_(\w+?)_(accuracy|loss)", rest)
    if learning_curve:
        network = learning_curve[1]
        # The report's "train" is the current batch, after its update.
        splits = {"train": "batch", "test": "test"}
        named = {(network, splits[key]): value for key, value in curves.items()}
        title = f"learning curve of {network}"
    else:
        named = {(key, "test"): value for key, value in curves.items()}
        title = rest.replace("_", " ")
    return PublishedFigure(
        name,
        int(number),
        title,
        metric,
        steps,
        {
            key: np.array(value, dtype=np.float64)
            for key, value in sorted(named.items(), key=_order)
        },
    )


def _order(item: tuple[tuple[str, str], Any]) -> tuple[int, str]:
    digits = re.sub(r"\D", "", item[0][0])
    return int(digits or 0), item[0][1]


_DEEP5, _DEEP8 = (128, 256, 512, 256), (128, 256, 512, 256, 256, 128, 128)
_DEEP10 = (128, 256, 512, 256, 256, 128, 128, 128, 128)
_SETTINGS_2023 = {
    f"config{number}": PublishedSettings(hidden, optimizer, rate)
    for number, hidden, optimizer, rate in (
        (1, (128, 256), "sgd", 0.1),
        (2, (128, 256), "adam", 0.001),
        (3, (128, 256), "rmsprop", 0.001),
        (4, _DEEP5, "rmsprop", 0.001),
        (5, _DEEP8, "rmsprop", 0.001),
        (6, _DEEP10, "rmsprop", 0.001),
        (7, _DEEP5, "adam", 0.001),
        (8, _DEEP8, "adam", 0.001),
        (9, _DEEP10, "adam", 0.001),
        (10, (256, 512), "adam", 0.001),
        (11, (256, 512), "rmsprop", 0.001),
        (12, (512, 1024), "adam", 0.001),
        (13, (512, 1024), "rmsprop", 0.001),
        (14, (1024, 2048), "adam", 0.001),
        (15, (1024, 2048), "rmsprop", 0.001),
        (16, (128, 256), "adagrad", 0.01),
        (17, (8192, 16384), "adam", 0.001),
    )
}
