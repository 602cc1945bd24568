"""ROC curves and their areas, one class against the rest, micro and macro (Fawcett, 2006)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlplab.networks.compiled import compiled

_MOST_POINTS = 100
_INVISIBLE = 2e-4
"""A thinned curve stops gaining points when none is farther off than this: a tenth of a pixel."""
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
    positive = targets[:, None] == np.arange(scores.shape[1])
    exact = [_corners(scores[:, c], positive[:, c]) for c in range(scores.shape[1])]
    found = [curve for curve in exact if curve is not None]
    micro = _corners(scores.ravel(), positive.ravel())
    macro = _mean(found) if found else None
    return RocCurves(tuple(_drawn(c) for c in exact), _drawn(micro), _drawn(macro))


def _corners(score: np.ndarray, positive: np.ndarray) -> np.ndarray | None:
    """The exact curve as (2, point): false- and true-positive rate at every distinct threshold.

    Rows of equal score enter together, which gives a tie the diagonal it deserves.
    """
    hits = np.count_nonzero(positive)
    misses = len(positive) - hits
    if hits == 0 or misses == 0:
        return None
    order = np.argsort(score)[::-1]
    ranked = score[order]
    last_of_tie = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    true = np.cumsum(positive[order])[last_of_tie]
    false = last_of_tie + 1 - true
    points = np.zeros((2, len(true) + 1))
    points[0, 1:] = false / misses
    points[1, 1:] = true / hits
    return _without_straight(points, false, true)


def _without_straight(points: np.ndarray, false: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Drop points in the middle of a straight line; whole counts make the test exact."""
    run, rise = np.diff(false, prepend=0), np.diff(true, prepend=0)
    turns = run[1:] * rise[:-1] != run[:-1] * rise[1:]
    return points[:, np.concatenate([[True], turns, [True]])]


def _area(curve: np.ndarray) -> float:
    false, true = curve
    return float(np.diff(false) @ (true[1:] + true[:-1]) / 2)


def _mean(curves: list[np.ndarray]) -> np.ndarray:
    """The mean true-positive rate at every false-positive rate, jumps kept.

    Where a curve rises straight up it has a rate from below and one from above; both are averaged
    by themselves, so the area under the mean is the mean of the areas.
    """
    grid = np.unique(np.concatenate([curve[0] for curve in curves]))
    below = np.zeros_like(grid)
    above = np.zeros_like(grid)
    for false, true in curves:
        first = np.flatnonzero(np.append(True, false[1:] != false[:-1]))
        last = np.append(first[1:], len(false)) - 1
        low, high = true[first], true[last]
        left = np.searchsorted(false[first], grid, side="right") - 1
        right = np.minimum(left + 1, len(first) - 1)
        start, end = false[first][left], false[first][right]
        beyond = grid - start
        share = np.divide(beyond, end - start, out=np.zeros_like(grid), where=beyond > 0)
        # Between its own corners a curve runs from above the left one to below the right one.
        between = high[left] + share * (low[right] - high[left])
        below += np.where(beyond > 0, between, low[left])
        above += between
    rates = np.stack([below, above], axis=1).ravel() / len(curves)
    return np.stack([np.repeat(grid, 2), rates])


def _drawn(curve: np.ndarray | None) -> RocCurve:
    if curve is None:
        return NO_CURVE
    thin = np.round(_thinned(curve), _DECIMALS)
    return RocCurve(tuple(thin[0].tolist()), tuple(thin[1].tolist()), _area(curve))


def _thinned(curve: np.ndarray) -> np.ndarray:
    """At most 100 of a curve's own points, chosen so that no other is visibly off the line.

    Ramer's and Douglas and Peucker's method, many segments at once: in each round those segments
    gain their farthest point that are at least half as far off as the worst. With 10,000 rows no
    point ends farther off than 0.001 for a classifier that has learned, 0.003 for a guessing one.
    """
    kept = np.array([0, curve.shape[1] - 1])
    while len(kept) < _MOST_POINTS:
        farthest, distance = _farthest(curve, kept)
        far = np.flatnonzero(distance > max(_INVISIBLE, 0.5 * distance.max()))
        if len(far) == 0:
            break
        room = _MOST_POINTS - len(kept)
        if len(far) > room:
            far = far[np.argsort(-distance[far], kind="stable")[:room]]
        kept = np.sort(np.append(kept, farthest[far]))
    return curve[:, kept]


@compiled
def _farthest(curve: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each segment between kept points: its farthest point's index, and how far it is."""
    segments = len(kept) - 1
    farthest, distance = kept[:-1].copy(), np.zeros(segments)
    for segment in range(segments):
        start, end = kept[segment], kept[segment + 1]
        across, up = curve[0, end] - curve[0, start], curve[1, end] - curve[1, start]
        length = np.hypot(across, up)
        if length == 0:
            continue
        for point in range(start + 1, end):
            right, above = curve[0, point] - curve[0, start], curve[1, point] - curve[1, start]
            off = abs(across * above - up * right) / length
            if off > distance[segment]:
                farthest[segment], distance[segment] = point, off
    return farthest, distance
