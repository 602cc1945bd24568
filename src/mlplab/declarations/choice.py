"""The rule by which one network of a study is taken."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlplab.declarations.base import Declaration, PositiveShareBelowOne

CostName = Literal["parameters", "flops", "seconds"]


class ChoiceRule(Declaration):
    """Takes the cheapest network that is shown to be less than a margin worse than the best."""

    within: PositiveShareBelowOne = 0.002
    """The margin, in final accuracy (0.002 is 0.2 points)."""
    cost: CostName = "parameters"
    """What is to be low: parameters, FLOPs of the training, or seconds of it on this machine."""
    networks: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    """Names of the networks to choose among; None for all."""
