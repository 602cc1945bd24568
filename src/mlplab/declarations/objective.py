"""What a network is trained to make small.

Of classes, all but `cross_entropy` are training methods of open-set recognition, by the names that
detectors know; where one uses rows of classes that are not known, these are the rows whose role is
`negative`. Of a quantity, e is the output less the target, both standardised on training rows.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mlplab.declarations.base import Declaration, NonNegativeNumber, PositiveNumber


class CrossEntropy(Declaration):
    """−log p_y: the loss of the report as it was meant."""

    name: Literal["cross_entropy"] = "cross_entropy"
    """The objective; the other keys depend on it."""


class SigmoidOutput(Declaration):
    """Cross-entropy of known rows, and of a sigmoid output known = 1, negative = 0 beside it."""

    name: Literal["sigmoid output"]
    """The objective; the other keys depend on it."""
    weight: PositiveNumber = 1.0
    """Of the sigmoid output's binary cross-entropy."""


class BackgroundClass(Declaration):
    """One more class, to which all negative rows belong."""

    name: Literal["background class"]
    """The objective; the other keys depend on it."""


class Entropic(Declaration):
    """Cross-entropy of known rows, and −(1/K)·Σ log p_c of negative ones (outlier exposure)."""

    name: Literal["entropic"]
    """The objective; the other keys depend on it."""
    weight: PositiveNumber = 1.0
    """Of the term of negative rows."""


class Objectosphere(Declaration):
    """Entropic, and max(0, ξ − ‖h‖)² of known, ‖h‖² of negative rows."""

    name: Literal["objectosphere"]
    """The objective; the other keys depend on it."""
    margin: PositiveNumber = 5.0
    """ξ, the length that the last hidden activations of known rows are to reach."""
    weight: PositiveNumber = 0.01
    """Of the terms in ‖h‖."""


class ClassAnchor(Declaration):
    """λ·d_y + log(1 + Σ exp(d_y − d_j)), d_j the distance of the logits to anchor j."""

    name: Literal["class anchor"]
    """The objective; the other keys depend on it."""
    magnitude: PositiveNumber = 10.0
    """Anchors are this times the unit vectors."""
    weight: NonNegativeNumber = 0.1
    """λ."""


class CentreLoss(Declaration):
    """Cross-entropy and ½‖h − c_y‖², centres c being running means of their class.

    With weight 0 training is that of cross-entropy alone, and the running means are kept: the
    report's first remedy with its centres found during training.
    """

    name: Literal["centre loss"]
    """The objective; the other keys depend on it."""
    weight: NonNegativeNumber = 0.003
    """Of ½‖h − c_y‖²."""
    rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    """How far a centre moves, at every step, towards the mean of its rows in the batch."""


class EnergyMargin(Declaration):
    """Cross-entropy, and squares of energies on the wrong side of two margins."""

    name: Literal["energy margin"]
    """The objective; the other keys depend on it."""
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

ObjectiveName = Literal[
    "cross_entropy",
    "sigmoid output",
    "background class",
    "entropic",
    "objectosphere",
    "class anchor",
    "centre loss",
    "energy margin",
    "mse",
    "mae",
    "huber",
    "pinball",
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
    "sigmoid output": SigmoidOutput,
    "background class": BackgroundClass,
    "entropic": Entropic,
    "objectosphere": Objectosphere,
    "class anchor": ClassAnchor,
    "centre loss": CentreLoss,
    "energy margin": EnergyMargin,
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "pinball": Pinball,
}
