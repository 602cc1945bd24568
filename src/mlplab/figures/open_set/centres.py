"""Class centres: where rows lie along the line to their centre, and what variants achieve."""

from __future__ import annotations

import pandas as pd

from mlplab.analysis.open_set.tasks import Task
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.areas import AUROC_TIPS, area_of, mean_areas
from mlplab.figures.open_set.separation import SIDES, room
from mlplab.words import listed

_LADDER = (
    ("class centre (on inputs)", "centre of the inputs"),
    ("class centre", "class centre"),
    ("class centre (one-sided)", "… one-sided"),
    ("class centre (directions)", "… of directions only"),
    ("class centre (directions, 10 a class)", "… with 10 centres a class"),
    ("class centre (directions, 100 a class)", "… with 100 centres a class"),
    ("nearest neighbours", "nearest neighbours"),
)


def along_figure(task: Task, name: str) -> Figure | None:
    """How far known and unknown rows reach along the line through their centre, one seed."""
    centre = task.of("class centre")
    if centre is None:
        return None
    seed, run = next(iter(centre.runs.items()))
    if run.centre is None:
        return None
    seen, edges = run.centre.along, run.centre.along.edges
    table = pd.DataFrame(
        [
            {"side": side, "from": low, "to": high, "share": share}
            for side, shares in (("known", seen.known), ("unknown", seen.unknown))
            for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True)
        ]
    )
    return Figure(
        name=name,
        title="Where inputs lie as seen from the centre of the class they are taken for",
        caption=(
            "Last hidden activations on the line from the origin (−1) through the centre (0), seed "
            f"{seed}. {run.centre.unknown_beyond:.0%} of unknown rows reach beyond the centre, and "
            f"{run.centre.known_beyond:.0%} of known ones. A distance "
            "counts both sides alike."
        ),
        table=table,
        drawing={
            "data": vega.rows(table),
            "width": 330,
            "height": 210,
            "layer": _along_layers([edges[0], edges[-1]]),
        },
        keys=tuple(Key(f"{side} test rows", colour) for side, colour in SIDES.items()),
    )


def _along_layers(shown: list[float]) -> list[vega.Spec]:
    scale = {"domain": shown, "nice": False}
    title = "along the line, in lengths of the centre"
    x = vega.field("from:Q", title=title, scale=scale,
                   axis={"format": "+.1f", "tickCount": 6})  # fmt: skip
    colours = {"domain": list(SIDES), "range": list(SIDES.values())}
    return [
        vega.mark("rect", opacity=0.5, encoding={
            "x": x, "x2": {"field": "to"},
            "y": vega.field("share:Q", title="fraction of rows", axis={"format": "%"}),
            "y2": {"datum": 0},
            "color": vega.field("side:N", scale=colours),
            "tooltip": [vega.tip("side:N", "rows"), vega.tip("from:Q", "from", "+.2f"),
                        vega.tip("to:Q", "to", "+.2f"), vega.tip("share:Q", "share", ".1%")]}),
        {"data": {"values": [{"at": 0}]},
         **vega.mark("rule", color=theme.INK, strokeWidth=1.2,
                     encoding={"x": vega.field("at:Q", title=title, scale=scale)})},
    ]  # fmt: skip


def variants_figure(task: Task, name: str) -> Figure | None:
    """AUROC from the class centre over its variants to the neighbours, beside the softmax."""
    steps = [(told, s) for detector, told in _LADDER if (s := task.of(detector)) is not None]
    softmax = task.of("softmax")
    if len(steps) < 3 or softmax is None:
        return None
    table = pd.DataFrame([{"step": told, **area_of(series)} for told, series in steps])
    limits = pd.concat([table, pd.DataFrame([{"step": "softmax", **area_of(softmax)}])])
    low, high = room(limits["auroc"], limits)
    drawn = table.assign(low=table["low"].clip(lower=low), high=table["high"].clip(upper=high))
    shown = mean_areas([softmax, *(series for _, series in steps)])
    told = [f"{row.step.removeprefix('… ')} {row.auroc:.3f}" for row in table.itertuples()]
    return Figure(
        name=name,
        title="Variants of the class centre",
        caption=(
            f"AUROC, {shown}; each step beside the one before it: "
            f"{listed(told)}; the softmax has {softmax.auroc()[0]:.3f}. All on the last hidden "
            "layer unless it says otherwise."
        ),
        table=table,
        drawing={
            "data": vega.rows(drawn),
            "width": 330,
            "height": {"step": 28},
            "layer": _variants_layers(list(table["step"]), softmax.auroc()[0], [low, high]),
        },
        keys=(Key("softmax", theme.COLOURS[1], dash=(5, 3)),),
    )


def _variants_layers(steps: list[str], softmax: float, shown: list[float]) -> list[vega.Spec]:
    scale = {"domain": shown, "nice": False}
    x = vega.field("auroc:Q", title="AUROC", scale=scale)
    y = vega.field("step:N", sort=steps, title=None, axis={"labelLimit": 240})
    tips = [vega.tip("detector:N"), *AUROC_TIPS]
    return [
        {"data": {"values": [{"at": softmax}]},
         **vega.mark("rule", color=theme.COLOURS[1], strokeWidth=1.6, strokeDash=[5, 3],
                     encoding={"x": vega.field("at:Q", title="AUROC", scale=scale)})},
        vega.mark("rule", strokeWidth=2, color=theme.ACCENT, encoding={
            "x": vega.field("low:Q", scale=scale, title="AUROC"), "x2": {"field": "high"},
            "y": y, "tooltip": tips}),
        vega.mark("point", filled=True, size=60, opacity=1, color=theme.ACCENT,
                  encoding={"x": x, "y": y, "tooltip": tips}),
    ]  # fmt: skip
