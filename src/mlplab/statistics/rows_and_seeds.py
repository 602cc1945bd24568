"""How sure a measure is over new networks and new test rows together.

Networks of several seeds are tested on the same rows, so their spread says nothing of other rows.
What other rows would change is told by leaving out a group of rows at a time, the same groups for
every seed and detector: so it holds for any measure, for a mean over seeds, and for a difference
of two detectors on the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, t

from mlplab.statistics.intervals import MeanInterval, t_interval

GROUPS = 20


def groups_of_rows(rows: int, groups: int = GROUPS) -> np.ndarray:
    """(row,) the group of each row, 0 to groups − 1, of equal sizes, drawn once and for all.

    Raises:
        ValueError: fewer rows than groups, or fewer than two groups.
    """
    if not 2 <= groups <= rows:
        raise ValueError(f"groups of rows are 2 to {rows}, the number of rows, not {groups}")
    order: np.ndarray = np.random.default_rng(0).permutation(rows)
    return order % groups


def jackknife_variance(left_out: np.ndarray) -> float:
    """Of a mean over seeds, by the delete-a-group jackknife: (G−1)/G Σ (m_g − m̄)².

    left_out: (seed, group ≥ 1) a value or difference with one group of rows left out (Kott, Journal
    of Official Statistics 2001).
    """
    means = left_out.mean(axis=0)
    return (len(means) - 1) / len(means) * float(np.square(means - means.mean()).sum())


def over_rows_and_seeds(
    values: ArrayLike, left_out: Sequence[ArrayLike], level: float = 0.95, rows: int | None = None
) -> MeanInterval:
    """The mean over seeds, with an interval for other seeds and, where it can be, other test rows.

    The variance over seeds is that of Student's interval, the variance over rows that of the
    jackknife. Each counts with the t quantile of its own degrees of freedom; with one seed the
    interval is over rows alone, without groups it is over seeds alone.

    Of a fraction both variances are 0 where all seeds and groups agree, as at 0 or 1, and that is
    no certainty. So an interval that would have no length, or reach beyond 0 or 1, takes Wilson's
    form, of as many rows as give its length (Korn and Graubard, Survey Methodology 1998) or, where
    it has none, of those of one seed: seeds share their rows.

    Args:
        values: (seed,) of a measure, or of the difference of two detectors.
        left_out: of each seed, (group,) the same with a group of rows left out; used only where
            every seed has the same groups.
        level: of the interval.
        rows: how many rows a value comes from that lies between 0 and 1; None for others.
    """
    each = np.asarray(values, dtype=np.float64)
    over_seeds = t_interval(each, level=level)
    if not len(each):
        return over_seeds
    groups, seeds, upper = groups_of_all(left_out), len(each), (1 + level) / 2
    mean, variance = float(each.mean()), 0.0
    if groups > 1:
        of_rows = jackknife_variance(np.array(left_out, dtype=np.float64))
        variance += t.ppf(upper, groups - 1) ** 2 * of_rows
    if seeds > 1:
        variance += t.ppf(upper, seeds - 1) ** 2 * float(each.var(ddof=1)) / seeds
    half = float(np.sqrt(variance)) if groups > 1 or seeds > 1 else float("nan")
    low, high = mean - half, mean + half
    if rows and (half == 0 or half > min(mean, 1 - mean)):
        low, high = _wilsons_form(mean, half, rows, level)
    return replace(over_seeds, low=np.array(low), high=np.array(high))


def groups_of_all(left_out: Sequence[ArrayLike]) -> int:
    """How many groups of rows every seed has been measured without; 0 where these differ."""
    sizes = {np.size(each) for each in left_out}
    return sizes.pop() if len(sizes) == 1 else 0


def _wilsons_form(mean: float, half: float, rows: int, level: float) -> tuple[float, float]:
    """Wilson's interval of a fraction, of the number of rows of which Wald's has this half."""
    variance = max(mean * (1 - mean), 0.0)
    per_row = float(norm.ppf((1 + level) / 2)) ** 2 / rows
    ratio = half**2 / variance if half > 0 and variance > 0 else per_row
    middle = (mean + ratio / 2) / (1 + ratio)
    reach = float(np.sqrt(ratio * variance + ratio**2 / 4)) / (1 + ratio)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
