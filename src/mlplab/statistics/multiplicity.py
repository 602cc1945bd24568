"""Many questions at once: levels and p-values that hold for all of them together."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


def simultaneous_level(
    level: float, questions: int, method: Literal["bonferroni", "sidak"] = "bonferroni"
) -> float:
    """The level of each interval so that all of them hold together with `level`.

    bonferroni: 1 - (1-level)/m, whatever hangs together. sidak: level^(1/m), for independent or
    jointly normal statements (Šidák, 1967).
    Raises ValueError for a level outside (0, 1) or fewer than one question.
    """
    if not 0 < level < 1 or questions < 1:
        raise ValueError(f"needs 0 < level < 1 and a question, got {level} and {questions}")
    return level ** (1 / questions) if method == "sidak" else 1 - (1 - level) / questions


def bonferroni(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values min(1, m·p); p_values: (question,). NaN is no question and stays NaN."""
    p = _checked(p_values)
    return np.minimum(1.0, p * np.count_nonzero(~np.isnan(p)))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Step-down adjusted p-values (Holm, 1979): uniformly smaller than Bonferroni's, same promise.

    The i-th smallest of m becomes the largest of (m - l + 1)·p_(l) over l ≤ i, at most 1.
    p_values: (question,). NaN is no question and stays NaN. Raises ValueError outside [0, 1].
    """
    p = _checked(p_values)
    adjusted = np.full(p.shape, np.nan)
    asked = np.flatnonzero(~np.isnan(p))
    order = asked[np.argsort(p[asked], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p[order]))
    return adjusted


def _checked(p_values: ArrayLike) -> NDArray[np.float64]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ValueError("p-values must be a one-dimensional array of numbers from 0 to 1")
    return p
