"""Metrics in words and their numbers in units: so many points, steps or seconds, not 0.0123."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlplab.declarations import metric as declared
from mlplab.declarations.metric import Metric, is_share, target_of
from mlplab.declarations.task import METRICS
from mlplab.words import prefix_for

_MOST_DECIMALS = 9
_MEASURES = {name: metric.title for name, metric in METRICS.items()} | {"loss": "loss"}


@dataclass(frozen=True)
class Unit:
    """How differences of a metric are written."""

    scale: float
    """What one unit is in the metric's own numbers."""
    decimals: int
    one: str
    many: str

    def amount(self, difference: float) -> str:
        """A size with its unit: 1.23 points, 1 step, ∞ steps."""
        shown = self.number(abs(difference))
        name = self.one if shown == "1" else self.many
        return f"{shown} {name}".rstrip()

    def number(self, value: float) -> str:
        """A number in this unit, without it and without a sign of zero: 0.30, 1,200, -0.05."""
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        text = f"{value / self.scale:,.{self.decimals}f}"
        if not text.strip("-0.,"):
            text = text.lstrip("-")
        return text.replace("-", "−")

    def signed(self, value: float) -> str:
        """A number with its sign: +1.20, −0.30, 0.00."""
        text = self.number(value)
        return f"+{text}" if value > 0 and text.strip("0.,") else text


def unit_of(metric: Metric, values: Sequence[float], bounds: Sequence[float] = ()) -> Unit:
    """The unit for some differences, with as many decimals as they need.

    bounds: what the values are held against; none of them is rounded onto or across a bound that
    it does not equal.
    """
    finite = [value for value in (*values, *bounds) if math.isfinite(value)]
    largest = max((abs(value) for value in finite), default=0.0)
    scale, decimals, one, many = _plain_unit(metric, largest)
    while decimals < _MOST_DECIMALS and _misleads(values, bounds, scale, decimals):
        decimals += 1
    return Unit(scale, decimals, one, many)


def _misleads(
    values: Sequence[float], bounds: Sequence[float], scale: float, decimals: int
) -> bool:
    for value in values:
        for bound in bounds:
            if not math.isfinite(value) or math.isclose(value, bound, rel_tol=1e-9, abs_tol=1e-12):
                continue
            shown, edge = round(value / scale, decimals), round(bound / scale, decimals)
            if (shown > edge) != (value > bound) or shown == edge:
                return True
    return any(
        round(bound / scale, decimals) != round(bound / scale, _MOST_DECIMALS) for bound in bounds
    )


def _plain_unit(metric: Metric, largest: float) -> tuple[float, int, str, str]:
    if is_share(metric):
        return 0.01, 2, "point", "points"
    if isinstance(metric, declared.FlopsToMetric):
        scale, prefix = prefix_for(largest)
        return scale, _decimals(largest / scale), f"{prefix}FLOP", f"{prefix}FLOP"
    if isinstance(metric, declared.SecondsToMetric):
        return 1.0, _decimals(largest), "second", "seconds"
    if target_of(metric) is not None:
        return 1.0, 0, "step", "steps"
    return 1.0, _decimals(largest), "", ""


def _decimals(largest: float) -> int:
    """So many that the largest number has three digits."""
    if largest == 0:
        return 2
    return min(_MOST_DECIMALS, max(0, 2 - math.floor(math.log10(largest))))


def phrase_of(metric: Metric) -> str:
    """The metric as the subject of a sentence, without the network: the final test accuracy."""
    match metric:
        case declared.FinalMetric():
            return f"final {_on(metric.split)}{_MEASURES[metric.final]}"
        case declared.BestMetric():
            return f"best {_on(metric.split)}{_MEASURES[metric.best]}"
        case declared.AtStepMetric():
            return f"{_on(metric.split)}{_MEASURES[metric.value]} at step {metric.at_step:,}"
        case declared.AreaMetric():
            return f"mean {_on(metric.split)}{_MEASURES[metric.area_under]} over training"
        case declared.GapMetric():
            return f"gap between training and test {_MEASURES[metric.train_test_gap]}"
        case declared.DivergedMetric():
            return "fraction of diverged runs"
        case declared.GradientMetric():
            return _gradient_phrase(metric)
        case declared.OpenSetMetric():
            words = metric.measure.words
            needed = metric.detector is not None and not metric.measure.before_rejection
            return f"{words} by {metric.detector}" if needed else words
    what = "number of steps"
    if isinstance(metric, declared.SecondsToMetric):
        what = "training time"
    elif isinstance(metric, declared.FlopsToMetric):
        what = "training arithmetic"
    return f"{what} to {_target_phrase(metric)}"


def comparative(metric: Metric, above: bool) -> str:
    """higher or lower, larger or smaller, longer or shorter, as the metric asks."""
    words = ("higher", "lower")
    if isinstance(metric, declared.SecondsToMetric):
        words = ("longer", "shorter")
    elif target_of(metric) is not None or isinstance(
        metric, declared.GapMetric | declared.GradientMetric
    ):
        words = ("larger", "smaller")
    return words[0 if above else 1]


def _on(split: str) -> str:
    return f"{'training' if split == 'train' else split} "


def _target_phrase(metric: Metric) -> str:
    target = target_of(metric)
    split = _on(getattr(metric, "split", "test"))
    assert target is not None
    title = _MEASURES[target.metric.name]
    if target.metric.is_fraction:
        return f"{100 * target.value:.10g}% {split}{title}"
    return f"a {split}{title} of {target.value:g}"


def _gradient_phrase(metric: declared.GradientMetric) -> str:
    layer = metric.gradient_size
    where = f"layer {layer}" if isinstance(layer, int) else f"the {layer} layer"
    when = "at the end" if metric.at_step is None else f"at step {metric.at_step:,}"
    return f"gradient size of {where} {when}"
