"""A figure that the study asks for beside those that every report has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from mlplab.declarations.base import Declaration, NonNegativeCount

Metric = Literal["accuracy", "loss", "softmaxed_loss", "seconds", "gradient_size", "dead_units"]
Split = Literal["batch", "validation", "test", "train"]


class CurveFigure(Declaration):
    """Curves of a metric over training steps, for some or all networks."""

    title: str
    """The heading, on one line; the figure's files are named after it."""
    kind: Literal["curves"] = "curves"
    """The kind of figure; curves where none is given."""
    metric: Metric = "accuracy"
    """loss is cross-entropy, softmaxed_loss the loss of the 2023 report; seconds, gradient_size and
    dead_units have the split "batch" alone, the last two with `diagnostics`."""
    split: Split | Annotated[tuple[Split, ...], Field(min_length=1)] = "test"
    """One split, or several drawn in one figure (a learning curve)."""
    networks: tuple[str, ...] | None = None
    """Names of networks; None for all."""
    steps: tuple[NonNegativeCount, NonNegativeCount] | None = None
    """First and last step shown; None for all."""
    published: str | None = None
    """The figure of a published study whose curves are drawn in this one."""


class RocFigure(Declaration):
    """One ROC curve a class, with its area, for one network."""

    title: str
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
