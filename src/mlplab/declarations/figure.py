"""A figure that the study asks for beside those that every report has."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlplab.declarations.base import Declaration, NonNegativeCount

Metric = Literal["accuracy", "loss", "softmaxed_loss", "seconds", "gradient_size", "dead_units"]
Split = Literal["batch", "validation", "test", "train"]


class CurveFigure(Declaration):
    """Curves of a metric over training steps, for some or all networks."""

    title: str
    kind: Literal["curves"] = "curves"
    metric: Metric = "accuracy"
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
    kind: Literal["roc"]
    network: str


Figure = CurveFigure | RocFigure
