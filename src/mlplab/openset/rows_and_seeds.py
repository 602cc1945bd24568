"""How sure a measure is over new networks and new test rows together.

Networks of several seeds are tested on the same rows, so their spread says nothing of other rows.
What other rows would change is told by leaving out a group of rows at a time, the same groups for
every seed and detector: so it holds for any measure, for a mean over seeds, and for a difference
of two detectors on the same rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm, t

from mlplab.openset.errors import refuse
from mlplab.openset.intervals import Interval

GROUPS = 20


def groups_of_rows(rows: int, groups: int = GROUPS) -> np.ndarray:
    """(row,) the group of each row, 0 to groups − 1, of equal sizes, drawn once and for all.

    Raises:
        ValueError: fewer rows than groups, or fewer than two groups.
    """
    if not 2 <= groups <= rows:
        refuse("groups of rows", f"from 2 to {rows}, the number of rows", str(groups))
    order: np.ndarray = np.random.default_rng(0).permutation(rows)
    return order % groups


def over_rows_and_seeds(
    values: Any, left_out: Any, level: float = 0.95, rows: int | None = None
) -> Interval:
    """The mean over seeds, with an interval for other seeds and other test rows.

    The variance over seeds is that of Student's interval. The variance over rows is that of the
    delete-a-group jackknife (Kott, Journal of Official Statistics 2001) of the mean over seeds:
    (G−1)/G Σ (m_g − m̄)². Each counts with the t quantile of its own degrees of freedom; with one
    seed the interval is over rows alone, without groups it is over seeds alone.

    Of a fraction both variances are 0 where all seeds and groups agree, as at 0 or 1, and that is
    no certainty. So an interval that would have no length, or reach beyond 0 or 1, takes Wilson's
    form, of as many rows as give its length (Korn and Graubard, Survey Methodology 1998) or, where
    it has none, of those of one seed: seeds share their rows.

    Args:
        values: (seed,) of a measure, or of the difference of two detectors.
        left_out: (seed, group) the same with a group of rows left out; (seed, 0) for none.
        level: of the interval.
        rows: how many rows a value comes from that lies between 0 and 1; None for others.

    Raises:
        ValueError: shapes that do not belong together.
    """
    each, without = np.asarray(values, dtype=np.float64), np.asarray(left_out, dtype=np.float64)
    if each.ndim != 1 or without.ndim != 2 or len(each) != len(without) or not len(each):
        refuse(
            "values over seeds",
            "values (seed,) and values without a group (seed, group)",
            f"shapes {each.shape} and {without.shape}",
        )
    seeds, groups = without.shape
    upper = (1 + level) / 2
    half = 0.0
    if groups > 1:
        means = without.mean(axis=0)
        variance = (groups - 1) / groups * float(np.square(means - means.mean()).sum())
        half += t.ppf(upper, groups - 1) ** 2 * variance
    if seeds > 1:
        half += t.ppf(upper, seeds - 1) ** 2 * float(each.var(ddof=1)) / seeds
    mean, half = float(each.mean()), float(np.sqrt(half))
    if groups < 2 and seeds < 2:
        half = float("nan")
    elif rows and (half == 0 or half > min(mean, 1 - mean)):
        low, high = _wilsons_form(mean, half, rows, level)
        return Interval(mean, low, high, level, "seeds and rows, Wilson")
    return Interval(mean, mean - half, mean + half, level, "seeds and rows")


def _wilsons_form(mean: float, half: float, rows: int, level: float) -> tuple[float, float]:
    """Wilson's interval of a fraction, of the number of rows of which Wald's has this half."""
    variance = max(mean * (1 - mean), 0.0)
    per_row = float(norm.ppf((1 + level) / 2)) ** 2 / rows
    ratio = half**2 / variance if half > 0 and variance > 0 else per_row
    middle = (mean + ratio / 2) / (1 + ratio)
    reach = float(np.sqrt(ratio * variance + ratio**2 / 4)) / (1 + ratio)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
