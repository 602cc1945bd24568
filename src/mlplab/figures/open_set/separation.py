"""How well detectors tell unknown from known: scores, ROC and OSCR curves, a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from mlplab.analysis.open_set.findings import Histogram
from mlplab.analysis.open_set.tasks import DetectorSeries, Task
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.areas import AUROC_TIPS, area_of, mean_areas
from mlplab.figures.vega import Spec
from mlplab.words import count

_MOST_DRAWN = 8
SIDES = {"known": theme.COLOURS[0], "unknown": theme.COLOURS[1]}


def notable(task: Task, most: int = _MOST_DRAWN) -> list[DetectorSeries]:
    """The best detectors, and the simple ones that people know, best first."""
    familiar = ("softmax", "class centre", "sigmoid output", "mahalanobis", "nearest neighbours")
    kept = {d.detector for d in task.detectors if d.detector in familiar}
    for series in task.ranked:
        if len(kept) < most:
            kept.add(series.detector)
    return [series for series in task.ranked if series.detector in kept][:most]


def scores_figure(task: Task, name: str) -> Figure | None:
    """Histograms of scores of known and of unknown test rows, a panel a detector."""
    shown = [(s, *first) for s in notable(task, 6) if (first := _first(s)) is not None]
    if not shown:
        return None
    parts, panels = [], []
    for series, seed, finding in shown:
        histogram = finding.histogram
        assert histogram is not None
        part = _score_fractions(series.detector, histogram)
        parts.append(part)
        threshold = finding.threshold[0] if len(finding.threshold) == 1 else None
        panels.append(_scores_panel(series, part, threshold, histogram))
        seed_shown = seed
    logs = any(f.histogram is not None and f.histogram.of_equal_ratios for _, _, f in shown)
    keys = tuple(Key(f"{side} test rows", colour) for side, colour in SIDES.items())
    return Figure(
        name=name,
        title=f"Scores of known and unknown inputs: {task.split.title}",
        caption=(
            f"Fraction of test rows by score, higher being more unknown, of seed {seed_shown}; the "
            "line is the threshold, and what lies to its right is rejected. Scores beyond the "
            "middle 99.6% are counted at the ends"
            + (", and where they span orders of magnitude the axis is logarithmic" if logs else "")
            + ". Where the two sides overlap no threshold helps."
        ),
        table=pd.concat(parts, ignore_index=True),
        drawing={"concat": panels, "columns": 3, "spacing": {"row": 34, "column": 26}},
        keys=keys,
    )


def _first(series: DetectorSeries):  # type: ignore[no-untyped-def]
    """(seed, finding) of the first seed whose histogram was kept, None if none was."""
    kept = ((s, f) for s, f in series.findings.items() if f.histogram is not None)
    return next(kept, None)


def _score_fractions(detector: str, histogram: Histogram) -> pd.DataFrame:
    edges = histogram.edges
    return pd.DataFrame(
        [
            {"detector": detector, "side": side, "from": low, "to": high, "share": share}
            for side, shares in (("known", histogram.known), ("unknown", histogram.unknown))
            for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True)
        ]
    )


def _scores_panel(
    series: DetectorSeries, part: pd.DataFrame, threshold: float | None, histogram: Histogram
) -> Spec:
    edges = histogram.edges
    scale = {"domain": [edges[0], edges[-1]], "nice": False}
    axis: Spec = {"tickCount": 4}
    if histogram.of_equal_ratios:
        scale["type"] = "log"
        axis["format"] = "~e"
    layers: list[Spec] = [_score_bars(scale, axis)]
    if threshold is not None and edges[0] <= threshold <= edges[-1]:
        line = vega.mark(
            "rule", color=theme.INK, strokeWidth=1.2,
            encoding={"x": vega.field("at:Q", scale=scale)},
        )  # fmt: skip
        layers.append({"data": {"values": [{"at": threshold}]}, **line})
    mean = series.auroc()[0]
    return {
        "title": {
            "text": f"{series.detector}, AUROC {mean:.3f}",
            "anchor": "start",
            "frame": "group",
            "offset": 8,
            "fontSize": 11,
            "fontWeight": "normal",
        },
        "data": vega.rows(part),
        "width": 190,
        "height": 96,
        "layer": layers,
    }


def _score_bars(scale: Spec, axis: Spec) -> Spec:
    sides = {"domain": list(SIDES), "range": list(SIDES.values())}
    return vega.mark(
        "rect",
        opacity=0.5,
        encoding={
            "x": vega.field("from:Q", title=None, scale=scale, axis=axis),
            "x2": {"field": "to"},
            "y": vega.field("share:Q", title=None, axis={"format": "%", "tickCount": 3}),
            "y2": {"datum": 0},
            "color": vega.field("side:N", scale=sides),
            "tooltip": [
                vega.tip("side:N", "rows"),
                vega.tip("from:Q", "score from", ".3~g"),
                vega.tip("to:Q", "to", ".3~g"),
                vega.tip("share:Q", "share", ".1%"),
            ],
        },
    )


_TITLES = {"roc": "ROC curves", "oscr": "OSCR curves"}
_AXES = {
    "roc": ("known inputs rejected", "unknown inputs rejected"),
    "oscr": ("unknown inputs accepted", "known inputs accepted and right"),
}
_READ = {
    "roc": "How many known inputs are rejected for every fraction of unknown inputs rejected",
    "oscr": "How many known inputs are still answered right for every fraction of unknown inputs "
    "accepted; a curve ends at the accuracy on known classes",
}


def curves_figure(task: Task, kind: Literal["roc", "oscr"], name: str) -> Figure | None:
    """ROC or OSCR curves of the notable detectors, of the first seed."""
    shown = [(s, *first) for s in notable(task) if (first := _first(s)) is not None]
    if not shown:
        return None
    parts = []
    for series, _, finding in shown:
        curve = finding.roc if kind == "roc" else finding.oscr
        assert curve is not None
        parts.append(pd.DataFrame({"detector": series.detector, "x": curve.x, "y": curve.y}))
    table = pd.concat(parts, ignore_index=True)
    names = [series.detector for series, _, _ in shown]
    metric = "auroc" if kind == "roc" else "oscr"
    keys = tuple(
        Key(label, theme.colour(i), note=f"{float(series.mean(metric).mean):.3f}", switch=label)
        for i, (label, (series, _, _)) in enumerate(zip(names, shown, strict=True))
    )
    seeds = len(shown[0][0].findings)
    areas = f"means over {count(seeds, 'seed')}" if seeds > 1 else "of this seed"
    return Figure(
        name=name,
        title=f"{_TITLES[kind]}: {task.split.title}",
        caption=f"{_READ[kind]}, of seed {shown[0][1]}; areas in the legend are {areas}.",
        table=table,
        drawing={
            "data": vega.rows(table.assign(place=range(len(table)))),
            "params": [vega.HIDDEN],
            "width": 420,
            "height": 340,
            "layer": [_curves(names, *_AXES[kind])],
        },
        keys=keys,
    )


def _curves(names: Sequence[str], x: str, y: str) -> Spec:
    axis = {"scale": {"domain": [0, 1]}, "axis": {"format": "%", "tickCount": 5}}
    colours = {"domain": list(names), "range": [theme.colour(i) for i in range(len(names))]}
    return vega.mark(
        "line",
        vega.not_hidden("detector"),
        strokeWidth=1.8,
        encoding={
            "x": vega.field("x:Q", title=x, **axis),
            "y": vega.field("y:Q", title=y, **axis),
            "order": vega.field("place:Q"),
            "color": vega.field("detector:N", scale=colours),
            "tooltip": [
                vega.tip("detector:N"),
                vega.tip("x:Q", x, ".1%"),
                vega.tip("y:Q", y, ".1%"),
            ],
        },
    )


def ranking_figure(task: Task, name: str) -> Figure:
    """Every detector's mean AUROC with its interval, the best first."""
    table = pd.DataFrame(
        [
            {
                **area_of(series),
                "training": series.method or "plain",
                "seeds": len(series.findings),
                "may_be_best": "yes" if series.detector in task.may_be_best else "no",
            }
            for series in task.ranked
        ]
    )[["detector", "training", "auroc", "low", "high", "seeds", "may_be_best"]]
    points = pd.DataFrame(
        [
            {"detector": series.detector, "auroc": value}
            for series in task.ranked
            for value in series.values("auroc")
        ]
    )
    low, high = room(points["auroc"], table)
    drawn = table.assign(low=table["low"].clip(lower=low), high=table["high"].clip(upper=high))
    return Figure(
        name=name,
        title=f"Detectors: {task.split.title}",
        caption=_ranking_caption(task),
        table=table,
        drawing={
            "data": vega.rows(drawn),
            "width": 460,
            "height": {"step": 22},
            "layer": _ranking_layers(points, list(table["detector"]), [low, high]),
        },
    )


def _ranking_layers(points: pd.DataFrame, order: list[str], shown: list[float]) -> list[Spec]:
    colour = {
        "condition": {"test": "datum.may_be_best == 'yes'", "value": theme.ACCENT},
        "value": theme.GREY,
    }
    scale = {"domain": shown, "nice": False}
    x = vega.field("auroc:Q", scale=scale, title="AUROC", axis={"tickCount": 6})
    y = vega.field("detector:N", sort=order, title=None, axis={"labelLimit": 260})
    tips = [vega.tip("detector:N"), vega.tip("training:N"), *AUROC_TIPS]
    bar = {
        "x": vega.field("low:Q", scale=scale, title="AUROC", axis={"tickCount": 6}),
        "x2": {"field": "high"}, "y": y,
        "color": colour, "tooltip": tips,
    }  # fmt: skip
    dot = {"x": x, "y": y, "color": colour, "tooltip": tips}
    seeds = vega.mark(
        "tick", thickness=1, size=9, opacity=0.45, color=theme.MUTED, encoding={"x": x, "y": y}
    )
    return [
        {"data": vega.rows(points), **seeds},
        vega.mark("rule", strokeWidth=2, encoding=bar),
        vega.mark("point", filled=True, size=60, opacity=1, encoding=dot),
    ]


def room(values: pd.Series, table: pd.DataFrame) -> tuple[float, float]:
    """The AUROCs that an axis shows: all values, and intervals as far as they do not flatten them.

    An interval of two seeds may be ten times as long as anything measured; it is cut at the edge.
    """
    least, most = float(values.min()), float(values.max())
    reach = max(0.02, 0.5 * (most - least))
    low = max(least - reach, min(least, float(table["low"].min())) - 0.002, 0.0)
    high = min(most + reach, max(most, float(table["high"].max())) + 0.002, 1.0)
    return low, high


def _ranking_caption(task: Task) -> str:
    ticks = ", ticks the seeds" if any(len(d.findings) > 1 for d in task.detectors) else ""
    words = f"Dots and bars are {mean_areas(task.detectors)}{ticks}."
    if len(task.seeds) > 1 and len(task.detectors) > 1:
        on = "" if task.covers_rows else " on these test rows"
        words += (
            f" In blue are the best{on} and those that may be: whose difference from it, on the "
            "same seeds and rows, is not surely below 0."
        )
    return words
