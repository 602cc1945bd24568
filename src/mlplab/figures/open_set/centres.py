"""Class centres: where rows lie along the line to their centre, and what variants achieve."""

from __future__ import annotations

import pandas as pd

from mlplab.analysis.open_set.tasks import Task
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.areas import area_of, clipped, dots_and_bars, mean_areas
from mlplab.figures.open_set.sides import SIDE_KEYS, line_at, side_bars, side_table
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


_SOFTMAX = {"color": theme.COLOURS[1], "strokeWidth": 1.6, "strokeDash": [5, 3]}


def along_figure(task: Task, name: str) -> Figure | None:
    """How far known and unknown rows reach along the line through their centre, one seed."""
    centre = task.of("class centre")
    if centre is None:
        return None
    seed, run = next(iter(centre.runs.items()))
    if run.centre is None:
        return None
    edges, table = run.centre.along.edges, side_table(run.centre.along)
    scale = {"domain": [edges[0], edges[-1]], "nice": False}
    title = "along the line, in lengths of the centre"
    x = vega.field("from:Q", title=title, scale=scale, axis={"format": "+.1f", "tickCount": 6})
    y = vega.field("share:Q", title="fraction of rows", axis={"format": "%"})
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
            "layer": [side_bars(x, y, "from", "+.2f"), line_at(0, scale, title)],
        },
        keys=SIDE_KEYS,
    )


def variants_figure(task: Task, name: str) -> Figure | None:
    """AUROC from the class centre over its variants to the neighbours, beside the softmax."""
    steps = [(told, s) for detector, told in _LADDER if (s := task.of(detector)) is not None]
    softmax = task.of("softmax")
    if len(steps) < 3 or softmax is None:
        return None
    table = pd.DataFrame([{"step": told, **area_of(series)} for told, series in steps])
    limits = pd.concat([table, pd.DataFrame([{"step": "softmax", **area_of(softmax)}])])
    drawn, room = clipped(limits)
    drawn, at = drawn.iloc[:-1], {"domain": list(room), "nice": False}
    y = vega.field("step:N", sort=list(table["step"]), title=None, axis={"labelLimit": 240})
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
            "layer": [
                line_at(softmax.auroc()[0], at, "AUROC", **_SOFTMAX),
                *dots_and_bars(y, room, {"value": theme.ACCENT}, "detector:N"),
            ],
        },
        keys=(Key("softmax", theme.COLOURS[1], dash=(5, 3)),),
    )
