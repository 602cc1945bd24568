"""AUROC against training step, and against the negative classes used in training."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mlplab.analysis.open_set.tasks import DetectorSeries, Task
from mlplab.figures import vega
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.areas import (
    AUROC_TIPS,
    area_of,
    clipped,
    mean_areas,
    series_keys,
)
from mlplab.figures.open_set.separation import notable
from mlplab.words import listed, listed_classes


def steps_figure(by_steps: Sequence[tuple[int, Task]], name: str) -> Figure | None:
    """AUROC of the notable detectors after so many training steps; the last is the full length."""
    if len(by_steps) < 2:
        return None
    ordered = sorted(by_steps, key=lambda pair: pair[0])
    last = ordered[-1][1]
    names = [s.detector for s in notable(last) if s.method is None]
    drawn = [
        (steps, series)
        for steps, task in ordered
        for detector in names
        if (series := task.of(detector)) is not None
    ]
    table = pd.DataFrame([{"steps": steps, **area_of(series)} for steps, series in drawn])
    return Figure(
        name=name,
        title=f"AUROC against training step: {last.split.title}",
        caption=_steps_caption(table, names, mean_areas([series for _, series in drawn])),
        table=table,
        drawing=_lines(table, names),
        keys=series_keys(names, shape="circle"),
    )


def _steps_caption(table: pd.DataFrame, names: Sequence[str], shown: str) -> str:
    first, last = int(table["steps"].min()), int(table["steps"].max())
    told = []
    for name in names[:4]:
        its = table[table["detector"] == name].set_index("steps")["auroc"]
        if first in its and last in its:
            told.append(f"{name} from {its[first]:.3f} to {its[last]:.3f}")
    return f"{shown[0].upper()}{shown[1:]}. From step {first:,} to {last:,}: {listed(told)}."


def negatives_figure(tasks: Sequence[Task], name: str) -> Figure | None:
    """AUROC on the same unknown classes by how many, and which, negative classes were given."""
    found: dict[tuple, tuple[dict[str, object], DetectorSeries]] = {}
    for task in tasks:
        for series in task.detectors:
            if series.method is not None or series.detector == "softmax":
                row = _given(task, series)
                found.setdefault((row["detector"], row["negatives"]), (row, series))
    table = pd.DataFrame([row for row, _ in found.values()])
    if table.empty or table["count"].nunique() < 2:
        return None
    names = list(dict.fromkeys(table["detector"]))
    return Figure(
        name=name,
        title=f"AUROC by negative classes: {listed_classes(tasks[0].split.unknown)} unknown",
        caption=_negatives_caption(table, names, mean_areas([s for _, s in found.values()])),
        table=table,
        drawing={
            "params": [vega.HIDDEN],
            "width": 460,
            "height": 300,
            "layer": _negatives_layers(table, names),
        },
        keys=series_keys(names, shape="circle"),
    )


def _given(task: Task, series: DetectorSeries) -> dict[str, object]:
    negative = () if series.method is None else task.split.negative
    return {
        **area_of(series),
        "count": len(negative),
        "negatives": listed_classes(negative) if negative else "none",
    }


def _negatives_layers(table: pd.DataFrame, names: Sequence[str]) -> list[vega.Spec]:
    """Lines through the means of each number of classes, a point a choice of classes."""
    averages = table.groupby(["detector", "count"], as_index=False)["auroc"].mean()
    averages = pd.concat([averages, _from_none(table, averages)], ignore_index=True)
    most = int(table["count"].max())
    at = {
        "x": vega.measure(
            "count",
            "negative classes given",
            domain=(-0.3, most + 0.6),
            values=list(range(most + 1)),
            format="d",
        ),
        "y": vega.measure("auroc", "AUROC"),
        "color": vega.coloured("detector", names),
    }
    shown = vega.not_hidden("detector")
    tips = [*vega.tips("detector:N", "negatives:N"), *AUROC_TIPS]
    named = at | {"text": vega.field("negatives:N")}
    return [
        vega.on_table(averages, vega.mark("line", shown, strokeWidth=1.5, encoding=at)),
        vega.on_table(table, vega.mark("point", shown, filled=True, size=50, opacity=1,
                                       encoding=at | {"tooltip": tips})),
        vega.on_table(
            table[table["count"].between(1, most - 1)],
            vega.mark("text", shown, dx=8, align="left", fontSize=10, encoding=named)),
    ]  # fmt: skip


def _from_none(table: pd.DataFrame, averages: pd.DataFrame) -> pd.DataFrame:
    """Every method's line begins at the softmax, which is what there is without negatives."""
    none = table[table["count"] == 0]["auroc"]
    if none.empty:
        return averages.iloc[:0]
    trained = [d for d in averages["detector"].unique() if d != "softmax"]
    return pd.DataFrame({"detector": trained, "count": 0, "auroc": float(none.iloc[0])})


def _negatives_caption(table: pd.DataFrame, names: Sequence[str], shown: str) -> str:
    told = []
    for name in names:
        its = table[(table["detector"] == name) & (table["count"] > 0)]
        if its.empty:
            continue
        best, most = its.loc[its["auroc"].idxmax()], its[its["count"] == its["count"].max()]
        told.append(
            f"{name} reaches {float(most['auroc'].max()):.3f} with all of them, and its best is "
            f"{best['auroc']:.3f} with {best['negatives']}"
        )
    none = table[table["count"] == 0]["auroc"]
    start = f"Without any, the softmax has {float(none.iloc[0]):.3f}. " if len(none) else ""
    return (
        f"{start}{shown[0].upper()}{shown[1:]} (in the tips); {listed(told)}. A point with one "
        "class is named by it; lines join the means of each number of classes."
    )


def _lines(table: pd.DataFrame, names: Sequence[str]) -> vega.Spec:
    values = sorted({int(v) for v in table["steps"]})
    ends, title = (values[0] * 0.9, values[-1] * 1.1), "training steps"
    x = vega.measure("steps", title, domain=ends, scale={"type": "log"}, values=values, format=",d")
    colour = vega.coloured("detector", names)
    shown = vega.not_hidden("detector")
    table, room = clipped(table)
    return {
        "data": vega.rows(table),
        "params": [vega.HIDDEN],
        "width": 460,
        "height": 300,
        "layer": [
            vega.mark("rule", shown, strokeWidth=1, opacity=0.6, encoding={
                "x": x, "y": vega.measure("low", "AUROC", domain=room),
                "y2": {"field": "high"}, "color": colour}),
            vega.mark("line", shown, point={"filled": True, "size": 40}, strokeWidth=1.8,
                      encoding={"x": x, "y": vega.measure("auroc", "AUROC", domain=room), "color": colour,
                                "tooltip": [
                          *vega.tips("detector:N", ("steps:Q", title, ",d")), *AUROC_TIPS]}),
        ],
    }  # fmt: skip
