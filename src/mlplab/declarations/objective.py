"""What a network is trained to make small.

Of classes, all but `cross_entropy` are training methods of open-set recognition, by the names that
detectors know; where one uses rows of classes that are not known, these are the rows whose role is
`negative`. Of a quantity, e is the output less the target, both standardised on training rows.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema

from mlplab.declarations.base import (
    WITHOUT_RULES,
    Declaration,
    NonNegativeNumber,
    PositiveNumber,
    broken_rules,
)
from mlplab.declarations.problems import Problem, shown


def _pairs(weights: Any, info: ValidationInfo) -> Any:
    if not isinstance(weights, dict):
        return weights
    right = weights and all(_is_weight(weight) for weight in weights.values())
    if not right and info.context is not WITHOUT_RULES:
        problem = Problem(
            (),
            "a number above 0 for the name of each class",
            shown(weights),
            'or write "balanced"',
        )
        raise broken_rules([problem])
    return tuple((name, float(weight)) for name, weight in weights.items()) if right else "balanced"


def _is_weight(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < float("inf")


def _object(weights: Any) -> Any:
    return dict(weights) if isinstance(weights, tuple) else weights


ClassWeights = Annotated[
    # Pairs, so that a declaration can be hashed; an object in JSON.
    Literal["balanced"] | tuple[tuple[str, PositiveNumber], ...],
    BeforeValidator(_pairs),
    PlainSerializer(_object),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["balanced"]},
                {
                    "type": "object",
                    "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
                },
            ]
        }
    ),
]


class _Objective(Declaration):
    name: str
    """The objective; the other keys depend on it."""


class CrossEntropy(_Objective):
    """−log p_y: the loss of the report as it was meant."""

    name: Literal["cross_entropy"] = "cross_entropy"
    class_weights: ClassWeights | None = None
    """What a row counts in training, by its class: balanced gives every class the same weight in
    all, rows/(classes × rows of the class); or weights by class name, 1 where none is named. A
    batch's loss is the weighted mean of its rows. Evaluations are not weighted. None for none."""


class SigmoidOutput(_Objective):
    """Cross-entropy of known rows, and of a sigmoid output known = 1, negative = 0 beside it."""

    name: Literal["sigmoid output"]
    weight: PositiveNumber = 1.0
    """Of the sigmoid output's binary cross-entropy."""


class BackgroundClass(_Objective):
    """One more class, to which all negative rows belong."""

    name: Literal["background class"]


class Entropic(_Objective):
    """Cross-entropy of known rows, and −(1/K)·Σ log p_c of negative ones (outlier exposure)."""

    name: Literal["entropic"]
    weight: PositiveNumber = 1.0
    """Of the term of negative rows."""


class Objectosphere(_Objective):
    """Entropic, and max(0, ξ − ‖h‖)² of known, ‖h‖² of negative rows."""

    name: Literal["objectosphere"]
    margin: PositiveNumber = 5.0
    """ξ, the length that the last hidden activations of known rows are to reach."""
    weight: PositiveNumber = 0.01
    """Of the terms in ‖h‖."""


class ClassAnchor(_Objective):
    """λ·d_y + log(1 + Σ exp(d_y − d_j)), d_j the distance of the logits to anchor j."""

    name: Literal["class anchor"]
    magnitude: PositiveNumber = 10.0
    """Anchors are this times the unit vectors."""
    weight: NonNegativeNumber = 0.1
    """λ."""


class CentreLoss(_Objective):
    """Cross-entropy and ½‖h − c_y‖², centres c being running means of their class.

    With weight 0 training is that of cross-entropy alone, and the running means are kept: the
    report's first remedy with its centres found during training.
    """

    name: Literal["centre loss"]
    weight: NonNegativeNumber = 0.003
    """Of ½‖h − c_y‖²."""
    rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    """How far a centre moves, at every step, towards the mean of its rows in the batch."""


class EnergyMargin(_Objective):
    """Cross-entropy, and squares of energies on the wrong side of two margins."""

    name: Literal["energy margin"]
    margin_known: float = -8.0
    """Energies of known rows are to lie below."""
    margin_negative: float = -2.0
    """Energies of negative rows are to lie above."""
    weight: PositiveNumber = 0.1
    """Of the squares."""


class MeanSquaredError(Declaration):
    """e²: the mean is predicted; the default of regression."""

    name: Literal["mse"]
    """The objective; the other keys depend on it."""


class MeanAbsoluteError(Declaration):
    """|e|: the median is predicted."""

    name: Literal["mae"]
    """The objective; the other keys depend on it."""


class Huber(Declaration):
    """½e² up to δ, then δ(|e| − ½δ), so that single large errors weigh less."""

    name: Literal["huber"]
    """The objective; the other keys depend on it."""
    delta: PositiveNumber = 1.0
    """δ, in standard deviations of the target."""


class Pinball(Declaration):
    """max(−q·e, (1 − q)·e): the quantile q is predicted."""

    name: Literal["pinball"]
    """The objective; the other keys depend on it."""
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """q; also that of the metric pinball_loss."""


Objective = Annotated[
    CrossEntropy
    | SigmoidOutput
    | BackgroundClass
    | Entropic
    | Objectosphere
    | ClassAnchor
    | CentreLoss
    | EnergyMargin
    | MeanSquaredError
    | MeanAbsoluteError
    | Huber
    | Pinball,
    Field(discriminator="name"),
]

OF_REGRESSION = frozenset({"mse", "mae", "huber", "pinball"})
"""Objectives of a quantity; the others are of classes."""
USES_NEGATIVES = frozenset(
    {"sigmoid output", "background class", "entropic", "objectosphere", "energy margin"}
)
"""Objectives that learn from rows of negative classes."""
USES_HIDDEN = frozenset({"objectosphere", "centre loss"})
"""Objectives with a term in the outputs of the last hidden layer."""
EXTRA_OUTPUTS = {"sigmoid output": 1, "background class": 1}
"""Outputs behind those of the classes."""
BY_NAME: dict[str, type[Declaration]] = {
    get_args(kind.model_fields["name"].annotation)[0]: kind
    for kind in get_args(get_args(Objective)[0])
    if kind is not CrossEntropy
}
"""Training methods of open-set recognition."""
