"""Which of many are told apart, and what a critical-difference diagram shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlplab.statistics.sign_flip import DRAWS, sign_flip_test, signed_ranks

PairTest = Literal["sign_flip", "wilcoxon"]


@dataclass(frozen=True, eq=False)
class PairwiseTests:
    """Every pair of networks, compared within seeds."""

    pairs: NDArray[np.int64]
    """(pair, 2) indices of first and second network."""
    p_values: NDArray[np.float64]
    """(pair,) two-sided."""
    adjusted: NDArray[np.float64]
    """(pair,) adjusted by Holm."""
    test: PairTest

    def gated(self, p_overall: float) -> PairwiseTests:
        """With no adjusted p-value below that of a test that any of the networks differ.

        So no pair is told apart at a level at which that test, Friedman's, finds nothing.
        """
        return replace(self, adjusted=np.maximum(self.adjusted, p_overall))

    def told_apart(self, alpha: float) -> NDArray[np.bool_]:
        """(pair,) which are told apart at the level alpha, all together."""
        return self.adjusted <= alpha * (1 + 1e-9)

    def separated(self, alpha: float) -> NDArray[np.bool_]:
        """(network, network) symmetric: the same as a matrix."""
        k = int(self.pairs.max()) + 1
        matrix = np.zeros((k, k), dtype=bool)
        first, second = self.pairs.T
        matrix[first, second] = matrix[second, first] = self.told_apart(alpha)
        return matrix


@dataclass(frozen=True)
class Label:
    """Where the name of one network stands in the diagram."""

    network: int
    average_rank: float
    side: Literal["left", "right"]
    """The better half stands on the right, where rank 1 is."""
    row: int
    """0 is next to the axis: the outermost of its side, so that no lines cross."""


def pairwise_tests(
    values: ArrayLike, *, test: PairTest = "sign_flip", draws: int = DRAWS, seed: int = 0
) -> PairwiseTests:
    """Exact two-sided tests of all pairs of networks, adjusted by Holm.

    values: (block, network). sign_flip compares means; wilcoxon compares signed ranks and takes
    infinite values (two infinities are a tie). A block with NaN is left out. draws: of sign
    patterns beyond 20 blocks; no p-value is below 2/(draws + 1) there.
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[~np.isnan(x).any(axis=1)]
    first, second = np.triu_indices(x.shape[1], 1)
    a, b = x[:, first], x[:, second]
    differences = np.subtract(a, b, out=np.zeros_like(a), where=a != b)
    if test == "wilcoxon":
        differences = signed_ranks(differences)
    p = sign_flip_test(differences, draws=draws, seed=seed).p_two_sided
    return PairwiseTests(np.stack([first, second], axis=1), p, holm(p), test)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Step-down adjusted p-values (Holm, 1979): uniformly smaller than Bonferroni's, same promise.

    The i-th smallest of m becomes the largest of (m - l + 1)·p_(l) over l ≤ i, at most 1.
    p_values: (question,). NaN is no question and stays NaN. Raises ValueError outside [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ValueError("p-values must be a one-dimensional array of numbers from 0 to 1")
    adjusted = np.full(p.shape, np.nan)
    asked = np.flatnonzero(~np.isnan(p))
    order = asked[np.argsort(p[asked], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p[order]))
    return adjusted


def cliques(
    average_ranks: ArrayLike, separated: NDArray[np.bool_], most: int = 20
) -> tuple[tuple[int, ...], ...]:
    """The groups of networks of which no two are told apart, and which no other network can join.

    Two networks share a group exactly if they are not told apart. The members of a group need not
    be neighbours in rank: pairs are tested by their differences, not by their ranks.

    average_ranks: (network,); separated: (network, network), symmetric. most: only so many of the
    best ranks are looked at, as groups of many networks can be very many. Networks from best to
    worst in each group; groups of one are left out.
    """
    order = np.argsort(np.asarray(average_ranks, dtype=np.float64), kind="stable")[:most]
    alike = ~separated[np.ix_(order, order)] & ~np.eye(len(order), dtype=bool)
    near = [set(np.flatnonzero(row).tolist()) for row in alike]
    found = sorted(
        sorted(group) for group in _maximal_cliques(set(), set(range(len(order))), set(), near)
    )
    return tuple(tuple(int(order[i]) for i in group) for group in found if len(group) > 1)


def _maximal_cliques(
    group: set[int], candidates: set[int], done: set[int], near: list[set[int]]
) -> Iterator[set[int]]:
    """Bron and Kerbosch's algorithm (1973) with the pivot of the most neighbours."""
    if not candidates and not done:
        yield group
        return
    pivot = max(candidates | done, key=lambda node: len(near[node] & candidates))
    for node in sorted(candidates - near[pivot]):
        yield from _maximal_cliques(
            group | {node}, candidates & near[node], done & near[node], near
        )
        candidates, done = candidates - {node}, done | {node}


def diagram_labels(average_ranks: ArrayLike) -> tuple[Label, ...]:
    """Side and row of every name, from best to worst: the better half right, the others left."""
    ranks = np.asarray(average_ranks, dtype=np.float64)
    order = np.argsort(ranks, kind="stable")
    better = (len(order) + 1) // 2
    return tuple(
        Label(
            int(network),
            float(ranks[network]),
            "right" if index < better else "left",
            index if index < better else len(order) - 1 - index,
        )
        for index, network in enumerate(order)
    )
