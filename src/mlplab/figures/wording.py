"""Numbers, metrics and lists in words, the same in captions, legends and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlplab.statistics.intervals import MeanInterval

METRICS = {
    "accuracy": "accuracy",
    "loss": "cross-entropy loss",
    "softmaxed_loss": "cross-entropy after a second softmax",
    "seconds": "training time (s)",
    "gradient_size": "gradient size",
    "dead_units": "share of dead units",
}
SPLITS = {
    "test": "test",
    "validation": "validation",
    "batch": "current batch",
    "train": "whole training set",
}


def number(value: float, metric: str = "accuracy") -> str:
    """A value in the digits that its metric deserves: 0.9803, 0.0641, 1.20e-08, 38.2."""
    value = float(value)
    if not math.isfinite(value):
        return "–"
    if metric in ("accuracy", "loss", "softmaxed_loss"):
        return f"{value:.4f}" if abs(value) < 100 else f"{value:,.4g}"
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}"
    if metric == "seconds":
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,.4g}"


def half_width(interval: MeanInterval, metric: str = "accuracy") -> str:
    """The ± of an interval in the digits of its mean; empty where one run gives none."""
    half = float(interval.high - interval.low) / 2
    if not math.isfinite(half):
        return ""
    mean = number(float(interval.mean), metric)
    if "e" in mean:
        return f"{half:.1e}"
    decimals = len(mean.partition(".")[2])
    return f"{half:.{decimals}f}"


def with_interval(interval: MeanInterval, metric: str = "accuracy") -> str:
    """0.9803 ± 0.0009, or the mean alone where one run gives no interval."""
    half = half_width(interval, metric)
    mean = number(float(interval.mean), metric)
    return f"{mean} ± {half}" if half else mean


def signed(gap: MeanInterval) -> str:
    """A difference with its sign and half the length of its interval, where there is one."""
    half = (float(gap.high) - float(gap.low)) / 2
    middle = f"{float(gap.mean):+.3f}".replace("-", "−")
    return f"{middle} ± {half:.3f}" if math.isfinite(half) else middle


def with_half(mean: MeanInterval, digits: int = 3) -> str:
    """A mean with half the length of its interval, where there is one."""
    half = (float(mean.high) - float(mean.low)) / 2
    middle = f"{float(mean.mean):.{digits}f}"
    return f"{middle} ± {half:.{digits}f}" if math.isfinite(half) else middle


def count(n: int, one: str, many: str | None = None) -> str:
    """1 network, 2 networks, 10,000 networks."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(words: Sequence[str], *, most: int = 12, last: str = "and") -> str:
    """a, b and c; beyond `most`, the first of them and how many more."""
    words = list(words)
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1:,} more"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def spread_of(counts: Sequence[int]) -> str:
    """n = 10, or n = 3 to 10."""
    low, high = min(counts), max(counts)
    return f"n = {low}" if low == high else f"n = {low} to {high}"
