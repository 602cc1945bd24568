"""Several centres a class, for classes whose rows do not lie about one point."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.cluster.vq import kmeans2

_MOST_ROWS = 2000
"""Rows of a class among which clusters are sought: centres of many rows move little with more."""
_ROUNDS = 10
_SEED = 0


def cluster_centres(rows: np.ndarray, clusters: int) -> np.ndarray:
    """Centres (cluster, feature) float64 of the rows (row, feature) of one class, by k-means.

    Ten rounds of Lloyd's algorithm (IEEE Transactions on Information Theory 1982) from rows drawn
    with a fixed seed; one cluster is the mean of all rows. Of a class with no more different rows
    than clusters, each of these is a centre.
    """
    if clusters == 1:
        return rows.mean(axis=0, dtype=np.float64, keepdims=True)
    draw = np.random.default_rng(_SEED)
    if len(rows) > _MOST_ROWS:
        rows = rows[np.sort(draw.choice(len(rows), _MOST_ROWS, replace=False))]
    start = np.unique(rows, axis=0)
    if len(start) <= clusters:
        return start.astype(np.float64)
    start = start[draw.choice(len(start), clusters, replace=False)]
    # a cluster that loses its rows to others keeps its last centre, which is no reason to warn
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        centres: np.ndarray = kmeans2(rows, start, iter=_ROUNDS, minit="matrix")[0]
    return centres.astype(np.float64)
