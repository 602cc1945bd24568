"""Exact ROC curves of every class and of all, and those of their points that are worth drawing.

One call does a network, without Python's lock: with some fifty, as there were, networks that train
quickly waited for the evaluation of those before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from mlplab.networks.compiled import compiled

_MOST_POINTS = 100
_INVISIBLE = 2e-4
"""A drawn curve stops gaining points when none is farther off than this: a tenth of a pixel."""


@compiled
def drawn_curves(
    scores: np.ndarray,
    targets: np.ndarray,
    orders: np.ndarray,
    micro_order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is drawn of every class, of micro and of macro, in one call without Python's lock.

    Args:
        scores: (row, class); targets: (row,).
        orders: (row, class) rows by their scores, the lowest first; micro_order likewise, of all
            pairs of row and class.

    Returns:
        The points (2, point) of all curves one after the other; where each begins, and the end;
        the exact area of each. A curve that one of the two sides has no rows for has no points.
    """
    rows, classes = scores.shape
    points, areas = np.empty((2, (classes + 2) * _MOST_POINTS)), np.zeros(classes + 2)
    ends = np.zeros(classes + 3, np.int64)
    exact = []
    ranked, positive = np.empty(rows * classes, scores.dtype), np.empty(rows * classes, np.bool_)
    for one in range(classes):
        for place in range(rows):
            row = orders[rows - 1 - place, one]
            ranked[place], positive[place] = scores[row, one], targets[row] == one
        exact.append(_corners(ranked[:rows], positive[:rows]))
        _draw(exact[one], one, points, ends, areas)
    for place in range(rows * classes):
        pair = micro_order[rows * classes - 1 - place]
        row, one = pair // classes, pair % classes
        ranked[place], positive[place] = scores[row, one], targets[row] == one
    _draw(_corners(ranked, positive), classes, points, ends, areas)
    _draw(_mean(exact), classes + 1, points, ends, areas)
    return points[:, : ends[-1]], ends, areas


@register_jitable
def _corners(ranked: Any, positive: Any) -> Any:
    """The exact curve as (2, point): false- and true-positive rate at every distinct threshold.

    Rows of equal score enter together, which gives a tie the diagonal it deserves. Points in the
    middle of a straight line are left out; whole counts make that test exact.

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
    if hits == 0 or hits == rows:
        return np.empty((2, 0))
    curve = np.empty((2, last + 1))
    for point in range(last + 1):
        curve[0, point], curve[1, point] = false[point] / (rows - hits), true[point] / hits
    return curve


@register_jitable
def _draw(curve: Any, place: int, points: Any, ends: Any, areas: Any) -> None:
    """Put a curve's worthwhile points behind those of the one before, and note its area."""
    ends[place + 1] = ends[place]
    if curve.shape[1] == 0:
        return
    for point in range(1, curve.shape[1]):
        run = curve[0, point] - curve[0, point - 1]
        areas[place] += run * (curve[1, point] + curve[1, point - 1]) / 2
    for point in _worth_drawing(curve):
        points[:, ends[place + 1]] = curve[:, point]
        ends[place + 1] += 1


@register_jitable
def _mean(curves: Any) -> Any:
    """The mean true-positive rate at every false-positive rate, jumps kept.

    Where a curve rises straight up it has a rate from below and one from above; both are averaged
    by themselves, so the area under the mean is the mean of the areas. Without any curve, none.
    """
    points, found = 0, 0
    for curve in curves:
        points += curve.shape[1]
        found += curve.shape[1] > 0
    places, filled = np.empty(points), 0
    for curve in curves:
        places[filled : filled + curve.shape[1]] = curve[0]
        filled += curve.shape[1]
    grid = np.unique(places)
    below, above = np.zeros_like(grid), np.zeros_like(grid)
    for curve in curves:
        if curve.shape[1] > 0:
            _add_rates(grid, curve, below, above)
    mean = np.empty((2, 2 * len(grid)))
    for place in range(len(grid)):
        mean[0, 2 * place] = mean[0, 2 * place + 1] = grid[place]
        mean[1, 2 * place], mean[1, 2 * place + 1] = below[place] / found, above[place] / found
    return mean


@register_jitable
def _add_rates(grid: Any, curve: Any, below: Any, above: Any) -> None:
    """Add one curve's true-positive rates at a grid, from 0 to 1, of false-positive rates."""
    false, true = curve
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


@register_jitable
def _worth_drawing(curve: Any) -> Any:
    """The places of at most 100 points, in order, so that no other is visibly off the line.

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
            far = far[np.argsort(-distance[far], kind="mergesort")[:room]]
        kept = np.sort(np.append(kept, farthest[far]))
    return kept


@register_jitable
def _farthest(curve: Any, kept: Any) -> tuple[Any, Any]:
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
