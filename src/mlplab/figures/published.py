"""Numbers of a published study, to hold against one's own.

Each study is one file of `mlplab/published/`: its curves, the settings of its networks in the
language of a study file, its table, and what is to be said of it. Another study is another file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from mlplab.declarations.network import Network
from mlplab.declarations.resolving.resolution import merged


def _by_network_and_split(curves: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], np.ndarray]:
    return {(c["network"], c["split"]): np.array(c["values"], dtype=np.float64) for c in curves}


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


class PublishedFigure(_Facts):
    """The curves of one published figure: one run a network, no seed."""

    name: str
    number: int
    title: str
    metric: str
    """As this program calls it: accuracy, loss, or softmaxed_loss for the loss of outputs that
    have been through softmax twice."""
    steps: Annotated[np.ndarray, PlainValidator(partial(np.array, dtype=np.int64))]
    """(evaluation,) int64"""
    curves: Annotated[Mapping[tuple[str, str], np.ndarray], PlainValidator(_by_network_and_split)]
    """(network, split) → (evaluation,) float64"""
    source: str
    """The title of the study."""
    reading_error: float = 0.0
    """How far a value may be from the one that was printed, in the metric's own unit."""
    note: str = ""
    """What must be known of this metric in this study."""


class PublishedTable(_Facts):
    """The published table of one network."""

    network: str
    values: Mapping[str, float]
    """accuracy, precision, recall, f1 (weighted)."""


class PublishedAreas(_Facts):
    """The published ROC areas of one network."""

    network: str
    areas: Mapping[str, float]
    """Class → area under the published ROC curve."""
    hard_labels: bool = False
    """Whether those curves were drawn from hard labels, not from probabilities."""


class PublishedPartTwo(_Facts):
    """What a network that learned some classes made of the others, one run."""

    known: tuple[str, ...]
    """The classes that it learned."""
    accuracy: float
    """On test rows of these."""
    true: tuple[str, ...]
    """The first test rows of other classes, in their order."""
    predicted: tuple[str, ...]
    """What each of them was taken for."""


class PublishedStudy(_Facts):
    """A published study's facts; of its file only `title` and `figures` must be there."""

    title: str
    reading_error: float = 0.0
    figures: Mapping[str, PublishedFigure]
    settings: Mapping[str, Network] = Field({}, alias="networks")
    """Of every published network; its seeds say nothing."""
    table: PublishedTable | None = None
    roc_areas: PublishedAreas | None = None
    part_two: PublishedPartTwo | None = None
    notes: Mapping[str, str] = {}
    """What must be known of a metric, or of areas from `hard_labels`."""
    mistakes: tuple[str, ...] = ()
    """Where the study went wrong; inline Markdown."""

    def figure(self, reference: str) -> PublishedFigure | None:
        """The figure of that name, `figure_1` being enough for `figure_1_accuracy_by_depth`."""
        wanted = reference.lower().replace(" ", "_").replace("-", "_")
        for name, figure in self.figures.items():
            if f"{name.lower()}_".startswith(f"{wanted}_") or wanted == str(figure.number):
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
    facts = json.loads((_folder() / f"{name}.json").read_text("utf-8"))
    # What a figure or a network does not say for itself, the study says for all of them.
    of_all = {key: facts[key] for key in ("steps", "reading_error") if key in facts}
    facts["figures"] = {
        key: {
            **of_all,
            "name": key,
            "source": facts["title"],
            "note": facts.get("notes", {}).get(figure["metric"], ""),
            **figure,
        }
        for key, figure in facts["figures"].items()
    }
    shared, networks = facts.get("shared", {}), facts.get("networks", {})
    facts["networks"] = {key: merged(shared, own) for key, own in networks.items()}
    return PublishedStudy.model_validate_json(json.dumps(facts))
