"""What a study asks about classes that were never seen: splits, detectors, and how much to refuse.

Each network × split × training method becomes a network of its own.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from mlplab.declarations.base import Count, Declaration, PositiveNumber, PositiveShareBelowOne
from mlplab.declarations.data import Data, Part
from mlplab.declarations.objective import ObjectiveName
from mlplab.declarations.roles import ClassName

DetectorName = Literal[
    "softmax",
    "max logit",
    "energy",
    "entropy",
    "gen",
    "class centre",
    "mahalanobis",
    "relative mahalanobis",
    "nearest neighbours",
    "openmax",
    "vim",
    "react",
    "she",
    "sigmoid output",
    "background class",
    "entropic",
    "objectosphere",
    "class anchor",
    "centre loss",
    "energy margin",
]
DETECTOR_NAMES: tuple[DetectorName, ...] = get_args(DetectorName)
TRAINED_DETECTORS: frozenset[str] = frozenset(DETECTOR_NAMES) & frozenset(get_args(ObjectiveName))
"""Detectors that belong to networks trained by the method of the same name."""
AFTER_TRAINING = tuple(name for name in DETECTOR_NAMES if name not in TRAINED_DETECTORS)

_IN_SPACE = ("space", "normalise")
SETTINGS: dict[str, tuple[str, ...]] = {
    "energy": ("temperature",),
    "energy margin": ("temperature",),
    "gen": ("gamma", "top"),
    "class centre": (*_IN_SPACE, "one_sided", "clusters", "centres"),
    "centre loss": (*_IN_SPACE, "one_sided"),
    "mahalanobis": (*_IN_SPACE, "shrinkage"),
    "relative mahalanobis": (*_IN_SPACE, "shrinkage"),
    "nearest neighbours": ("k", *_IN_SPACE),
    "openmax": ("tail", "ranks"),
    "vim": ("principal",),
    "react": ("percentile",),
    "class anchor": ("magnitude", "centres"),
}
"""The settings that each detector has; the others have none."""
CENTRES = {"class centre": ("exact", "running"), "class anchor": ("anchors", "means")}
"""What `centres` may be, by detector."""


class DetectorSettings(Declaration):
    """A detector with settings of its own; what is not said is the detector's default."""

    name: DetectorName
    """The detector; it takes only settings that it has."""
    k: Count | None = None
    """Which neighbour's distance is the score."""
    space: Literal["inputs", "hidden", "logits"] | None = None
    """Where distances are measured."""
    normalise: bool | None = None
    """Compare directions only, not lengths."""
    one_sided: bool | None = None
    """What reaches beyond the class centre, seen from the origin, does not count."""
    clusters: Count | None = None
    """So many centres a class, found by k-means."""
    centres: Literal["exact", "running", "anchors", "means"] | None = None
    """class centre: exact after training, or running means kept during it; class anchor: the
    anchors of its loss, or the means of the logits."""
    shrinkage: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of a sphere mixed into a covariance."""
    temperature: PositiveNumber | None = None
    """T in the formula of energy and energy margin; None for 1."""
    gamma: Annotated[float, Field(gt=0, le=1)] | None = None
    """The power of the generalised entropy."""
    top: Count | None = None
    """How many of the most probable classes the generalised entropy takes."""
    tail: Count | None = None
    """Largest distances of a class that a Weibull distribution is fitted to."""
    ranks: Count | None = None
    """How many of the largest logits OpenMax recalibrates."""
    principal: Count | None = None
    """Directions of ViM's principal space."""
    percentile: Annotated[float, Field(gt=0, le=100)] | None = None
    """Of the activations at which ReAct clips."""
    magnitude: PositiveNumber | None = None
    """How far the class anchors lie from the origin."""

    @property
    def given(self) -> dict[str, object]:
        """The settings that were said."""
        return self.model_dump(exclude_none=True, exclude={"name"})

    @property
    def label(self) -> str:
        """Its name in tables: the settings that were said are in it."""
        said = [_said(name, value) for name, value in self.given.items()]
        return f"{self.name} ({', '.join(said)})" if said else self.name

    @property
    def method(self) -> str | None:
        """The training method that its networks need; None for networks trained in any way."""
        if self.centres == "running":
            return RUNNING_CENTRES
        return self.name if self.name in TRAINED_DETECTORS else None


RUNNING_CENTRES = "running centres"
"""Cross-entropy with running class centres, which training does not feel."""


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
    detectors: Annotated[tuple[DetectorName | DetectorSettings, ...], Field(min_length=1)] = (
        AFTER_TRAINING
    )
    """By name, or as an object with settings; one that belongs to a training method has networks
    trained for it."""
    reject_at_most: PositiveShareBelowOne = 0.05
    """The share of known inputs that the threshold may reject, on average over calibration sets."""
    calibration: Part = 0.1
    """Known training rows (or a share of them) from which thresholds are taken; nothing else."""
    threshold_by_class: bool = False
    """One threshold for each predicted class rather than one for all."""
    closed: bool = False
    """The negative classes are the unknown ones: no open task, and never called one."""
    steps: tuple[Count, ...] = ()
    """Also train only so many steps, to see how well detectors after training do at each."""
    fit_on: Count | None = None
    """At most so many known training rows, drawn once, are what detectors are fitted on."""

    @property
    def chosen(self) -> tuple[DetectorSettings, ...]:
        """Its detectors, each with settings."""
        return tuple(DetectorSettings(name=d) if isinstance(d, str) else d for d in self.detectors)


USUAL_SIX_FOUR = (
    (2, 4, 5, 9, 8, 3),
    (3, 2, 6, 9, 4, 0),
    (5, 8, 3, 2, 4, 6),
    (3, 7, 8, 4, 0, 5),
    (6, 3, 4, 9, 8, 2),
)
"""Known classes of the five 6/4 splits of ten digits that publications report the mean of."""


def _said(name: str, value: object) -> str:
    if name == "normalise":
        return "directions" if value else "with lengths"
    if name in ("space", "centres"):
        return f"{value} centres" if name == "centres" else f"on {value}"
    if name == "one_sided":
        return "one-sided" if value else "two-sided"
    if name == "clusters":
        return f"{value} a class"
    return f"{name} {value}"
