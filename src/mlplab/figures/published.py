"""Numbers of a published study, to hold against one's own.

Each study is one file of `mlplab/published/`: its curves, the settings of its networks in the
language of a study file, its table, and what is to be said of it. Another study is another file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np

from mlplab.declarations.network import Network
from mlplab.declarations.resolving.resolution import merged


@dataclass(frozen=True, eq=False)
class PublishedFigure:
    """The curves of one published figure: one run a network, no seed."""

    name: str
    number: int
    title: str
    metric: str
    """As this program calls it: accuracy, loss, or softmaxed_loss for the loss of outputs that
    have been through softmax twice."""
    steps: np.ndarray
    """(evaluation,) int64"""
    curves: Mapping[tuple[str, str], np.ndarray]
    """(network, split) → (evaluation,) float64"""
    source: str
    """The title of the study."""
    reading_error: float
    """How far a value may be from the one that was printed, in the metric's own unit."""
    note: str = ""
    """What must be known of this metric in this study."""


@dataclass(frozen=True)
class PublishedPartTwo:
    """What a network that learned some classes made of the others, one run."""

    known: tuple[str, ...]
    """The classes that it learned."""
    accuracy: float
    """On test rows of these."""
    true: tuple[str, ...]
    """The first test rows of other classes, in their order."""
    predicted: tuple[str, ...]
    """What each of them was taken for."""


@dataclass(frozen=True, eq=False)
class PublishedStudy:
    """A published study's facts."""

    name: str
    title: str
    about: str
    reading_error: float
    figures: Mapping[str, PublishedFigure]
    settings: Mapping[str, Network]
    """Of every published network; its seeds say nothing."""
    table_network: str | None
    """The network that the published table speaks of."""
    table: Mapping[str, float]
    """accuracy, precision, recall, f1 (weighted)."""
    areas_network: str | None
    """The network whose ROC areas were published."""
    areas: Mapping[str, float]
    """Class → area under the published ROC curve."""
    areas_of_hard_labels: bool
    """Whether those curves were drawn from hard labels, not from probabilities."""
    part_two: PublishedPartTwo | None
    notes: Mapping[str, str]
    """What must be known of a metric, or of areas from `hard_labels`."""
    mistakes: tuple[str, ...]
    """Where the study went wrong; inline Markdown."""

    def figure(self, reference: str) -> PublishedFigure | None:
        """The figure of that name, `figure_1` being enough for `figure_1_accuracy_by_depth`."""
        if reference in self.figures:
            return self.figures[reference]
        wanted = reference.lower().replace(" ", "_").replace("-", "_")
        for name, figure in self.figures.items():
            if name.startswith(wanted + "_") or wanted == str(figure.number):
                return figure
        return None


def _folder() -> Traversable:
    return files("mlplab") / "published"


def names() -> tuple[str, ...]:
    """The published studies that this program carries."""
    found = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


@cache
def load(name: str) -> PublishedStudy | None:
    """The published study of that name; None where there is none."""
    if name not in names():
        return None
    return read(name, json.loads((_folder() / f"{name}.json").read_text("utf-8")))


def read(name: str, facts: Mapping[str, Any]) -> PublishedStudy:
    """A published study from what its file holds.

    Only `title` and `figures` must be there, and `steps` for the figures that have none.
    """
    table, areas = facts.get("table", {}), facts.get("roc_areas", {})
    shared = facts.get("shared", {})
    return PublishedStudy(
        name=name,
        title=facts["title"],
        about=facts.get("about", ""),
        reading_error=facts.get("reading_error", 0.0),
        figures={key: _figure(key, figure, facts) for key, figure in facts["figures"].items()},
        settings={
            key: Network.model_validate_json(json.dumps(merged(shared, own)))
            for key, own in facts.get("networks", {}).items()
        },
        table_network=table.get("network"),
        table=table.get("values", {}),
        areas_network=areas.get("network"),
        areas=areas.get("areas", {}),
        areas_of_hard_labels=areas.get("hard_labels", False),
        part_two=_part_two(facts["part_two"]) if "part_two" in facts else None,
        notes=facts.get("notes", {}),
        mistakes=tuple(facts.get("mistakes", ())),
    )


def _part_two(facts: Mapping[str, Any]) -> PublishedPartTwo:
    known, true, predicted = (
        tuple(str(name) for name in facts[key]) for key in ("known", "true", "predicted")
    )
    return PublishedPartTwo(known, facts["accuracy"], true, predicted)


def _figure(name: str, figure: Mapping[str, Any], facts: Mapping[str, Any]) -> PublishedFigure:
    return PublishedFigure(
        name=name,
        number=figure["number"],
        title=figure["title"],
        metric=figure["metric"],
        steps=np.array(figure.get("steps", facts.get("steps")), dtype=np.int64),
        curves={
            (curve["network"], curve["split"]): np.array(curve["values"], dtype=np.float64)
            for curve in figure["curves"]
        },
        source=facts["title"],
        reading_error=facts.get("reading_error", 0.0),
        note=facts.get("notes", {}).get(figure["metric"], ""),
    )
