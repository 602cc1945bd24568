"""Areas under ROC curves of many networks at once, exact, without the curves themselves.

The area is the probability that a row of the class scores higher than one of the others, ties half:
the Mann-Whitney statistic over the number of pairs (Hanley and McNeil, Radiology 143, 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_PAIRS_AT_ONCE = 2**24
"""Pairs of row and class that are sorted at once; of more, some classes at a time."""


@dataclass(frozen=True)
class RocAreas:
    """The exact area of each class against the rest; None where one of the two sides has no rows."""

    classes: tuple[float | None, ...]
    micro: float | None
    """Over all pairs of row and class."""
    macro: float | None
    """The mean of those classes that have an area."""


def roc_areas(probabilities: np.ndarray, targets: np.ndarray) -> list[RocAreas]:
    """The areas of several networks on the same rows.

    Args:
        probabilities: (network, row, class) float64, none below 0; higher means the class sooner.
        targets: (row,).
    """
    networks, rows, classes = probabilities.shape
    at_once = max(1, _PAIRS_AT_ONCE // (networks * rows))
    if at_once >= classes:
        keys = sort_keys(probabilities, targets, range(classes))
        by_class = _areas_of_classes(keys)
        micro = _areas(keys.reshape(networks, -1), np.full(networks, rows))
    else:
        blocks = [range(classes)[i : i + at_once] for i in range(0, classes, at_once)]
        of_blocks = [_areas_of_classes(sort_keys(probabilities, targets, own)) for own in blocks]
        by_class = np.concatenate(of_blocks, axis=1)
        micro = np.array([_micro_area(own, targets, blocks) for own in probabilities])
    found = []
    for areas, over_all in zip(by_class.tolist(), micro.tolist(), strict=True):
        known = [area for area in areas if area == area]
        found.append(
            RocAreas(
                tuple(area if area == area else None for area in areas),
                over_all if over_all == over_all else None,
                sum(known) / len(known) if known else None,
            )
        )
    return found


def sort_keys(probabilities: np.ndarray, targets: np.ndarray, classes: range) -> np.ndarray:
    """(network, class, row) uint64: twice the order of the score, one more for rows of the class.

    A number from 0 up sorts as its bits do. The sign's bit is free: shifted out, it makes room for
    the truth, so that one sort of whole numbers orders both.
    """
    own = probabilities[:, :, classes.start : classes.stop].transpose(0, 2, 1)
    keys = np.ascontiguousarray(own).view(np.uint64) << np.uint64(1)
    keys |= (targets == np.array(classes)[:, None]).astype(np.uint64)
    return keys


def _areas_of_classes(keys: np.ndarray) -> np.ndarray:
    """(network, class)."""
    flat = keys.reshape(-1, keys.shape[2])
    positives = (keys[0] & np.uint64(1)).astype(np.int64).sum(axis=1)
    return _areas(flat, np.tile(positives, len(keys))).reshape(keys.shape[:2])


def _micro_area(probabilities: np.ndarray, targets: np.ndarray, blocks: Sequence[range]) -> float:
    """The area over all pairs of row and class of one network (row, class), a block at a time."""
    rows, classes = probabilities.shape
    positives = np.sort(probabilities[np.arange(rows), targets])
    twice = 0  # pairs in which the positive is the higher one, counted twice, and ties once
    for block in blocks:
        is_negative = targets[:, None] != np.array(block)
        negatives = np.sort(probabilities[:, block.start : block.stop][is_negative])
        twice += sum(int(np.searchsorted(negatives, positives, s).sum()) for s in ("left", "right"))
    pairs = rows * rows * (classes - 1)
    return twice / 2 / pairs if pairs else np.nan


def _areas(keys: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """(curve,) area, NaN where a side is empty.

    Args:
        keys: (curve, row) uint64: twice the order of the score, one more where the row is positive.
        positives: (curve,) how many are.
    """
    keys = np.sort(keys, axis=1)
    length = keys.shape[1]
    places = (keys & np.uint64(1)).astype(np.float64) @ np.arange(length, dtype=np.float64)
    above = places - positives * (positives - 1) / 2  # pairs ordered rightly, or tied
    pairs = positives * (length - positives)
    right = above - _tied_pairs(keys) / 2
    return np.divide(right, pairs, out=np.full(len(keys), np.nan), where=pairs > 0)


def _tied_pairs(keys: np.ndarray) -> np.ndarray:
    """(curve,) how many pairs of a positive and a negative row have equal scores."""
    curve, at = np.nonzero(keys[:, 1:] ^ keys[:, :-1] == 1)
    if not len(curve):
        return np.zeros(len(keys))
    # Among equal scores the negative rows come first: two runs of equal keys side by side.
    begins = np.ones(keys.shape, dtype=bool)
    begins[:, 1:] = keys[:, 1:] != keys[:, :-1]
    starts = np.append(np.flatnonzero(begins), keys.size)
    run = np.searchsorted(starts, curve * keys.shape[1] + at + 1)
    sizes = np.diff(starts)
    return np.bincount(curve, sizes[run - 1] * sizes[run], len(keys))
