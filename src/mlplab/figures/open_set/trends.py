"""AUROC against training step, against accuracy on known classes, and against negatives given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mlplab.analysis.open_set.tasks import Task
from mlplab.declarations.resolving.open_set_networks import listed_classes
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.separation import notable, room
from mlplab.figures.wording import listed


def steps_figure(by_steps: Sequence[tuple[int, Task]], name: str) -> Figure | None:
    """AUROC of the notable detectors after so many training steps; the last is the full length."""
    if len(by_steps) < 2:
        return None
    ordered = sorted(by_steps, key=lambda pair: pair[0])
    last = ordered[-1][1]
    names = [s.detector for s in notable(last) if s.method is None]
    rows = []
    for steps, task in ordered:
        for detector in names:
            series = task.of(detector)
            if series is not None:
                value, low, high = series.auroc()
                rows.append({"detector": detector, "steps": steps, "auroc": value, "low": low,
                             "high": high})  # fmt: skip
    table = pd.DataFrame(rows)
    return Figure(
        name=name,
        title=f"AUROC against training step: {last.split.title}",
        caption=_steps_caption(table, names),
        table=table,
        drawing=_lines(table, "steps", "training steps", names, log=True),
        keys=_keys(names),
    )


def _steps_caption(table: pd.DataFrame, names: Sequence[str]) -> str:
    first, last = int(table["steps"].min()), int(table["steps"].max())
    told = []
    for name in names[:4]:
        its = table[table["detector"] == name].set_index("steps")["auroc"]
        if first in its and last in its:
            told.append(f"{name} from {its[first]:.3f} to {its[last]:.3f}")
    return (
        "Means over seeds with 95% intervals for other seeds and test rows. From step "
        f"{first:,} to {last:,}: {listed(told)}."
    )


def negatives_figure(tasks: Sequence[Task], name: str) -> Figure | None:
    """AUROC on the same unknown classes by how many, and which, negative classes were given."""
    rows = []
    for task in tasks:
        given = len(task.split.negative)
        for series in task.detectors:
            if series.method is None and series.detector != "softmax":
                continue
            value, low, high = series.auroc()
            rows.append(
                {
                    "detector": series.detector,
                    "count": 0 if series.method is None else given,
                    "negatives": "none"
                    if series.method is None
                    else listed_classes(task.split.negative),
                    "auroc": value,
                    "low": low,
                    "high": high,
                }
            )
    table = pd.DataFrame(rows).drop_duplicates(["detector", "negatives"]) if rows else None
    if table is None or table["count"].nunique() < 2:
        return None
    names = list(dict.fromkeys(table["detector"]))
    averages = table.groupby(["detector", "count"], as_index=False)["auroc"].mean()
    averages = pd.concat([averages, _from_none(table, averages)], ignore_index=True)
    colours = {"domain": names, "range": [theme.colour(i) for i in range(len(names))]}
    most = int(table["count"].max())
    x = vega.field(
        "count:Q",
        title="negative classes given",
        scale={"domain": [-0.3, most + 0.6], "nice": False},
        axis={"values": list(range(most + 1)), "format": "d"},
    )
    y = vega.field("auroc:Q", title="AUROC", scale={"zero": False})
    colour = vega.field("detector:N", scale=colours)
    drawing = {
        "params": [vega.HIDDEN],
        "width": 460,
        "height": 300,
        "layer": [
            {
                "data": vega.rows(averages),
                **vega.mark("line", vega.not_hidden("detector"), strokeWidth=1.5,
                            encoding={"x": x, "y": y, "color": colour}),
            },
            {
                "data": vega.rows(table),
                **vega.mark("point", vega.not_hidden("detector"), filled=True, size=50, opacity=1,
                            encoding={"x": x, "y": y, "color": colour, "tooltip": [
                                vega.tip("detector:N"), vega.tip("negatives:N"),
                                vega.tip("auroc:Q", "AUROC", ".4f"),
                                vega.tip("low:Q", "95% from", ".4f"),
                                vega.tip("high:Q", "to", ".4f")]}),
            },
            {
                "data": vega.rows(table[table["count"].between(1, most - 1)]),
                **vega.mark("text", vega.not_hidden("detector"), dx=8, align="left", fontSize=10,
                            encoding={"x": x, "y": y, "color": colour,
                                      "text": vega.field("negatives:N")}),
            },
        ],
    }  # fmt: skip
    return Figure(
        name=name,
        title=f"What negatives are worth: {listed_classes(tasks[0].split.unknown)} unknown",
        caption=_negatives_caption(table, names),
        table=table,
        drawing=drawing,
        keys=_keys(names),
    )


def _from_none(table: pd.DataFrame, averages: pd.DataFrame) -> pd.DataFrame:
    """Every method's line begins at the softmax, which is what there is without negatives."""
    none = table[table["count"] == 0]["auroc"]
    if none.empty:
        return averages.iloc[:0]
    trained = [d for d in averages["detector"].unique() if d != "softmax"]
    return pd.DataFrame({"detector": trained, "count": 0, "auroc": float(none.iloc[0])})


def _negatives_caption(table: pd.DataFrame, names: Sequence[str]) -> str:
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
        f"{start}Means over seeds; {listed(told)}. A point with one class is named by it; lines "
        "join the means of each number of classes."
    )


def accuracy_figure(tasks: Sequence[Task], name: str) -> Figure | None:
    """AUROC against the accuracy on known classes, a point a network and seed."""
    rows = [
        {
            "detector": series.detector,
            "network": series.network,
            "seed": seed,
            "split": task.split.title,
            "accuracy": series.runs[seed].accuracy.value,
            "auroc": finding.metrics["auroc"],
            "roles": task.split.roles_in_words,
        }
        for task in tasks
        for series in task.detectors
        if series.method is None
        for seed, finding in series.findings.items()
    ]
    table = pd.DataFrame(rows)
    if len(table) == 0:
        return None
    # A network that is tested in two ways, with other thresholds, say, is one point where it is one.
    table = table.drop_duplicates(["detector", "network", "seed", "auroc", "roles"])
    table = table.drop(columns="roles")
    ranked = table.groupby("detector")["auroc"].mean().sort_values(ascending=False)
    names = [d for d in ("softmax", ranked.index[0]) if d in ranked.index]
    names = list(dict.fromkeys(names))
    table = table[table["detector"].isin(names)].reset_index(drop=True)
    if table["accuracy"].nunique() < 4:
        return None
    drawing = {
        "data": vega.rows(table),
        "params": [vega.HIDDEN],
        "width": 440,
        "height": 300,
        **vega.mark(
            "point",
            vega.not_hidden("detector"),
            filled=True,
            size=36,
            opacity=0.65,
            encoding={
                "x": vega.field("accuracy:Q", title="accuracy on known classes",
                                scale={"zero": False}),
                "y": vega.field("auroc:Q", title="AUROC", scale={"zero": False}),
                "color": vega.field("detector:N", scale={
                    "domain": names, "range": [theme.colour(i) for i in range(len(names))]}),
                "tooltip": [vega.tip("detector:N"), vega.tip("network:N"), vega.tip("seed:Q"),
                            vega.tip("split:N"), vega.tip("accuracy:Q", "accuracy", ".4f"),
                            vega.tip("auroc:Q", "AUROC", ".4f")],
            },
        ),
    }  # fmt: skip
    return Figure(
        name=name,
        title="AUROC against accuracy on known classes",
        caption=(
            "A point is one network and seed, at every training length and split that was tested. "
            f"Rank correlation: {listed([_correlation(table, d) for d in names])}. A better "
            "classifier is often a better detector, but the two are not the same."
        ),
        table=table,
        drawing=drawing,
        keys=_keys(names, line=False),
    )


def _correlation(table: pd.DataFrame, detector: str) -> str:
    its = table[table["detector"] == detector]
    ranks = its[["accuracy", "auroc"]].rank().to_numpy()
    if len(np.unique(ranks[:, 0])) < 2 or len(np.unique(ranks[:, 1])) < 2:
        return f"{detector} has none"
    return f"{detector} {np.corrcoef(ranks.T)[0, 1]:+.2f} (n = {len(its)})"


def _keys(names: Sequence[str], *, line: bool = True) -> tuple[Key, ...]:
    return tuple(
        Key(name, theme.colour(i), shape="circle", line=line, switch=name)
        for i, name in enumerate(names)
    )


def _lines(
    table: pd.DataFrame, column: str, title: str, names: Sequence[str], *, log: bool
) -> vega.Spec:
    scale = {"type": "log", "nice": False} if log else {"zero": False}
    values = sorted({int(v) for v in table[column]})
    x = vega.field(
        f"{column}:Q",
        title=title,
        scale=scale | {"domain": [values[0] * 0.9, values[-1] * 1.1]},
        axis={"values": values, "format": ",d"},
    )
    colours = {"domain": list(names), "range": [theme.colour(i) for i in range(len(names))]}
    colour = vega.field("detector:N", scale=colours)
    shown = vega.not_hidden("detector")
    least, most = room(table["auroc"], table)
    table = table.assign(low=table["low"].clip(lower=least), high=table["high"].clip(upper=most))
    tall = {"domain": [least, most], "nice": False}
    return {
        "data": vega.rows(table),
        "params": [vega.HIDDEN],
        "width": 460,
        "height": 300,
        "layer": [
            vega.mark("rule", shown, strokeWidth=1, opacity=0.6, encoding={
                "x": x, "y": vega.field("low:Q", title="AUROC", scale=tall),
                "y2": {"field": "high"}, "color": colour}),
            vega.mark("line", shown, point={"filled": True, "size": 40}, strokeWidth=1.8,
                      encoding={"x": x, "y": vega.field("auroc:Q", scale=tall),
                                "color": colour, "tooltip": [
                                    vega.tip("detector:N"), vega.tip(f"{column}:Q", title, ",d"),
                                    vega.tip("auroc:Q", "AUROC", ".4f"),
                                    vega.tip("low:Q", "95% from", ".4f"),
                                    vega.tip("high:Q", "to", ".4f")]}),
        ],
    }  # fmt: skip
