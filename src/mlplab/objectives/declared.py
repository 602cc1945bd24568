"""From an objective as declared to one that computes."""

from __future__ import annotations

from mlplab.declarations import objective as declared
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.objective import Objective
from mlplab.objectives.regression import Huber, MeanAbsoluteError, MeanSquaredError, Pinball
from mlplab.objectives.weighted_cross_entropy import WeightedCrossEntropy
from mlplab.objectives.with_centres import CentreLoss, ClassAnchor
from mlplab.objectives.with_negatives import (
    BackgroundClass,
    EnergyMargin,
    Entropic,
    Objectosphere,
    SigmoidOutput,
)

_BY_DECLARATION = {
    declared.CrossEntropy: CrossEntropy,
    declared.SigmoidOutput: SigmoidOutput,
    declared.BackgroundClass: BackgroundClass,
    declared.Entropic: Entropic,
    declared.Objectosphere: Objectosphere,
    declared.ClassAnchor: ClassAnchor,
    declared.CentreLoss: CentreLoss,
    declared.EnergyMargin: EnergyMargin,
    declared.MeanSquaredError: MeanSquaredError,
    declared.MeanAbsoluteError: MeanAbsoluteError,
    declared.Huber: Huber,
    declared.Pinball: Pinball,
}


def objective_of(declaration: declared.Objective, weights: tuple[float, ...] = ()) -> Objective:
    """The objective that a declaration names, with its settings.

    weights: of the outputs, where the declaration has class weights; these depend on the data.
    """
    if isinstance(declaration, declared.CrossEntropy):
        has_none = declaration.class_weights is None
        return CrossEntropy() if has_none else WeightedCrossEntropy(weights)
    return _BY_DECLARATION[type(declaration)](**declaration.model_dump(exclude={"name"}))
