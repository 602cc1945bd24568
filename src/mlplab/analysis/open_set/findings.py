"""What one network's test on unknown classes found, as it is kept in the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from pydantic import TypeAdapter

from mlplab.openset.intervals import Estimate


@dataclass(frozen=True)
class Curve:
    """Points of a curve, thinned to what a picture shows."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Histogram:
    """Fractions of known and of unknown test rows by score."""

    edges: tuple[float, ...]
    known: tuple[float, ...]
    unknown: tuple[float, ...]

    @property
    def of_equal_ratios(self) -> bool:
        """Whether bins grow by a factor, and so belong on a logarithmic axis."""
        first, last = self.edges[1] - self.edges[0], self.edges[-1] - self.edges[-2]
        return last > 2 * first


@dataclass(frozen=True)
class DetectorFinding:
    """One detector on one network."""

    detector: str
    """Its label."""
    metrics: Mapping[str, float]
    """By the names of exports."""
    without_groups: Mapping[str, tuple[float, ...]]
    """The same with a group of test rows left out at a time, the same groups for all detectors,
    seeds and splits (`statistics.rows_and_seeds`); of many splits AUROC alone."""
    auroc: Estimate
    """With DeLong's interval over test rows."""
    auroc_by_class: Mapping[str, float]
    """Of each unknown class by itself, against all known rows."""
    threshold: tuple[float | None, ...]
    """One, or one a predicted class; None where nothing is ever rejected."""
    guarantee: str
    realised: Estimate
    """Known test rows rejected."""
    absorbed: tuple[tuple[int, ...], ...]
    """(unknown class, known class + 1): rows after rejection; the last column is rejected."""
    health: str
    histogram: Histogram | None = None
    roc: Curve | None = None
    """Unknown rows rejected against known rows rejected."""
    oscr: Curve | None = None
    """Known rows accepted and right against unknown rows accepted."""


@dataclass(frozen=True)
class Mistake:
    """An unknown image that is taken for a known class with confidence, and what is near it."""

    true: str
    taken_for: str
    probability: float
    image: str
    """Base64 of (height · width) bytes; likewise the next."""
    nearest: str
    """The training image nearest to it in the last hidden layer, lengths put aside."""
    nearest_class: str


@dataclass(frozen=True)
class CentreEvidence:
    """Where the last hidden activations lie as seen from the centre of the predicted class.

    Along is on the line from the origin through the centre: a row falls short of the centre or
    reaches beyond it.
    """

    known_length: float
    """Mean length of the activations of known test rows; likewise the next."""
    unknown_length: float
    known_beyond: float
    """Fraction of known test rows that reach beyond their centre; likewise the next."""
    unknown_beyond: float
    far_known: float
    """Fraction of known test rows that lie farther away than half of the unknown ones."""
    far_known_beyond: float | None
    """Of these, the fraction that reach beyond; None where there are none."""
    shortfall_auroc: float
    """AUROC of how far a row falls short along the line, reaching beyond being the opposite."""
    along_auroc: float
    """AUROC of the same with both directions taken for one, as a distance does."""
    spread_in_few: float
    """Fraction of the variance within classes that lies in five directions."""
    along: Histogram
    """Rows by how far they reach along the line, in lengths of the centre."""


@dataclass(frozen=True)
class RunFinding:
    """One network and seed, tested on one split."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]
    """Unknown classes that have test rows."""
    known_rows: int
    unknown_rows: int
    accuracy: Estimate | None
    """On test rows of known classes, nothing being rejected; None where outputs are not finite."""
    absorbed: tuple[tuple[int, ...], ...]
    """(unknown class, known class): rows before rejection; empty where outputs are not finite."""
    detectors: tuple[DetectorFinding, ...]
    refusals: tuple[str, ...]
    """The detectors that failed, each as "label: reason"."""
    centre: CentreEvidence | None
    """None where the class centre was not asked for, or cannot be computed."""
    ledger: tuple[str, ...]
    image_shape: tuple[int, int] | None = None
    mistakes: tuple[Mistake, ...] = field(default=())

    @property
    def failures(self) -> Mapping[str, str]:
        """Why a detector has no result here, by its label."""
        return {label: why for label, _, why in (text.partition(": ") for text in self.refusals)}

    def of(self, detector: str | None) -> DetectorFinding | None:
        """The finding of a detector by its label, or of any (None); None where there is none."""
        return next((d for d in self.detectors if detector in (None, d.detector)), None)


def to_json(finding: RunFinding) -> str:
    """As it is kept."""
    return _adapter().dump_json(finding).decode()


def from_json(text: str) -> RunFinding:
    """As it was found."""
    return _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[RunFinding]:
    return TypeAdapter(RunFinding)


def thinned(x: np.ndarray, y: np.ndarray, most: int = 160) -> Curve:
    """At most so many points of a rising curve: evenly along its length, its ends kept."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    if len(x) > most:
        wanted = np.linspace(0, along[-1], most)
        chosen = np.unique(np.clip(np.searchsorted(along, wanted), 0, len(x) - 1))
        chosen = np.union1d(chosen, [0, len(x) - 1])
        x, y = x[chosen], y[chosen]
    return Curve(tuple(np.round(x, 5).tolist()), tuple(np.round(y, 5).tolist()))
