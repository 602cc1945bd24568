"""How many seeds times to a target need, some of which never come: by drawing from those at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from mlplab.statistics.power import first_enough
from mlplab.statistics.sign_flip import MOST_PAIRS_ENUMERATED, sign_flip_test

SAMPLES = 300
"""Drawn for each number of seeds: a power of 80% then has a standard error of 2.3%."""


@dataclass(frozen=True)
class Claim:
    """That the first arm is later than the second by more than a bound, or by less."""

    bound: float
    above: bool


def power_of_log_rank(
    first: ArrayLike,
    second: ArrayLike,
    n: int,
    verdicts: Sequence[Sequence[Claim]],
    *,
    alpha: float = 0.05,
    swapped: float = 0.0,
    seed: int = 0,
) -> float:
    """Chance that n pairs like these are decided by the log-rank test permuted within pairs.

    first, second: (pair,) times, infinite for a run that never arrives. verdicts: a sample is
    decided if every claim of any of them holds, each tested one-sided at α/2. swapped: the fraction
    of pairs whose arms are exchanged once they are shifted by a claim's bound, which draws the
    effect towards the bound by 1 - 2·swapped.

    `SAMPLES` samples are drawn with replacement, the same for every claim (Efron, 1979). Sign
    flips are exact as far as the test's own are, and normal beyond, where the test draws them.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    chances = np.repeat([1 - swapped, swapped], len(a)) / len(a)
    rng = np.random.default_rng([seed, n])
    drawn = None
    if n <= MOST_PAIRS_ENUMERATED:
        drawn = rng.choice(len(chances), size=(SAMPLES, n), p=chances)
        counts = (drawn[:, :, None] == np.arange(len(chances))).sum(axis=1)
    else:
        counts = rng.multinomial(n, chances, size=SAMPLES)
    decided = np.zeros(SAMPLES, dtype=bool)
    for claims in verdicts:
        p = [_p_values(a, b, claim, counts, drawn) for claim in claims]
        decided |= np.max(p, axis=0) <= alpha / 2 * (1 + 1e-9)
    return float(decided.mean())


def seeds_for_log_rank(
    first: ArrayLike,
    second: ArrayLike,
    verdicts: Sequence[Sequence[Claim]],
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    swapped: float = 0.0,
    fewest: int = 2,
) -> int | None:
    """About the seeds with which times like these are decided; arguments as in the power.

    None beyond `MOST_SEEDS`.
    """
    return first_enough(
        lambda n: (
            power_of_log_rank(first, second, n, verdicts, alpha=alpha, swapped=swapped) >= power
        ),
        fewest,
    )


def _p_values(
    first: NDArray, second: NDArray, claim: Claim, counts: NDArray, drawn: NDArray | None
) -> NDArray:
    """(sample,) one-sided; counts: (sample, 2·pair) of the pairs, then of the exchanged ones."""
    shifted = first - claim.bound
    later = _later(np.r_[shifted, second], np.r_[second, shifted], counts)
    if not claim.above:
        later = -later
    if drawn is not None:
        return sign_flip_test(np.take_along_axis(later, drawn, axis=1).T).p_greater
    total, spread = (counts * later).sum(axis=1), np.sqrt((counts * later**2).sum(axis=1))
    return special.ndtr(-np.divide(total, spread, out=np.zeros(len(total)), where=spread > 0))


def _later(a: NDArray, b: NDArray, counts: NDArray) -> NDArray:
    """(sample, pair) by how much each pair speaks for a later first arm.

    a, b: (pair,); counts: (sample, pair). Half the difference of log-rank scores within a pair,
    where a pair counts as often in the pooled hazard as it was drawn.
    """
    moments = np.unique(np.r_[a, b][np.isfinite(np.r_[a, b])])
    arrivals = counts @ ((a[:, None] == moments) * 1.0 + (b[:, None] == moments))
    at_risk = counts @ ((a[:, None] >= moments) * 1.0 + (b[:, None] >= moments))
    steps = np.divide(arrivals, at_risk, out=np.zeros(arrivals.shape), where=at_risk > 0)
    hazard = np.cumsum(np.c_[np.zeros(len(counts)), steps], axis=1)
    at_a, at_b = (hazard[:, np.searchsorted(moments, t, side="right")] for t in (a, b))
    return (np.isfinite(b) * 1.0 - np.isfinite(a) - at_b + at_a) / 2
