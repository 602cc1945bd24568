"""How well detectors tell unknown from known: scores, ROC and OSCR curves, a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from mlplab.analysis.open_set.findings import DetectorFinding, Histogram
from mlplab.analysis.open_set.tasks import DetectorSeries, Task
from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.areas import (
    area_of,
    clipped,
    dots_and_bars,
    mean_areas,
    series_keys,
)
from mlplab.figures.open_set.sides import SIDE_KEYS, line_at, side_bars, side_table
from mlplab.figures.vega import Spec
from mlplab.words import count

_MOST_DRAWN = 8


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
    shown = _first_seeds(task, 6)
    if not shown:
        return None
    parts, panels = [], []
    for series, seed, finding in shown:
        histogram = finding.histogram
        assert histogram is not None
        part = side_table(histogram, detector=series.detector)
        parts.append(part)
        threshold = finding.threshold[0] if len(finding.threshold) == 1 else None
        panels.append(_scores_panel(series, part, threshold, histogram))
        seed_shown = seed
    logs = any(f.histogram is not None and f.histogram.of_equal_ratios for _, _, f in shown)
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
        keys=SIDE_KEYS,
    )


def _first_seeds(
    task: Task, most: int = _MOST_DRAWN
) -> list[tuple[DetectorSeries, int, DetectorFinding]]:
    """Of the notable detectors, the first seed whose histogram was kept."""
    found = []
    for series in notable(task, most):
        kept = [
            (series, *pair) for pair in series.findings.items() if pair[1].histogram is not None
        ]
        found += kept[:1]
    return found


def _scores_panel(
    series: DetectorSeries, part: pd.DataFrame, threshold: float | None, histogram: Histogram
) -> Spec:
    edges = histogram.edges
    scale = {"domain": [edges[0], edges[-1]], "nice": False}
    axis: Spec = {"tickCount": 4}
    if histogram.of_equal_ratios:
        scale["type"] = "log"
        axis["format"] = "~e"
    x = vega.field("from:Q", title=None, scale=scale, axis=axis)
    y = vega.field("share:Q", title=None, axis={"format": "%", "tickCount": 3})
    layers = [side_bars(x, y, "score from", ".3~g")]
    if threshold is not None and edges[0] <= threshold <= edges[-1]:
        layers.append(line_at(threshold, scale))
    return {
        "title": {
            "text": f"{series.detector}, AUROC {series.auroc()[0]:.3f}",
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
    shown = _first_seeds(task)
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
    notes = [f"{float(series.mean(metric).mean):.3f}" for series, _, _ in shown]
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
        keys=series_keys(names, notes),
    )


def _curves(names: Sequence[str], x: str, y: str) -> Spec:
    axis = {"scale": {"domain": [0, 1]}, "axis": {"format": "%", "tickCount": 5}}
    return vega.mark(
        "line",
        vega.not_hidden("detector"),
        strokeWidth=1.8,
        encoding={
            "x": vega.field("x:Q", title=x, **axis),
            "y": vega.field("y:Q", title=y, **axis),
            "order": vega.field("place:Q"),
            "color": vega.coloured("detector", names),
            "tooltip": vega.tips("detector:N", ("x:Q", x, ".1%"), ("y:Q", y, ".1%")),
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
    drawn, shown = clipped(table, points["auroc"])
    return Figure(
        name=name,
        title=f"Detectors: {task.split.title}",
        caption=_ranking_caption(task),
        table=table,
        drawing={
            "data": vega.rows(drawn),
            "width": 460,
            "height": {"step": 22},
            "layer": _ranking_layers(points, list(table["detector"]), shown),
        },
    )


def _ranking_layers(
    points: pd.DataFrame, order: list[str], shown: tuple[float, float]
) -> list[Spec]:
    colour = {
        "condition": {"test": "datum.may_be_best == 'yes'", "value": theme.ACCENT},
        "value": theme.GREY,
    }
    x = vega.measure("auroc", "AUROC", domain=shown, tickCount=6)
    y = vega.field("detector:N", sort=order, title=None, axis={"labelLimit": 260})
    seeds = vega.mark(
        "tick", thickness=1, size=9, opacity=0.45, color=theme.MUTED, encoding={"x": x, "y": y}
    )
    means = dots_and_bars(y, shown, colour, "detector:N", "training:N")
    return [vega.on_table(points, seeds), *means]


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
