"""Reliability: how often a network is right when it is so and so sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec
from mlplab.words import count

if TYPE_CHECKING:
    from mlplab.analysis.calibration import CalibrationOverSeeds

_SIDE = 300
_BARS = 70


def reliability_figure(found: CalibrationOverSeeds, name: str) -> Figure:
    """Accuracy against confidence, and below it how many rows have which confidence."""
    return Figure(
        name=name,
        title=f"Calibration of {found.network}",
        caption=_caption(found),
        table=found.curve,
        drawing={"spacing": 14, "data": vega.rows(found.curve), "vconcat": [_curve(), _shares()]},
    )


def _across(column: str, title: str | None) -> Spec:
    return vega.measure(column, title, domain=(0, 1), tickCount=5, labels=title is not None)


def _up(column: str) -> Spec:
    return vega.measure(column, "accuracy", domain=(0, 1), tickCount=5)


def _curve() -> Spec:
    both = {"x": _across("both", None), "y": _up("both")}
    across, blue = _across("confidence", None), {"color": theme.ACCENT}
    tips = vega.tips(
        ("confidence:Q", "mean confidence", ".4f"), ("accuracy:Q", "accuracy", ".4f"),
        ("accuracy_low:Q", "95% from", ".4f"), ("accuracy_high:Q", "to", ".4f"),
        ("share:Q", "fraction of rows", ".3%"), ("n:Q", "seeds"),
    )  # fmt: skip
    limits = {"x": across, "y": _up("accuracy_low"), "y2": {"field": "accuracy_high"}}
    place = {"x": across, "y": _up("accuracy")}
    dashed = vega.mark("line", strokeDash=[4, 3], strokeWidth=1, color=theme.GREY, encoding=both)
    return {
        "width": _SIDE,
        "height": _SIDE,
        "layer": [
            {"data": {"values": [{"both": 0}, {"both": 1}]}, **dashed},
            vega.mark("line", **blue, strokeWidth=1.6, encoding=place),
            vega.mark("rule", vega.where("isValid(datum.accuracy_low)"), **blue, strokeWidth=1.4,
                      encoding=limits),
            vega.mark("point", **blue, filled=True, size=46, opacity=1,
                      encoding=place | {"tooltip": tips}),
        ],
    }  # fmt: skip


def _shares() -> Spec:
    ends = {
        "x": _across("low", "confidence: probability of the predicted class"),
        "x2": {"field": "high"},
        "y": vega.measure("share", "fraction of rows", domain=(0, 1), tickCount=2, format="%"),
        "y2": {"datum": 0},
    }
    bars = vega.mark("rect", color=theme.ACCENT, fillOpacity=0.75, encoding=ends)
    return {"width": _SIDE, "height": _BARS, **bars}


def _caption(found: CalibrationOverSeeds) -> str:
    error, curve = found.expected_error, found.curve
    gap = float(((curve["accuracy"] - curve["confidence"]) * curve["share"]).sum())
    n = len(found.seeds)
    told = f"{100 * float(error.mean):.2f} points"
    if n > 1:
        half = 100 * float(error.high - error.low) / 2
        told += f" ± {half:.2f} (95% t interval over {n} seeds)"
    if round(abs(gap), 4) == 0:
        lean = "On the whole it is as sure as it is right"
    else:
        word = "less" if gap > 0 else "more"
        lean = f"On the whole it is {100 * abs(gap):.2f} points {word} sure than it is right"
    over = f"means over {n} seeds with 95% t intervals" if n > 1 else "one seed, so no intervals"
    return (
        f"How often {found.network} is right among test rows of which it is so and so sure "
        f"({over}); a network whose probabilities mean what they say lies on the dashed line. "
        f"{lean}. Expected calibration error, in {count(15, 'bin')} of equal width: {told}. Below: "
        "the fraction of rows in each bin; where few lie, the curve is uncertain."
    )
