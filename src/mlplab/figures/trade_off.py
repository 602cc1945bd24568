"""Accuracy against what it cost: parameters, arithmetic or seconds, with intervals on both."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from mlplab.analysis.timing import measured_once
from mlplab.declarations.task import METRICS
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.figure import Figure
from mlplab.figures.final_values import Finals, by_network
from mlplab.figures.many import MOST_SERIES
from mlplab.figures.metric_titles import digits_of
from mlplab.figures.vega import Spec
from mlplab.statistics.intervals import t_interval
from mlplab.statistics.pareto import pareto_front
from mlplab.words import SPLITS, count, listed, middle_cut, number

Cost = Literal["parameters", "training_flops", "seconds"]
COSTS: dict[Cost, str] = {
    "parameters": "parameters",
    "training_flops": "training arithmetic (FLOPs)",
    "seconds": "training seconds on this machine",
}
_NAMED_COSTS = {
    "parameters": "parameters",
    "training_flops": "training arithmetic",
    "seconds": "training time",
}


def trade_off_figure(summary: pd.DataFrame, found: Finals, cost: Cost, name: str) -> Figure | None:
    """One point a network, and the front of those that none beats in both; None without costs."""
    table = _table(summary, found, cost)
    if table is None or len(table) < 2:
        return None
    many = len(table) > MOST_SERIES
    front = table[table["front"]].sort_values("cost")
    return Figure(
        name=name,
        title=f"{SPLITS[found.split].capitalize()} {found.title} against {_NAMED_COSTS[cost]}",
        caption=_caption(front, table, found, cost),
        table=table.rename(columns={"cost": cost}),
        drawing=_drawing(table, found, cost, many),
        keys=()
        if many
        else tuple(
            Key.of_series(i, row.network, "front" if row.front else "", line=False)
            for i, row in enumerate(table.itertuples())
        ),
    )


def _table(summary: pd.DataFrame, found: Finals, cost: Cost) -> pd.DataFrame | None:
    """A row a network, in the order of the study."""
    if cost not in summary:
        return None
    names, values, _ = by_network(summary, cost)
    if cost == "seconds":
        values = measured_once(values)
    interval = t_interval(values, axis=1, bounds=(0, np.inf))
    place = {name: i for i, name in enumerate(found.networks)}
    kept = [i for i, name in enumerate(names) if name in place and interval.n[i] > 0]
    if not kept:
        return None
    at = [place[names[i]] for i in kept]
    table = pd.DataFrame(
        {
            "network": [names[i] for i in kept],
            "cost": interval.mean[kept],
            "cost_low": interval.low[kept],
            "cost_high": interval.high[kept],
            found.metric: found.means.mean[at],
            "low": found.means.low[at],
            "high": found.means.high[at],
            "n": found.means.n[at],
        }
    )
    good = METRICS[found.metric].sign * table[found.metric].to_numpy()
    table["front"] = pareto_front(table["cost"].to_numpy(), good)
    return table


def _drawing(table: pd.DataFrame, found: Finals, cost: Cost, many: bool) -> Spec:
    names = table["network"].tolist()
    front = table[table["front"]]
    log = {"type": "log", "padding": 24, "nice": False}
    axis = {"format": "~g" if cost == "seconds" else "~s", "tickCount": 6, "grid": False}
    places = {
        "x": vega.field("cost:Q", title=COSTS[cost], scale=log, axis=axis),
        "y": vega.measure(found.metric, f"final {SPLITS[found.split]} {found.title}"),
    }
    colour: Spec = {"value": theme.ACCENT} if many else vega.coloured("network", names)
    shape: Spec = {"value": "circle"} if many else vega.shaped("network", names)
    named = {
        "data": vega.rows(_drawable(front if many else table)),
        "transform": [vega.not_hidden("network")],
        "encoding": places | {"color": colour},
        "layer": [
            *_intervals(bool((table["cost_high"] > table["cost_low"]).any())),
            _points(found, cost, shape),
            *_names(front, found.metric),
        ],
    }
    step = vega.mark("line", interpolate="step-after", strokeWidth=1, strokeDash=[4, 3],
                     color=theme.GREY, encoding=places)  # fmt: skip
    layers = [vega.on_table(front.astype({"front": int}), step), named]
    return {
        "params": [vega.HIDDEN],
        "width": theme.WIDTH,
        "height": theme.HEIGHT,
        "layer": [_cloud(table, found.metric, places), *layers] if many else layers,
    }


def _intervals(spread: bool) -> list[Spec]:
    """Bars of the metric, and of cost where it is spread."""
    sides = [("low", {"y": vega.field("low:Q"), "y2": {"field": "high"}})]
    if spread:
        sides.append(("cost_high", {"x": vega.field("cost_low:Q"), "x2": {"field": "cost_high"}}))
    return [
        vega.mark("rule", vega.where(f"isValid(datum.{limit})"), strokeWidth=1.4, encoding=ends)
        for limit, ends in sides
    ]


def _points(found: Finals, cost: Cost, shape: Spec) -> Spec:
    digits = digits_of(found.metric)
    tips = vega.tips(
        "network:N", ("cost:Q", COSTS[cost], ",.4~g" if cost == "seconds" else ",.4~s"),
        (f"{found.metric}:Q", f"mean {found.title}", digits), ("low:Q", "95% from", digits),
        ("high:Q", "to", digits), ("n:Q", "runs"),
    )  # fmt: skip
    channels = {"shape": shape, "tooltip": tips}
    return vega.mark("point", filled=True, size=64, opacity=1, encoding=channels)


def _drawable(table: pd.DataFrame) -> pd.DataFrame:
    """Without what a logarithmic axis cannot show: a limit below zero ends at half the mean."""
    low = np.maximum(table["cost_low"], table["cost"] / 2)
    labels = [middle_cut(name) for name in table["network"]]
    return table.assign(cost_low=low, front=table["front"].astype(int), label=labels)


def _names(front: pd.DataFrame, metric: str) -> list[Spec]:
    """The names of networks of the front, leaning away from the nearer edge."""
    named = _with_room(front, metric)
    middle = float(np.sqrt(front["cost"].min() * front["cost"].max()))
    left = front[front["cost"] < middle]["network"].tolist()
    sides = (
        ([n for n in named if n in left], "left", 8),
        ([n for n in named if n not in left], "right", -8),
    )
    label = {"text": vega.field("label:N")}
    return [
        vega.mark("text", {"filter": {"field": "network", "oneOf": names}}, align=align, dx=dx,
                  dy=-9, fontSize=10.5, encoding=label)
        for names, align, dx in sides
    ]  # fmt: skip


def _with_room(front: pd.DataFrame, metric: str) -> list[str]:
    """The networks of the front whose names can stand beside their points without touching."""
    across = np.log10(front["cost"].to_numpy())
    up = front[metric].to_numpy()
    across = (across - across.min()) / max(float(np.ptp(across)), 1e-12) * theme.WIDTH * 0.8
    up = (up - up.min()) / max(float(np.ptp(up)), 1e-12) * theme.HEIGHT * 0.6
    placed: list[int] = []
    # The best and the cheapest first: if only two names have room, it is theirs.
    for i in sorted(range(len(front)), key=lambda i: min(i, len(front) - 1 - i)):
        wide = 6 * len(middle_cut(str(front["network"].iloc[i]))) + 8
        if all(abs(across[i] - across[k]) > wide or abs(up[i] - up[k]) > 16 for k in placed):
            placed.append(i)
    return [str(front["network"].iloc[i]) for i in placed]


def _cloud(table: pd.DataFrame, metric: str, places: Spec) -> Spec:
    """How many networks lie where, counted in a grid so that the page stays small."""
    values, cost = table[metric].to_numpy(), np.log10(table["cost"].to_numpy())
    counts, left, bottom = np.histogram2d(cost, values, bins=(48, 32))
    i, j = np.nonzero(counts)
    cells = pd.DataFrame(
        {
            "cost": 10 ** ((left[i] + left[i + 1]) / 2),
            metric: (bottom[j] + bottom[j + 1]) / 2,
            "networks": counts[i, j].astype(int),
        }
    )
    channels = {
        "size": vega.field("networks:Q", legend=None, scale={"range": [8, 90]}),
        "tooltip": vega.tips(("networks:Q", "networks", ",d")),
    }
    point = vega.mark("point", filled=True, color=theme.GREY, opacity=1, fillOpacity=0.45,
                      encoding=places | channels)  # fmt: skip
    return vega.on_table(cells, point)


def _caption(front: pd.DataFrame, table: pd.DataFrame, found: Finals, cost: Cost) -> str:
    cheapest, best = front.iloc[0], front.iloc[-1]
    words = (
        f"Mean final {found.title} of {count(len(table), 'network')} against {_NAMED_COSTS[cost]} "
        "(logarithmic)"
    )
    if table["low"].notna().any():
        words += ", with 95% t intervals over seeds"
    words += (
        ". Dashed: the front of networks that no other beats in both; from the cheapest to the "
        f"best it holds {listed(front['network'].tolist(), most=10)}."
    )
    if len(front) > 1:
        ratio = float(best["cost"] / cheapest["cost"])
        gain = abs(float(best[found.metric] - cheapest[found.metric]))
        is_fraction = METRICS[found.metric].is_fraction
        told = f"{100 * gain:.2f} points more" if is_fraction else f"{number(gain, found.metric)} "
        told += "" if is_fraction else "in " + found.title
        words += (
            f" The best ({best['network']}) costs {ratio:,.3g} times the cheapest "
            f"of them ({cheapest['network']}) for {told}."
        )
    return words
