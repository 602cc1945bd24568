"""How many seeds a question needs: power when the standard deviation is known, or known from a pilot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

MOST_SEEDS = 10_000
"""Beyond this the answer is that no affordable number of seeds decides."""


def power_of_paired_t(
    effect: ArrayLike, std: ArrayLike, n: ArrayLike, *, alpha: float = 0.05
) -> NDArray[np.float64]:
    """Chance that the two-sided (1-α) t interval of a mean difference lies above 0.

    effect: true mean difference less the margin it must exceed; std: of the differences;
    n: pairs; all broadcast. From the noncentral t: P(T_{n-1}(√n·effect/σ) > t_{n-1, 1-α/2}).
    With n < 2 there is no interval and the power is 0.
    """
    mean, sigma, pairs = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (effect, std, n))
    )
    freedom = np.maximum(pairs - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(mean == 0, 0.0, np.sqrt(pairs) * mean / sigma)
    # Far beyond this the normal limit is 0 or 1 to the last digit, and the series gets slow.
    shift = np.clip(shift, -200.0, 200.0)
    power = stats.nct.sf(special.stdtrit(freedom, 1 - alpha / 2), freedom, shift)
    return np.where(pairs >= 2, power, 0.0)


def power_of_equivalence(
    effect: float, std: float, n: int, margin: float, *, alpha: float = 0.05
) -> float:
    """Chance that the two-sided (1-α) t interval lies within (-margin, +margin).

    Given the sample standard deviation s, the mean is normal (Phillips, 1990); s² is integrated over its
    χ² distribution.
    """
    if n < 2:
        return 0.0
    quantiles = (np.arange(400) + 0.5) / 400
    s = std * np.sqrt(special.chdtri(n - 1, 1 - quantiles) / (n - 1))
    error = std / np.sqrt(n)
    reach = margin - special.stdtrit(n - 1, 1 - alpha / 2) * s / np.sqrt(n)
    inside = special.ndtr((reach - effect) / error) - special.ndtr((-reach - effect) / error)
    return float(np.maximum(inside, 0.0).mean())


def seeds_for_difference(
    effect: float, std: float, *, alpha: float = 0.05, power: float = 0.8, fewest: int = 2
) -> int | None:
    """The fewest seeds with which a mean difference is shown to exceed its margin.

    effect: distance of the true mean from the margin, in either direction. fewest: from which
    the test can reach its level at all. None for an effect of zero or beyond `MOST_SEEDS`.
    """
    if effect == 0 or not np.isfinite([effect, std]).all():
        return None
    return first_enough(
        lambda n: float(power_of_paired_t(abs(effect), std, n, alpha=alpha)) >= power,
        max(fewest, _if_the_std_were_known(abs(effect), std, alpha, power)),
    )


def seeds_for_equivalence(
    effect: float,
    std: float,
    margin: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    fewest: int = 2,
) -> int | None:
    """The fewest seeds with which a mean difference is shown to lie within the margin.

    None if the effect does not lie within it, or beyond `MOST_SEEDS`.
    """
    if not abs(effect) < margin or not np.isfinite(std):
        return None
    return first_enough(
        lambda n: power_of_equivalence(effect, std, n, margin, alpha=alpha) >= power,
        max(fewest, _if_the_std_were_known(margin - abs(effect), std, alpha, power)),
    )


def seeds_for_sign(
    fraction: float, *, alpha: float = 0.05, power: float = 0.8, fewest: int = 1
) -> int | None:
    """The fewest seeds with which the exact sign test finds that more than half lie above.

    fraction: of seeds that truly do. None for a fraction of a half or less, or beyond `MOST_SEEDS`.
    """
    if not fraction > 0.5:
        return None
    z = special.ndtri(1 - alpha / 2) / 2 + special.ndtri(power) * np.sqrt(fraction * (1 - fraction))
    start = max(fewest, int(0.7 * (z / (fraction - 0.5)) ** 2))
    # Power is a saw in n, as counts are whole: from the first tooth that is high enough.
    n = np.arange(start, max(start + 1, min(2 * start + 100, MOST_SEEDS + 1)))
    critical = stats.binom.isf(alpha / 2, n, 0.5) + 1
    enough = (critical <= n) & (stats.binom.sf(critical - 1, n, fraction) >= power)
    return int(n[enough.argmax()]) if enough.any() else None


def seeds_for_ranking(
    spread: float, count: int, *, alpha: float = 0.05, power: float = 0.8, fewest: int = 2
) -> int | None:
    """About the seeds with which Friedman's test finds that networks differ.

    spread: Σ (expected rank − (count+1)/2)² over networks. With n seeds Friedman's statistic is
    about χ² of count-1 degrees of freedom, noncentral by 12·n·spread/(count·(count+1)).
    None for no spread, or beyond `MOST_SEEDS`.
    """
    if not spread > 0:
        return None
    freedom = count - 1
    critical = special.chdtri(freedom, alpha)
    a_seed = 12 * spread / (count * (count + 1))
    return first_enough(
        lambda n: bool(special.chndtr(critical, freedom, n * a_seed) <= 1 - power), fewest
    )


def upper_limit_of_std(std: float, n: int, confidence: float = 0.8) -> float:
    """s·√((n-1)/χ²_{n-1, 1-confidence}): the true standard deviation is below it with that confidence
    (Browne, 1995).

    Raises ValueError for fewer than two values.
    """
    if n < 2:
        raise ValueError(f"a standard deviation comes from at least two values, got {n}")
    return float(std * np.sqrt((n - 1) / special.chdtri(n - 1, confidence)))


def first_enough(enough: Callable[[int], bool], fewest: int, most: int = MOST_SEEDS) -> int | None:
    """The smallest n ≥ fewest that is enough, if being enough is lasting; None beyond `most`."""
    if fewest > most:
        return None
    low, high, stride = fewest - 1, max(fewest, 1), 1
    while not enough(high):
        if high >= most:
            return None
        low, high, stride = high, min(high + stride, most), 2 * stride
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _if_the_std_were_known(gap: float, std: float, alpha: float, power: float) -> int:
    """A lower bound of the seeds needed: no need to look below it."""
    quantiles = special.ndtri(1 - alpha / 2) + special.ndtri(power)
    return int(min((quantiles * std / gap) ** 2, MOST_SEEDS + 1))
