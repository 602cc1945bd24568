"""What a study asks about unknown classes: splits, detectors, and how many known inputs to reject.

Each network × split × training method becomes a network of its own.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mlplab.declarations.base import Count, Declaration, PositiveShareBelowOne
from mlplab.declarations.data import Data, Part
from mlplab.declarations.open_set_detectors import AFTER_TRAINING, DETECTORS, Detector
from mlplab.declarations.roles import ClassName


def _from_its_name(value: Any) -> Any:
    """A name stands for the detector with its defaults."""
    return {"name": value} if isinstance(value, str) and value in DETECTORS else value


DetectorOrName = Annotated[
    Detector,
    BeforeValidator(
        _from_its_name,
        json_schema_input_type=Literal[tuple(DETECTORS)] | Detector,
    ),
]


def _after_training() -> tuple[Detector, ...]:
    return tuple(DETECTORS[name](name=name) for name in AFTER_TRAINING)  # type: ignore[misc]


class Split(Declaration):
    """The role of each class; classes that are not named play no part."""

    known: Annotated[tuple[ClassName, ...], Field(min_length=2)]
    """Told apart, in the order of the outputs."""
    negative: tuple[ClassName, ...] = ()
    """Seen in training by the methods that can use it, and not known."""
    unknown: tuple[ClassName, ...] = ()
    """Only ever tested."""


class OpenSet(Declaration):
    """One question: these splits, these networks, these detectors.

    The classes are either `known`, `negative` and `unknown`, or a list of `splits`; or `splits` is
    "all", and `known` the number of known classes, or "usual 6/4", the five that publications on
    ten digits report. Questions on the same classes that test in different ways are told apart by
    what differs: 0-4 known, 5-9 unknown · thresholds by class.
    """

    known: Count | Annotated[tuple[ClassName, ...], Field(min_length=2)] | None = None
    """Classes that are told apart; with "splits": "all", how many."""
    negative: tuple[ClassName, ...] = ()
    """Classes that are seen in training, by methods that can use them, and are not known."""
    unknown: tuple[ClassName, ...] = ()
    """Classes that are only ever tested."""
    splits: (
        Literal["all", "usual 6/4"] | Annotated[tuple[Split, ...], Field(min_length=1)] | None
    ) = None
    """Several divisions of the classes instead of one."""
    unknown_data: Data | None = None
    """Another data set, whose test rows (with `classes`, those of these classes) are unknown."""
    networks: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Names of networks of the study whose settings are taken; None for all."""
    detectors: Annotated[tuple[DetectorOrName, ...], Field(min_length=1)] = Field(
        default_factory=_after_training, json_schema_extra={"default": list(AFTER_TRAINING)}
    )
    """By name, or as an object with settings; one that belongs to a training method has networks
    trained for it."""
    reject_at_most: PositiveShareBelowOne = 0.05
    """The fraction of known inputs that the threshold may reject, on average over calibration sets."""
    calibration: Part = 0.1
    """Known training rows (or a fraction of them) from which thresholds are taken; nothing else."""
    threshold_by_class: bool = False
    """One threshold for each predicted class rather than one for all."""
    closed: bool = False
    """The negative classes are the unknown ones: no open task, and never called one."""
    steps: tuple[Count, ...] = ()
    """Also train only so many steps, to see how well detectors after training do at each."""
    fit_on: Count | None = None
    """At most so many known training rows, drawn once, are what detectors are fitted on."""


USUAL_SIX_FOUR = (
    (2, 4, 5, 9, 8, 3),
    (3, 2, 6, 9, 4, 0),
    (5, 8, 3, 2, 4, 6),
    (3, 7, 8, 4, 0, 5),
    (6, 3, 4, 9, 8, 2),
)
"""Known classes of the five 6/4 splits of ten digits that publications report the mean of."""
