"""Is a difference too small to matter? Two one-sided tests, and intervals within a margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from mlplab.statistics.intervals import t_interval
from mlplab.statistics.sign_flip import sign_flip_test


@dataclass(frozen=True, eq=False)
class EquivalenceTest:
    """Two one-sided tests; fields have the shape of the differences without their first axis."""

    p_above: NDArray[np.float64]
    """Small if the mean lies above -margin."""
    p_below: NDArray[np.float64]
    """Small if the mean lies below +margin."""
    p_value: NDArray[np.float64]
    """The larger of both: small if the mean lies within the margin."""


def two_one_sided_tests(
    differences: ArrayLike,
    margin: float,
    *,
    method: Literal["sign_flip", "t"] = "sign_flip",
    seed: int = 0,
) -> EquivalenceTest:
    """Test that the mean paired difference lies between -margin and +margin (Schuirmann, 1987).

    differences: (pair, ...), NaN where there is no pair. At the level α this agrees with the
    (1 - 2α) interval of the same method lying within the margin.
    Raises ValueError for a margin that is not positive.
    """
    _require_margin(margin)
    if method == "sign_flip":
        above = sign_flip_test(differences, shift=-margin, seed=seed).p_greater
        below = sign_flip_test(differences, shift=margin, seed=seed).p_less
    else:
        at = t_interval(differences, axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            error = at.deviation / np.sqrt(at.n)
            freedom = np.maximum(at.n - 1, 1)
            above, below = (
                np.where(at.n > 1, special.stdtr(freedom, -gap / error), 1.0)
                for gap in (at.mean + margin, margin - at.mean)
            )
    return EquivalenceTest(above, below, np.maximum(above, below))


def within_margin(low: ArrayLike, high: ArrayLike, margin: float) -> NDArray[np.bool_]:
    """Whether intervals lie wholly within (-margin, +margin); NaN limits do not.

    low, high: any shape. Raises ValueError for a margin that is not positive.
    """
    _require_margin(margin)
    return (np.asarray(low) > -margin) & (np.asarray(high) < margin)


def beyond_margin(low: ArrayLike, high: ArrayLike, margin: float) -> NDArray[np.bool_]:
    """Whether intervals lie wholly outside [-margin, +margin]; NaN limits do not.

    low, high: any shape. Raises ValueError for a margin that is not positive.
    """
    _require_margin(margin)
    return (np.asarray(low) > margin) | (np.asarray(high) < -margin)


def _require_margin(margin: float) -> None:
    if not margin > 0:
        raise ValueError(f"a margin is positive, got {margin}")
