"""Looks at more and more seeds, each at its own part of one level.

Look k of a question has the fraction 3/((k + 2)(k + 3)) of its level: 1/4, 3/20, 1/10, … of all
looks together 1, however many there will be. So by Bonferroni's inequality the chance that any
look gives a false verdict is at most the level, whenever looking ends and for any reason, and for
every test that holds its level at each look. Intervals at these levels hold at all looks together:
they are repeated confidence intervals (Jennison and Turnbull, 1989, J. R. Stat. Soc. B 51,
305-361). Fractions and numbers of seeds are fixed beforehand and do not depend on the largest
number, which may be changed.

Boundaries from a joint normal distribution (Lan and DeMets, 1983, Biometrika 70, 659-663) would
need about a tenth fewer seeds, but hold their level only about, and not for ranks of many networks,
for times that never come, or for limits that count rows. `benchmarks/sequential_simulation.py`
shows both errors and seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import special

RATIO = math.sqrt(2)
"""Of the seeds of a look to those of the one before."""


def look_sizes(first: int, most: int) -> tuple[int, ...]:
    """The seeds of each look: the first, about √2 as many each time, and at last the most."""
    sizes = [min(first, most)]
    while sizes[-1] < most:
        sizes.append(min(most, max(sizes[-1] + 1, round(first * RATIO ** len(sizes)))))
    return tuple(sizes)


def chance_to_decide(
    p_values: Sequence[float], now: int, later: int, level: float, fewest: int = 1
) -> float:
    """About the chance that a look at more seeds decides, given what has been seen.

    p_values: two-sided, of each verdict that could come; now, later: seeds; level: of that look.
    The predictive distribution of a mean that grows by independent parts of one normal
    distribution, with nothing known of its mean beforehand (Spiegelhalter, Freedman and Blackburn,
    1986, Control. Clin. Trials 7, 8-17): Φ((z - z_level·√t)/√(1 - t)) with t = now/later.
    """
    if later <= now or later < fewest:
        return 0.0
    t = now / later
    critical = special.ndtri(1 - level / 2)
    z = max((float(special.ndtri(1 - p / 2)) for p in p_values), default=-math.inf)
    return float(special.ndtr((z - critical * math.sqrt(t)) / math.sqrt(1 - t)))
