"""Numbers, units, lists and counts in words: the one place where each is formatted.

Sentences elsewhere are templates with named values, and the values come from here, so that a
translation replaces the templates and this module.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

METRICS = {
    "seconds": "training time (s)",
    "gradient_size": "gradient size",
    "dead_units": "fraction of dead units",
}
SPLITS = {
    "test": "test",
    "validation": "validation",
    "batch": "current batch",
    "train": "whole training set",
}
_PREFIXES = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_LONGEST_WORD = 100
"""Characters of a name in a list; what is longer is cut."""
_SMALL_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip


class Interval(Protocol):
    """A mean with its limits; scalars, NaN limits where one value gives none."""

    @property
    def mean(self) -> Any: ...
    @property
    def low(self) -> Any: ...
    @property
    def high(self) -> Any: ...


# Counts and lists


def count(n: int, one: str, many: str | None = None) -> str:
    """1 network, 2 networks, 10,000 networks."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def by_count(n: int, one: str, many: str, **values: object) -> str:
    """The template for one or for several, filled in; {n} is the count."""
    return (one if n == 1 else many).format(n=f"{n:,}", **values)


def seeds(n: int, *, paired: bool = False) -> str:
    """1 seed, 8 paired seeds, 8 seeds."""
    return count(n, "seed", "paired seeds" if paired else "seeds")


def number_word(n: int) -> str:
    """Six for 6, 12 for 12."""
    return _SMALL_NUMBERS[n] if n < len(_SMALL_NUMBERS) else str(n)


def listed(words: Iterable[str], *, most: int = 12, last: str = "and") -> str:
    """a, b and c; beyond `most`, the first of them and how many more."""
    words = list(words)
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1:,} more"]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def quoted(words: Iterable[str], *, quote: bool = True, limit: int = 12) -> str:
    """Values as they are written in a file: "a", "b", "c"; long rows and words are cut."""
    words = list(words)
    told = [shortened(word, _LONGEST_WORD) for word in words[:limit]]
    if quote:
        told = [f'"{word}"' for word in told]
    if len(words) > limit:
        told.append(f"… ({len(words) - limit:,} more)")
    return ", ".join(told)


def listed_classes(names: Sequence[str]) -> str:
    """Classes in words: 0-4 where numbers follow one another, else one by one, of many the first."""
    if len(names) > 2 and all(name.isdecimal() for name in names):
        first = int(names[0])
        if list(names) == [str(n) for n in range(first, first + len(names))]:
            return f"{names[0]}-{names[-1]}"
    if len(names) > _MOST_CLASSES:
        # titles and networks are told apart by these words, so what is left out has its digest
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:6]
        more = len(names) - _FIRST_CLASSES
        return f"{', '.join(names[:_FIRST_CLASSES])} and {more:,} more ({digest})"
    return ", ".join(names)


_MOST_CLASSES, _FIRST_CLASSES = 40, 8


def from_to(numbers: Collection[int]) -> str:
    """10, or 3 to 1,000."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


# Values and texts of a file


def shown(value: Any, limit: int = 60) -> str:
    """A value as JSON, shortened."""
    if isinstance(value, float) and value != value:
        return "NaN"
    if isinstance(value, str):
        value = value[: limit + 1]
    return shortened(json.dumps(value, ensure_ascii=False, default=str), limit)


def shortened(text: str, limit: int = 60) -> str:
    """A text of at most `limit` characters, the rest an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def middle_cut(text: str, limit: int = 40) -> str:
    """A text of at most `limit` characters, its middle an ellipsis: names often differ at their
    ends."""
    if len(text) <= limit:
        return text
    kept = limit - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


# Numbers


_IN_TARGET_UNIT = ("rmse", "mae", "pinball_loss")
_FOUR_DECIMALS = (
    "accuracy", "loss", "softmaxed_loss", "balanced_accuracy", "log_loss", "brier_score", "auroc",
    "average_precision", "macro_f1", "r2",
)  # fmt: skip


def number(value: float, metric: str = "accuracy") -> str:
    """A value in the digits that its metric deserves: 0.9803, 0.0641, 1.20e-08, 38.2, −0.0004."""
    value = float(value)
    if not math.isfinite(value):
        return "–"
    told = _magnitude(abs(value), metric)
    return f"−{told}" if value < 0 and told.strip("0.") else told


def _magnitude(value: float, metric: str) -> str:
    if metric in _IN_TARGET_UNIT:
        return f"{value:,.4g}" if value < 10_000 else f"{value:,.0f}"
    if metric in _FOUR_DECIMALS:
        return f"{value:.4f}" if value < 100 else f"{value:,.4g}"
    if value != 0 and not 1e-4 <= value < 1e6:
        return f"{value:.2e}"
    if metric == "seconds":
        return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
    return f"{value:,.4g}"


def decimal(value: float, decimals: int, *, signed: bool = False) -> str:
    """A number with so many decimals and a true minus: 1,200.0, −0.30; signed: +0.30."""
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")
    return text.replace("-", "−")


def points(difference: float) -> str:
    """A difference of two fractions in points, with its sign: +1.20, −0.05."""
    return decimal(100 * difference, 2, signed=True)


def percent(fraction: float) -> str:
    """A fraction: 0.05 is 5%, 0.037 is 3.7%; two digits where it is below 0.1%."""
    value = 100 * fraction
    text = f"{value:.1f}" if value >= 0.095 or value == 0 else f"{value:.2g}"
    return (text[:-2] if text.endswith(".0") else text) + "%"


def percent_range(low: float, high: float) -> str:
    """Two fractions: 3.7-6.4%."""
    return f"{percent(low)[:-1]}-{percent(high)}"


def scaled(n: float, unit: str = "") -> str:
    """A count with a decimal prefix: 1.63 M, 37.2 TFLOP, 12.5 MB."""
    for limit, prefix in _PREFIXES:
        if n >= limit:
            return f"{n / limit:.3g} {prefix}{unit}"
    return f"{n:.0f} {unit}".rstrip()


def flops(n: float) -> str:
    """Operations: 3.14 GFLOP."""
    return scaled(n, "FLOP")


def prefix_for(n: float) -> tuple[float, str]:
    """The decimal prefix of a number and what it stands for: 1e9 and G."""
    return next(((limit, prefix) for limit, prefix in _PREFIXES if n >= limit), (1.0, ""))


def large_count(n: int) -> str:
    """A count, exact below a billion: 136,074, 3.14 G."""
    return scaled(n) if n >= 10**9 else f"{n:,}"


def gigabytes(n: float) -> str:
    """Bytes: 12.3 GB."""
    return f"{n / 1e9:,.1f} GB"


def duration(seconds: float) -> str:
    """A time: 0.3 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 0.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes and hours < 1000 else f"{hours:,} h"


def p_value(p: float, level: float = 0.05) -> str:
    """p = 0.031, p < 0.0001; never p = 0, and never rounded onto the level or across it."""
    text = p_in_column(p, level)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def p_in_column(p: float, level: float = 0.05) -> str:
    """The same below a heading that says p: 0.031, < 0.0001."""
    if p < 0.0001:
        return "< 0.0001"
    if p >= 0.9995:
        return "1"
    text = f"{p:.2g}" if p < 0.1 else f"{p:.2f}"
    for digits in range(3, 9):
        if (float(text) > level) == (p > level * (1 + 1e-9)):
            break
        text = f"{p:.{digits}g}"
    return text


# Means with their intervals

_BOUNDS = (
    dict.fromkeys(
        ("accuracy", "balanced_accuracy", "auroc", "average_precision", "macro_f1", "dead_units"),
        (0.0, 1.0),
    )
    | dict.fromkeys(
        (
            "loss",
            "softmaxed_loss",
            "log_loss",
            "rmse",
            "mae",
            "pinball_loss",
            "seconds",
            "gradient_size",
        ),
        (0.0, math.inf),
    )
    | {"brier_score": (0.0, 2.0), "r2": (-math.inf, 1.0)}
)


def half_width(interval: Interval, metric: str = "accuracy") -> str:
    """The ± of an interval in the digits of its mean; empty where there is none to tell.

    An interval of no width, as equal values give, tells nothing of other seeds: "± 0.0000" would
    say that the mean is known exactly.
    """
    half = float(interval.high - interval.low) / 2
    if not math.isfinite(half) or half <= 1e-12 * max(1.0, abs(float(interval.mean))):
        return ""
    mean = number(float(interval.mean), metric)
    if "e" in mean:
        return f"{half:.1e}"
    decimals = len(mean.partition(".")[2])
    text = f"{half:,.{decimals}f}"
    return text if text.strip("0.") else f"{half:.1g}"


def bounds_of(metric: str) -> tuple[float, float]:
    """Between which numbers the values of a metric lie; no interval of a mean needs more."""
    return _BOUNDS.get(metric, (-math.inf, math.inf))


def with_interval(interval: Interval, metric: str = "accuracy") -> str:
    """0.9803 ± 0.0009, or the mean alone where there is no interval.

    Where mean ± half would leave the metric's bounds, the limits: 0.9167 (0.7049 to 1.0000).
    """
    half = half_width(interval, metric)
    mean = number(float(interval.mean), metric)
    if not half:
        return mean
    low, high = _cut(interval, bounds_of(metric))
    if _are_even(interval, low, high, 1e-9):
        return f"{mean} ± {half}"
    return f"{mean} ({number(low, metric)} to {number(high, metric)})"


def with_limits(
    interval: Interval, digits: int = 3, bounds: tuple[float, float] = (-math.inf, math.inf)
) -> str:
    """A mean ± half its interval, or with its limits where these are not evenly about it."""
    low, high = (round(x, digits) for x in _cut(interval, bounds))
    if not math.isfinite(low) or _are_even(interval, low, high, 2 * 10**-digits):
        return with_half(interval, digits)
    return f"{float(interval.mean):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _cut(interval: Interval, bounds: tuple[float, float]) -> tuple[float, float]:
    """The limits of an interval, cut where nothing can lie; as they are of a mean that lies there."""
    mean, low, high = (float(x) for x in (interval.mean, interval.low, interval.high))
    if not bounds[0] <= mean <= bounds[1] or math.isnan(low):
        return low, high
    return max(low, bounds[0]), min(high, bounds[1])


def _are_even(interval: Interval, low: float, high: float, tolerance: float) -> bool:
    """Whether limits lie as far below a mean as above it."""
    mean = float(interval.mean)
    return abs((high - mean) - (mean - low)) < tolerance * max(1.0, abs(mean))


def with_half(interval: Interval, digits: int = 3, *, is_signed: bool = False) -> str:
    """A mean with half the length of its interval, where there is one: 0.912 ± 0.004."""
    mean, half = float(interval.mean), float(interval.high - interval.low) / 2
    middle = decimal(mean, digits, signed=True) if is_signed else f"{mean:.{digits}f}"
    told = f"{half:.{digits}f}"
    return f"{middle} ± {told}" if math.isfinite(half) and told.strip("0.") else middle


def signed(gap: Interval) -> str:
    """A difference with its sign, and half the length of its interval: +0.012 ± 0.004."""
    return with_half(gap, is_signed=True)
