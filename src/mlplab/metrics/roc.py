"""ROC curves and their areas, one class against the rest, micro and macro (Fawcett, 2006)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlplab.networks.compiled import compiled

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
    false, true = _turns(score[order], positive[order])
    return np.stack([false / misses, true / hits])


@compiled
def _turns(ranked: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts of false and of true positives wherever the curve turns, its ends included.

    Points in the middle of a straight line are left out; whole counts make that test exact.

    Args:
        ranked: (row,) scores, the highest first.
        positive: (row,) bool.
    """
    rows = len(ranked)
    false, true = np.zeros(rows + 1, np.int64), np.zeros(rows + 1, np.int64)
    last, hits = 0, 0
    for row in range(rows):
        hits += positive[row]
        if row + 1 < rows and ranked[row + 1] == ranked[row]:
            continue
        misses = row + 1 - hits
        if last > 0:
            run, rise = false[last] - false[last - 1], true[last] - true[last - 1]
            if (misses - false[last]) * rise == run * (hits - true[last]):
                last -= 1
        last += 1
        false[last], true[last] = misses, hits
    return false[: last + 1], true[: last + 1]


def _area(curve: np.ndarray) -> float:
    false, true = curve
    return float(np.diff(false) @ (true[1:] + true[:-1]) / 2)


def _mean(curves: list[np.ndarray]) -> np.ndarray:
    """The mean true-positive rate at every false-positive rate, jumps kept.

    Where a curve rises straight up it has a rate from below and one from above; both are averaged
    by themselves, so the area under the mean is the mean of the areas.
    """
    grid = np.unique(np.concatenate([curve[0] for curve in curves]))
    below, above = np.zeros_like(grid), np.zeros_like(grid)
    for false, true in curves:
        _add_rates(grid, false, true, below, above)
    rates = np.stack([below, above], axis=1).ravel() / len(curves)
    return np.stack([np.repeat(grid, 2), rates])


@compiled
def _add_rates(
    grid: np.ndarray, false: np.ndarray, true: np.ndarray, below: np.ndarray, above: np.ndarray
) -> None:
    """Add one curve's true-positive rates at a grid, from 0 to 1, of false-positive rates."""
    point = 0
    for place in range(len(grid)):
        at = grid[place]
        while point + 1 < len(false) and false[point + 1] <= at:
            point += 1
        if false[point] < at:
            share = (at - false[point]) / (false[point + 1] - false[point])
            rate = true[point] + share * (true[point + 1] - true[point])
            below[place] += rate
            above[place] += rate
            continue
        foot = point
        while foot > 0 and false[foot - 1] == at:
            foot -= 1
        below[place] += true[foot]
        above[place] += true[point]


def _drawn(curve: np.ndarray | None) -> RocCurve:
    if curve is None:
        return NO_CURVE
    from mlplab.metrics.curve_thinning import thinned

    thin = np.round(thinned(curve), _DECIMALS)
    return RocCurve(tuple(thin[0].tolist()), tuple(thin[1].tolist()), _area(curve))
