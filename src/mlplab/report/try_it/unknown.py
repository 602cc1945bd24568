"""By what a page calls a drawing unknown: a detector that its script has too, and a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplab.analysis.open_set.evaluating import tests_of
from mlplab.declarations.open_set_detectors import (
    DetectorSettings,
    Energy,
    Entropy,
    MaxLogit,
    NearestNeighbours,
    Softmax,
)
from mlplab.openset.activations import Activations
from mlplab.openset.detectors import registry
from mlplab.openset.detectors.directions import float_rows
from mlplab.openset.threshold import Threshold, calibrate
from mlplab.records.results import Results

_IN_THE_PAGE = (Softmax, MaxLogit, Energy, Entropy, NearestNeighbours)
_ROWS_AT_ONCE = 512
OWN = NearestNeighbours(name="nearest neighbours", k=1, space="inputs", normalise=False)
"""Where the study names none: how far the most similar training example is."""


@dataclass(frozen=True, eq=False)
class Rejection:
    """A detector, fitted on the page's training examples, and its threshold."""

    settings: DetectorSettings
    is_of_study: bool
    threshold: Threshold

    @property
    def record(self) -> Mapping[str, Any]:
        """For the page's script."""
        settings = {name: getattr(self.settings, name) for name in type(self.settings).model_fields}
        return {**settings, "threshold": self.threshold.value}


def rejection(
    results: Results, examples: Activations, labels: np.ndarray, held_out: Activations
) -> Rejection | None:
    """The study's detector that told unknown classes best, of those that a page can compute; or
    the page's own. None where too few rows are held out for a threshold.

    Args:
        examples, labels: the training examples that the page holds.
        held_out: rows that were not trained on.
    """
    settings, share = _of_study(results) or (OWN, 0.05)
    if isinstance(settings, NearestNeighbours):
        scores = _distances(settings, examples, held_out)
    else:
        scores = registry.Detector(settings).fit(examples, labels).score(held_out)
    threshold = calibrate(scores, share)
    if threshold.vacuous:
        return None
    return Rejection(settings, settings is not OWN, threshold)


def _distances(settings: NearestNeighbours, examples: Activations, rows: Activations) -> np.ndarray:
    """Scores (row,) of the detector among few examples, without torch, which takes long to import."""
    known = float_rows(examples.array(settings.space), settings.normalise)
    asked = float_rows(rows.array(settings.space), settings.normalise)
    squares = np.einsum("ru,ru->r", known, known)
    place = min(settings.k, len(known)) - 1
    found = [np.empty(0)]
    for part in np.array_split(asked, max(1, len(asked) // _ROWS_AT_ONCE)):
        own = np.einsum("ru,ru->r", part, part)[:, None] + squares - 2 * part @ known.T
        found.append(np.sqrt(np.maximum(np.partition(own, place, axis=1)[:, place], 0)))
    return np.concatenate(found)


def _of_study(results: Results) -> tuple[DetectorSettings, float] | None:
    """The detector, and the fraction of known rows that the study lets it reject."""
    declared = [
        (detector, entry.reject_at_most)
        for entry in results.study.open_set
        for detector in entry.detectors
        if isinstance(detector, _IN_THE_PAGE)
    ]
    found: dict[str, list[float]] = {}
    for test in tests_of(results) if declared else ():
        for one in test.finding.detectors:
            found.setdefault(one.detector, []).append(one.auroc.value)
    means = {label: sum(values) / len(values) for label, values in found.items()}
    return max(declared, key=lambda one: means.get(one[0].name, 0.0), default=None)
