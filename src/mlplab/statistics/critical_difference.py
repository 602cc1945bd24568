"""Which of many are told apart, and what a critical-difference diagram shows of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from mlplab.statistics.friedman import FriedmanTest, friedman_test
from mlplab.statistics.multiplicity import holm
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


@dataclass(frozen=True, eq=False)
class CriticalDifference:
    """The diagram of Demšar (2006): average ranks on an axis that runs from k (left) to 1 (right).

    The best network has the lowest average rank and stands furthest to the right.
    """

    friedman: FriedmanTest
    pairs: PairwiseTests
    order: tuple[int, ...]
    """Networks from best to worst."""
    cliques: tuple[tuple[int, ...], ...]
    """Each bar: networks next to each other of which no two are told apart, from best to worst."""
    labels: tuple[Label, ...]
    """From best to worst."""
    nemenyi_distance: float
    """The classical critical difference of average ranks, for reference."""


def critical_difference(
    values: ArrayLike,
    *,
    alpha: float = 0.05,
    higher_is_better: bool = True,
    test: PairTest = "sign_flip",
    seed: int = 0,
) -> CriticalDifference:
    """Friedman's test, all pairs with Holm's correction, and the diagram that follows.

    values: (block, network); a block with NaN is left out. The bars come from the pairwise tests
    (Benavoli, Corani and Mangili, 2016, tell why not from mean ranks), and join everything where
    Friedman's test finds no difference.
    Raises ValueError for another shape, and for infinite values with "sign_flip".
    """
    overall = friedman_test(values, higher_is_better=higher_is_better, seed=seed)
    tests = pairwise_tests(values, test=test, seed=seed).gated(overall.p_value)
    ranks = overall.average_ranks
    return CriticalDifference(
        overall,
        tests,
        tuple(int(i) for i in np.argsort(ranks, kind="stable")),
        cliques(ranks, tests.separated(alpha)),
        diagram_labels(ranks),
        nemenyi_distance(len(ranks), overall.n, alpha) if overall.n else float("nan"),
    )


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


def cliques(average_ranks: ArrayLike, separated: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    """The longest runs of networks next to each other in rank of which no two are told apart.

    average_ranks: (network,); separated: (network, network), symmetric. Networks from best to
    worst in each run; runs of one are no bar.
    """
    order = np.argsort(np.asarray(average_ranks, dtype=np.float64), kind="stable")
    apart = separated[np.ix_(order, order)]
    found: list[tuple[int, ...]] = []
    reached = end = 0
    for start in range(len(order)):
        end = max(end, start + 1)  # what holds from one start on holds from the next
        while end < len(order) and not apart[start:end, end].any():
            end += 1
        if end - start > 1 and end > reached:
            found.append(tuple(int(i) for i in order[start:end]))
            reached = end
    return tuple(found)


def diagram_labels(average_ranks: ArrayLike) -> tuple[Label, ...]:
    """Side and row of every name, from best to worst: the better half right, the others left."""
    ranks = np.asarray(average_ranks, dtype=np.float64)
    order = np.argsort(ranks, kind="stable")
    better = (len(order) + 1) // 2
    return tuple(
        Label(
            int(network),
            float(ranks[network]),
            "right" if place < better else "left",
            place if place < better else len(order) - 1 - place,
        )
        for place, network in enumerate(order)
    )


def nemenyi_distance(networks: int, n: int, alpha: float = 0.05) -> float:
    """q_α·√(k(k+1)/(6n)), q_α the studentized range over √2 (Nemenyi, 1963; Demšar, 2006)."""
    q = float(stats.studentized_range.ppf(1 - alpha, networks, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(networks * (networks + 1) / (6 * n)))
