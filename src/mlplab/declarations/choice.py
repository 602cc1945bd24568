"""The rule by which one network of a study is taken."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlplab.declarations.base import Declaration, PositiveNumber
from mlplab.declarations.task import MetricName

CostName = Literal["parameters", "flops", "seconds"]


class ChoiceRule(Declaration):
    """Takes the cheapest network that is shown to be less than a margin worse than the best."""

    within: PositiveNumber = 0.002
    """The margin, in the metric's own unit: 0.002 of accuracy is 0.2 points."""
    within_fraction: PositiveNumber | None = None
    """The margin as a fraction of the best mean, in place of `within`. Of a quantity, where neither
    is given, 0.01: an RMSE that is less than 1% larger than the lowest."""
    metric: MetricName | None = None
    """What decides, at the weights that are kept; None for accuracy, or RMSE of a quantity."""
    cost: CostName = "parameters"
    """What is to be low: parameters, FLOPs of the training, or seconds of it on this machine."""
    networks: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    """Names of the networks to choose among; None for all."""

    def margin(self, best: float) -> float:
        """In the metric's own unit, beside the best mean."""
        return self.within if self.within_fraction is None else self.within_fraction * abs(best)
