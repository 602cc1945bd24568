"""A figure that the study asks for beside those that every report has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from mlplab.declarations.base import Declaration, Line, NonNegativeCount
from mlplab.declarations.problems import Problem, shown
from mlplab.declarations.task import MetricName

Metric = MetricName | Literal["seconds", "gradient_size", "dead_units"]
Split = Literal["batch", "validation", "test", "train"]


class CurveFigure(Declaration):
    """Curves of a metric over training steps, for some or all networks."""

    title: Line
    """The heading, on one line; the figure's files are named after it."""
    kind: Literal["curves"] = "curves"
    """The kind of figure; curves where none is given."""
    metric: Metric = "accuracy"
    """A metric of the task (where none is given, accuracy, or rmse of a quantity): loss is
    cross-entropy, softmaxed_loss the loss of the 2023 report; seconds, gradient_size and
    dead_units have the split "batch" alone, the last two with `diagnostics`."""
    split: Split | Annotated[tuple[Split, ...], Field(min_length=1)] = "test"
    """One split, or several drawn in one figure (a learning curve)."""
    networks: tuple[str, ...] | None = None
    """Names of networks; None for all."""
    steps: tuple[NonNegativeCount, NonNegativeCount] | None = None
    """First and last step shown; None for all."""
    published: str | None = None
    """The figure of a published study whose curves are drawn in this one."""

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that are drawn."""
        return (self.split,) if isinstance(self.split, str) else self.split

    @property
    def is_by_layer(self) -> bool:
        """Whether `diagnostics` must record its metric."""
        return self.metric in ("gradient_size", "dead_units")

    def rules(self) -> Iterator[Problem]:
        """A metric has its splits, and steps begin before they end."""
        if (self.is_by_layer or self.metric == "seconds") and "batch" not in self.splits:
            yield Problem(
                ("split",),
                f'"batch", the only split on which {self.metric} is recorded',
                shown(self.split),
                'write "split": "batch"',
            )
        if self.steps is not None and self.steps[0] >= self.steps[1]:
            yield Problem(("steps",), "a first step before the last", shown(list(self.steps)))


class RocFigure(Declaration):
    """One ROC curve a class, with its area, for one network."""

    title: Line
    """The heading, on one line; the figure's files are named after it."""
    kind: Literal["roc"]
    """The kind of figure."""
    network: str
    """The name of the network; one seed is drawn, and areas are means over seeds."""


def figure_kind(value: Any) -> str:
    """The tag of the kind of figure that a declaration, or its JSON, means."""
    if isinstance(value, dict):
        return str(value.get("kind", "curves"))
    return str(getattr(value, "kind", "curves")) if isinstance(value, Declaration) else "curves"


Figure = Annotated[
    Annotated[CurveFigure, Tag("curves")] | Annotated[RocFigure, Tag("roc")],
    Discriminator(figure_kind),
]
