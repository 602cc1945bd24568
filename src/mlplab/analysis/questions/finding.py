"""What the numbers say to one question, before it is put into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlplab.analysis.questions.hypothesis import Hypothesis
from mlplab.declarations.seeds_needed import LEVEL
from mlplab.statistics.critical_difference import PairwiseTests
from mlplab.statistics.verdict_rules import Verdict

FALSE_VERDICTS = LEVEL
"""The chance of any false verdict among all questions of a study."""
TestName = Literal["sign-flip", "equivalence", "resampled", "log-rank", "sign", "page", "friedman"]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Networks, or detectors, by their average rank within seeds, and which are told apart."""

    networks: tuple[str, ...]
    """From best to worst."""
    average_ranks: tuple[float, ...]
    """1 is the best; in the order of `networks`."""
    cliques: tuple[tuple[str, ...], ...]
    """Groups of which no two are told apart, each as large as it can be; of the best 20."""
    pairs: PairwiseTests | None
    """Of the networks as the question lists them, none told apart where Friedman's test finds
    nothing; None where so few seeds, or so many networks, could tell none apart."""


@dataclass(frozen=True, eq=False)
class Finding:
    """Effect, interval, p-value and verdict of one question."""

    verdict: Verdict
    seeds: int
    """Paired seeds that have a value."""
    fewest: int
    """Paired seeds with which the corrected level can be reached at all."""
    seeds_needed: int | None
    """undecidable: `fewest`; inconclusive: that would probably (80%) decide if the effect is what
    it seems, more than are at hand; None if decided or if no number can be named."""
    level: float
    """Of the interval: that of all questions together, corrected for their number, and for that of
    the looks where there are several."""
    p_value: float
    """Of `speaks_for`, at the level of this question alone: at most 1 - level exactly if decided."""
    speaks_for: Hypothesis
    """What the p-value is of: what the verdict says, or what was asked where there is none."""
    test: TestName
    effect: float | None
    """First minus second; of a trend, the last less the first; of a level, the mean less the number
    asked about; None of a ranking."""
    low: float
    high: float
    """Limits of the effect at the level; infinite where the seeds exclude nothing."""
    effect_is: Literal["mean", "median"] = "mean"
    """Of the paired differences; the median where one is infinite."""
    differences: np.ndarray | None = None
    """(seed,) of which the effect is the mean or median."""
    ranking: Ranking | None = None
    counts_rows: bool = False
    """Whether interval and p-value allow for other rows as well as for other seeds."""
    look: int = 0
    """Where seeds are added in rounds: at which of the looks it was found, from 1."""
    fraction: float = 1.0
    """Of the question's level, that this look has."""
    claims: Callable[[], tuple[float, ...]] = tuple
    """p-values as `p_value`, of every verdict that could come."""
    why_no_number: str = ""
    """inconclusive: a clause that says why `seeds_needed` is None; empty where it is not."""


def corrected(p: float, questions: float) -> float:
    """A p-value of one of several questions, corrected for their number as their intervals are
    (Bonferroni): a question is decided exactly if it is at most `FALSE_VERDICTS`. A look at a
    fraction of a question's level counts as so many questions more."""
    return min(1.0, p * questions)
