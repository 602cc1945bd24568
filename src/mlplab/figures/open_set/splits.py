"""Many splits at once: the distribution of AUROC, and which pairs of classes drive it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from mlplab.analysis.open_set.all_splits import PairEffect, pair_effects, split_table
from mlplab.analysis.open_set.tasks import Task
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.areas import interval_tells_of
from mlplab.words import count, listed, signed

MOST_DETECTORS = 16
MOST_CLASSES = 20
"""Drawn; of more, those of the best medians and of the largest effects."""


def distribution_figure(tasks: Sequence[Task], usual: Sequence[Task], name: str) -> Figure:
    """AUROC of every split by detector; the usual 6/4 splits marked where they were tested."""
    every = split_table(tasks).assign(kind="split")
    marked = split_table(usual).assign(kind="usual 6/4 split") if usual else every.iloc[:0]
    table = pd.concat([every, marked], ignore_index=True) if usual else every
    medians = every.groupby("detector")["auroc"].median().sort_values(ascending=False)
    order = list(medians.index)[:MOST_DETECTORS]
    left_out = len(medians) - len(order)
    every, marked = (t[t["detector"].isin(order)] for t in (every, marked))
    box = every.groupby("detector")["auroc"].quantile([0.05, 0.25, 0.5, 0.75, 0.95]).unstack()
    box.columns = ["low", "lower", "middle", "upper", "high"]
    y = vega.field("detector:N", sort=order, title=None, axis={"labelLimit": 240})
    tips = vega.tips(
        "split:N", ("auroc:Q", "AUROC", ".4f"), ("accuracy:Q", "accuracy on known", ".4f")
    )
    point = {"x": vega.measure("auroc", "AUROC"), "y": y, "tooltip": tips}

    def part(kind: str, x: str, x2: str | None = None, **look: Any) -> vega.Spec:
        """Of the box of a detector."""
        ends = {"x": vega.field(f"{x}:Q")} | ({"x2": {"field": x2}} if x2 else {})
        drawn = vega.mark(kind, yOffset=7, encoding={**ends, "y": y}, **look)
        return vega.on_table(box.reset_index(), drawn)

    layers = [
        vega.on_table(every, vega.mark("tick", thickness=1, size=14, opacity=0.28, yOffset=-7,
                                       color=theme.ACCENT, encoding=point)),
        part("rule", "low", "high", color=theme.GREY, strokeWidth=1.2),
        part("rule", "lower", "upper", color=theme.GREY, strokeWidth=6, opacity=0.6),
        part("tick", "middle", color=theme.INK, size=12, thickness=2),
    ]  # fmt: skip
    keys = [Key(f"one of {len(tasks)} splits", theme.ACCENT),
            Key("middle 90% and half, median", theme.GREY)]  # fmt: skip
    if usual:
        diamond = vega.mark("point", shape="diamond", filled=True, size=46, opacity=1, yOffset=7,
                            color=theme.COLOURS[1], encoding=point)  # fmt: skip
        layers.append(vega.on_table(marked, diamond))
        keys.append(Key("a usual 6/4 split", theme.COLOURS[1], shape="diamond", line=False))
    return Figure(
        name=name,
        title=f"AUROC of {len(tasks)} splits by detector",
        caption=_caption(every, marked if usual else None, order)
        + (f" The {left_out:,} detectors of the lowest medians are not drawn." if left_out else ""),
        table=table,
        drawing={"width": 480, "height": {"step": 38}, "layer": layers},
        keys=tuple(keys),
    )


def _caption(every: pd.DataFrame, marked: pd.DataFrame | None, order: Sequence[str]) -> str:
    told = []
    for detector in order[:3]:
        its = every[every["detector"] == detector]["auroc"]
        told.append(
            f"{detector} from {its.min():.3f} to {its.max():.3f}, median {its.median():.3f}"
        )
    words = (
        f"{count(every['split'].nunique(), 'division')} of the classes, a network each: "
        f"{listed(told)}. "
    )
    best = every[every["detector"] == order[0]]
    hard, easy = best.loc[best["auroc"].idxmin()], best.loc[best["auroc"].idxmax()]
    if hard["auroc"] < easy["auroc"]:
        words += f"For {order[0]}, hardest is {hard['split']}, easiest {easy['split']}."
    if marked is not None and len(marked):
        means = marked.groupby("detector")["auroc"].mean()
        told = [
            f"{d} {means[d]:.3f} (above {(every[every['detector'] == d]['auroc'] < means[d]).mean():.0%} "
            "of all)"
            for d in order[:3]
            if d in means
        ]
        tested = count(marked["split"].nunique(), "usual 6/4 split")
        words += f" The mean of {tested}: {listed(told)}."
    return words


def pairs_figure(tasks: Sequence[Task], detector: str, name: str) -> Figure | None:
    """What separating each pair of classes does to AUROC."""
    effects = pair_effects(tasks, detector)
    if not effects:
        return None
    shown = _of_largest_effect(effects)
    table = pd.DataFrame(
        [
            {"one": one, "other": other, "effect": float(e.effect.mean), "told": signed(e.effect)}
            for e in effects
            for one, other in ((e.first, e.second), (e.second, e.first))
            if {one, other} <= shown
        ]
    )
    names = sorted(shown)
    reach = float(table["effect"].abs().max())
    quiet = {"domain": False, "ticks": False, "grid": False}
    colours = {"domain": [-reach, 0, reach], "range": ["#b2481e", "#f7f7f7", "#2f76cf"]}
    dark = {"test": f"abs(datum.effect) > {0.85 * reach:.6f}", "value": "#ffffff"}
    return Figure(
        name=name,
        title=f"Pairs of classes that drive AUROC ({detector})",
        caption=(
            "Mean AUROC of the splits in which one class of a pair is known and the other is not, "
            "less that of the splits in which they are together, in hundredths; 95% intervals "
            f"{interval_tells_of([int(effects[0].effect.n)], rows=True)}, each by itself. Most harmful to "
            f"separate: {listed([_told(e) for e in effects[:4]])}; least: "
            f"{listed([_told(e) for e in effects[-2:][::-1]])}."
            + (f" Drawn are the {MOST_CLASSES} classes of the largest effects; the CSV file has all "
               "pairs." if len(names) < len({c for e in effects for c in (e.first, e.second)}) else "")
        ),
        table=pd.DataFrame(
            [(e.first, e.second, *map(float, (e.effect.mean, e.effect.low, e.effect.high)))
             for e in effects],
            columns=["first", "second", "effect", "low", "high"],
        ),
        drawing={
            "data": vega.rows(table),
            "width": 36 * len(names),
            "height": 32 * len(names),
            "encoding": {
                "x": vega.field("one:N", sort=names, title=None,
                                axis=quiet | {"orient": "top", "labelAngle": 0}),
                "y": vega.field("other:N", sort=names, title=None, axis=quiet),
            },
            "layer": [
                vega.mark("rect", stroke="#ffffff", strokeWidth=1, encoding={
                    "color": vega.field("effect:Q", legend=None, scale=colours),
                    "tooltip": vega.tips("one:N", "other:N", ("told:N", "effect on AUROC"))}),
                vega.mark("text",
                          {"calculate": "format(100 * datum.effect, '+.1f')", "as": "text"},
                          fontSize=9, encoding={"text": vega.field("text:N"),
                                                "color": {"condition": dark,
                                                          "value": theme.INK}}),
            ],
        },
    )  # fmt: skip


def _of_largest_effect(effects: Sequence[PairEffect]) -> set[str]:
    """The classes to be drawn: all, or `MOST_CLASSES` of those whose pairs have large effects."""
    found: dict[str, None] = {}
    for effect in sorted(effects, key=lambda e: -abs(float(e.effect.mean))):
        found.update(dict.fromkeys((effect.first, effect.second)))
    return set(list(found)[:MOST_CLASSES])


def _told(effect: PairEffect) -> str:
    return f"{effect.first} and {effect.second} ({signed(effect.effect)})"
