"""ROC curves and their areas, one class against the rest, micro and macro (Fawcett, 2006)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    from mlplab.metrics.roc_points import drawn_curves

    scores = np.ascontiguousarray(scores)  # of any other layout machine code would be made anew
    classes = scores.shape[1]
    points, ends, areas = drawn_curves(
        scores, targets, np.argsort(scores, axis=0), np.argsort(scores.ravel())
    )
    false, true = np.round(points, _DECIMALS).tolist()
    curves = []
    for start, end, area in zip(ends[:-1].tolist(), ends[1:].tolist(), areas.tolist(), strict=True):
        whole = start < end
        curves.append(
            RocCurve(tuple(false[start:end]), tuple(true[start:end]), area) if whole else NO_CURVE
        )
    return RocCurves(tuple(curves[:classes]), curves[classes], curves[classes + 1])
