"""Every detector by the name it has in a study file, in the order in which they are shown."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from mlplab.openset.detectors.background_class import BackgroundClass
from mlplab.openset.detectors.class_anchor import ClassAnchor
from mlplab.openset.detectors.class_centre import CentreLoss, ClassCentre
from mlplab.openset.detectors.detector import Detector
from mlplab.openset.detectors.energy import Energy, EnergyMargin
from mlplab.openset.detectors.entropic import Entropic, Objectosphere
from mlplab.openset.detectors.entropy import Entropy, Gen
from mlplab.openset.detectors.mahalanobis import Mahalanobis, RelativeMahalanobis
from mlplab.openset.detectors.max_logit import MaxLogit
from mlplab.openset.detectors.nearest_neighbours import NearestNeighbours
from mlplab.openset.detectors.openmax import OpenMax
from mlplab.openset.detectors.react import React
from mlplab.openset.detectors.she import She
from mlplab.openset.detectors.sigmoid_output import SigmoidOutput
from mlplab.openset.detectors.softmax import Softmax
from mlplab.openset.detectors.vim import Vim
from mlplab.openset.errors import OpenSetError

DETECTORS: Mapping[str, type[Detector]] = {
    detector.name: detector
    for detector in (
        Softmax,
        MaxLogit,
        Energy,
        Entropy,
        Gen,
        ClassCentre,
        Mahalanobis,
        RelativeMahalanobis,
        NearestNeighbours,
        OpenMax,
        Vim,
        React,
        She,
        SigmoidOutput,
        BackgroundClass,
        Entropic,
        Objectosphere,
        ClassAnchor,
        CentreLoss,
        EnergyMargin,
    )
}


@dataclass(frozen=True)
class DetectorFacts:
    """One line of the table of detectors."""

    name: str
    formula: str
    source: str
    needs: tuple[str, ...]
    """Arrays of `Activations` that it looks at, whatever its settings."""
    training: str | None
    """The training method it belongs to; None for networks trained in any way."""
    needs_training: bool
    needs_negatives: bool
    settings: Mapping[str, object]
    """Each setting with its default."""
    sentence: str


def facts(name: str) -> DetectorFacts:
    """What there is to know of one detector.

    Raises:
        OpenSetError: there is no such detector; the nearest name is suggested.
    """
    detector = _of_name(name)
    return DetectorFacts(
        name=detector.name,
        formula=detector.formula,
        source=detector.source,
        needs=detector.needs,
        training=detector.training,
        needs_training=detector.training is not None,
        needs_negatives=detector.needs_negatives,
        settings={f.name: f.default for f in fields(cast(Any, detector))},
        sentence=(detector.__doc__ or "").split("\n", 1)[0],
    )


def make(name: str, **settings: object) -> Detector:
    """A detector by name, for example `make("nearest neighbours", k=5)`.

    Raises:
        OpenSetError: no such detector, no such setting, or a value that cannot be.
    """
    detector = _of_name(name)
    known = facts(name).settings
    for setting in settings:
        if setting not in known:
            listed = ", ".join(known) or "none"
            raise OpenSetError(
                f"{name}: it has no setting {setting!r}{_hint(setting, known)}; "
                f"its settings are: {listed}"
            )
    return detector(**settings)


def _of_name(name: str) -> type[Detector]:
    if name not in DETECTORS:
        raise OpenSetError(
            f"detector: there is none called {name!r}{_hint(name, DETECTORS)}; "
            f"there are: {', '.join(DETECTORS)}"
        )
    return DETECTORS[name]


def _hint(word: str, choices: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(word, choices, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
