"""Exact ROC curves of every class, micro and macro, and those of their points that are drawn.

All curves of a network are computed as one array, since a call of NumPy costs more than its work on
a small test set.
"""

from __future__ import annotations

import itertools

import numpy as np

_MOST_POINTS = 100
_FIRST_POINTS = 32
"""Evenly along a curve."""
_INVISIBLE = 2e-4
"""A drawn curve gains no further points when none is farther off than this: a tenth of a pixel."""

Curve = np.ndarray
"""(2, point): false- and true-positive rate, from (0, 0) to (1, 1); or no points at all."""


def exact_curves(scores: np.ndarray, targets: np.ndarray) -> list[Curve]:
    """The exact curves of every class, of micro and of macro.

    Rows of equal score enter together, which gives a tie the diagonal it deserves. Points in the
    middle of a straight line are left out; integer counts make that test exact.

    Args:
        scores: (row, class); a higher score means the class sooner.
        targets: (row,).
    """
    classes = scores.shape[1]
    positive = targets[:, None] == np.arange(classes)
    ranked, hits = [], []
    for own, is_own in ((scores.T, positive.T), (scores.reshape(1, -1), positive.reshape(1, -1))):
        order = np.argsort(-own, axis=1)
        ranked.append(np.take_along_axis(own, order, axis=1))
        hits.append(np.cumsum(np.take_along_axis(is_own, order, axis=1), axis=1))
    ends = [np.diff(own, axis=1, append=np.inf) != 0 for own in ranked]  # of rows of equal score
    # Curves one after the other: the classes, then micro; each gets a point (0, 0) before its first.
    lengths = [int(own.sum()) for part in ends for own in part]
    starts = np.cumsum([0, *(length + 1 for length in lengths)])
    points = np.ones(starts[-1], dtype=bool)
    points[starts[:-1]] = False
    counts = np.zeros((2, starts[-1]), dtype=np.int64)
    counts[1, points] = np.concatenate([own[e] for own, e in zip(hits, ends, strict=True)])
    counts[0, points] = np.concatenate([e.nonzero()[1] for e in ends]) + 1 - counts[1, points]
    run, rise = np.diff(counts, axis=1)
    corner = np.ones(starts[-1], dtype=bool)
    corner[1:-1] = run[1:] * rise[:-1] != run[:-1] * rise[1:]
    corner[starts[:-1]] = corner[starts[1:] - 1] = True
    kept = np.concatenate([[0], np.cumsum(corner)])[starts]
    counts = counts[:, corner]
    exact = [_rates(counts[:, i:j]) for i, j in itertools.pairwise(kept.tolist())]
    return [*exact, _mean([own for own in exact[:classes] if own.size])]


def area(curve: Curve) -> float:
    """The exact area under a curve."""
    false, true = curve
    return float((np.diff(false) * (true[1:] + true[:-1])).sum() / 2)


def drawn(curve: Curve) -> Curve:
    """At most 100 points of a curve: some evenly along it, and those farthest off the line between.

    Those are found by the method of Ramer, and of Douglas and Peucker, many segments at once.
    """
    points = curve.shape[1]
    if points <= _MOST_POINTS:
        return curve
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(curve, axis=1)).sum(0))])
    first = np.searchsorted(along, np.linspace(0, along[-1], _FIRST_POINTS))
    kept = np.unique([0, *first.clip(0, points - 1), points - 1])
    while len(kept) < _MOST_POINTS:
        farthest, distance = _farthest(curve, kept)
        far = np.flatnonzero(distance > max(_INVISIBLE, 0.1 * distance.max()))
        if not len(far):
            break
        worst_first = far[np.argsort(-distance[far], kind="stable")]
        kept = np.sort(np.append(kept, farthest[worst_first[: _MOST_POINTS - len(kept)]]))
    return curve[:, kept]


def _rates(counts: np.ndarray) -> Curve:
    """(2, point) false and true positives as rates; no points where one side has no rows."""
    totals = counts[:, -1:]
    return counts / totals if totals.all() else np.empty((2, 0))


def _mean(curves: list[Curve]) -> Curve:
    """The mean true-positive rate at every false-positive rate, jumps kept.

    Where a curve rises straight up it has a rate from below and one from above; both are averaged
    by themselves, so the area under the mean is the mean of the areas. Without any curve, none.
    """
    if not curves:
        return np.empty((2, 0))
    grid = np.unique(np.concatenate([false for false, _ in curves]))
    mean = np.zeros((2, len(grid)))
    for false, true in curves:
        below, above = np.searchsorted(false, grid), np.searchsorted(false, grid, side="right") - 1
        is_corner = false[below] == grid
        # Between two corners: `above` is the one before, `below` the one after.
        span = np.where(is_corner, 1.0, false[below] - false[above])
        between = true[above] + (grid - false[above]) / span * (true[below] - true[above])
        mean[0] += np.where(is_corner, true[below], between)
        mean[1] += np.where(is_corner, true[above], between)
    mean /= len(curves)
    return np.stack([np.repeat(grid, 2), mean.T.ravel()])


def _farthest(curve: Curve, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each segment between kept points: its farthest point's index, and how far it is."""
    segments = np.arange(len(kept) - 1)
    segment = np.repeat(segments, np.diff(kept))
    across, up = np.diff(curve[:, kept], axis=1)
    length = np.hypot(across, up)
    right, above = curve[:, : kept[-1]] - curve[:, kept[:-1]][:, segment]
    off = np.abs(across[segment] * above - up[segment] * right)
    off /= np.where(length > 0, length, 1)[segment]
    distance = np.maximum.reduceat(off, kept[:-1])
    at_most = np.flatnonzero(off == distance[segment])
    return at_most[np.searchsorted(segment[at_most], segments)], distance
