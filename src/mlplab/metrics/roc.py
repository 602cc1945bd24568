"""ROC curves and their areas, one class against the rest, micro and macro (Fawcett, 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlplab.metrics.roc_points import area, drawn, exact_curves

_DECIMALS = 5
"""Of a drawn point; the areas are exact."""


@dataclass(frozen=True)
class RocCurve:
    """A curve as it is drawn, and the exact area under it as it was before it was thinned."""

    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    area: float | None
    """None, with an empty curve, where one of the two sides has no rows."""


NO_CURVE = RocCurve((), (), None)


@dataclass(frozen=True)
class RocCurves:
    """One curve a class in their order; micro over all pairs of row and class; macro, whose
    true-positive rate and area are the mean of those classes that have a curve."""

    classes: tuple[RocCurve, ...]
    micro: RocCurve
    macro: RocCurve


def roc_curves(scores: np.ndarray, targets: np.ndarray) -> RocCurves:
    """Curves of scores (row, class) for targets (row,): a higher score means the class sooner."""
    curves = [_drawn(exact) for exact in exact_curves(scores, targets)]
    return RocCurves(tuple(curves[:-2]), *curves[-2:])


def some_roc_curves(scores: np.ndarray, targets: np.ndarray, classes: Sequence[int]) -> RocCurves:
    """`roc_curves` of some classes only, without averages: of very many, all would fill memory."""
    place_of = np.full(scores.shape[1], -1)
    place_of[list(classes)] = np.arange(len(classes))
    found = exact_curves(scores[:, list(classes)], place_of[targets])
    curves = [NO_CURVE] * scores.shape[1]
    for index, exact in zip(classes, found, strict=False):
        curves[index] = _drawn(exact)
    return RocCurves(tuple(curves), NO_CURVE, NO_CURVE)


def _drawn(exact: np.ndarray) -> RocCurve:
    if not exact.size:
        return NO_CURVE
    false, true = np.round(drawn(exact), _DECIMALS).tolist()
    return RocCurve(tuple(false), tuple(true), area(exact))
