"""The points of a curve that are worth drawing."""

from __future__ import annotations

import numpy as np
from numba.extending import register_jitable

from mlplab.networks.compiled import compiled

_MOST_POINTS = 100
_INVISIBLE = 2e-4
"""A thinned curve stops gaining points when none is farther off than this: a tenth of a pixel."""


def thinned(curve: np.ndarray) -> np.ndarray:
    """At most 100 of a curve's own points, chosen so that no other is visibly off the line.

    Ramer's and Douglas and Peucker's method, many segments at once: in each round those segments
    gain their farthest point that are at least half as far off as the worst. With 10,000 rows no
    point ends farther off than 0.001 for a classifier that has learned, 0.003 for a guessing one.
    """
    return curve[:, _kept(curve, _MOST_POINTS, _INVISIBLE)]


@compiled
def _kept(curve: np.ndarray, most: int, invisible: float) -> np.ndarray:
    """The places of at most so many points, in order."""
    kept = np.array([0, curve.shape[1] - 1])
    while len(kept) < most:
        farthest, distance = _farthest(curve, kept)
        far = np.flatnonzero(distance > max(invisible, 0.5 * distance.max()))
        if len(far) == 0:
            break
        room = most - len(kept)
        if len(far) > room:
            far = far[np.argsort(-distance[far], kind="mergesort")[:room]]
        kept = np.sort(np.append(kept, farthest[far]))
    return kept


@register_jitable
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
