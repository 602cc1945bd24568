"""Accuracy against what it cost: parameters, arithmetic or seconds, with intervals on both."""

from __future__ import annotations

from typing import Literal

import altair as alt
import numpy as np
import pandas as pd

from mlplab.figures import theme
from mlplab.figures.drawing import Key
from mlplab.figures.figure import Figure, compact
from mlplab.figures.final_values import Finals
from mlplab.figures.many import MOST_SERIES
from mlplab.figures.wording import SPLITS, count, listed
from mlplab.statistics.intervals import t_interval

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


def trade_off_figure(
    summary: pd.DataFrame, found: Finals, cost: Cost, name: str
) -> Figure | None:
    """One point a network, and the front of those that none beats in both; None without costs."""
    table = _table(summary, found, cost)
    if table is None or len(table) < 2:
        return None
    many = len(table) > MOST_SERIES
    front = table[table["front"]].sort_values("cost")
    return Figure(
        name=name,
        title=f"{SPLITS[found.split].capitalize()} accuracy against {_NAMED_COSTS[cost]}",
        caption=_caption(front, table, cost),
        table=table.rename(columns={"cost": cost}),
        chart=_chart(table, found, cost, many),
        keys=()
        if many
        else tuple(
            Key(
                row.network,
                theme.colour(i),
                theme.shape(i),
                line=False,
                note="front" if row.front else "",
                switch=row.network,
            )
            for i, row in enumerate(table.itertuples())
        ),
    )


def _table(summary: pd.DataFrame, found: Finals, cost: Cost) -> pd.DataFrame | None:
    """A row a network, in the order of the study."""
    if cost not in summary:
        return None
    rows = []
    costs = dict(iter(summary.groupby("network", sort=False)[cost]))
    place = {name: i for i, name in enumerate(found.networks)}
    for network in (n for n in costs if n in place):
        values = costs[network].dropna().to_numpy(dtype=float)
        if not len(values):
            continue
        interval, i = t_interval(values), place[network]
        rows.append(
            {
                "network": network,
                "cost": float(interval.mean),
                "cost_low": max(float(interval.low), float(values.min()) * 0.5),
                "cost_high": float(interval.high),
                "accuracy": found.means.mean[i],
                "low": found.means.low[i],
                "high": found.means.high[i],
                "n": int(found.means.n[i]),
            }
        )
    if not rows:
        return None
    table = pd.DataFrame(rows)
    table["front"] = _front(table["cost"].to_numpy(), table["accuracy"].to_numpy())
    return table


def _front(cost: np.ndarray, value: np.ndarray) -> np.ndarray:
    """(network,) whether no other is at least as good and as cheap, and better in one."""
    order = np.lexsort((-value, cost))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], value[order][:-1]]))
    front = np.zeros(len(cost), dtype=bool)
    front[order] = value[order] > best
    return front


def _chart(table: pd.DataFrame, found: Finals, cost: Cost, many: bool) -> alt.LayerChart:
    names = table["network"].tolist()
    x = alt.X("cost:Q", title=COSTS[cost]).scale(type="log", padding=24, nice=False).axis(
        format="~s", tickCount=6, grid=False
    )
    y = alt.Y("accuracy:Q", title=f"final {SPLITS[found.split]} accuracy").scale(zero=False)
    front = table[table["front"]]
    layers: list[alt.Chart] = []
    if many:
        layers.append(_cloud(table, x, y))
        base = alt.Chart(compact(front)).encode(x=x, y=y, color=alt.value(theme.ACCENT))
    else:
        data = compact(table.assign(front=table["front"].astype(int)))
        base = (
            alt.Chart(data)
            .encode(
                x=x,
                y=y,
                color=alt.Color("network:N", title=None).scale(
                    domain=names, range=[theme.colour(i) for i in range(len(names))]
                ),
            )
            .transform_filter("indexof(hidden, datum.network) < 0")
        )
    layers.append(
        alt.Chart(compact(front))
        .mark_line(interpolate="step-after", strokeWidth=1, strokeDash=[4, 3], color=theme.MUTED)
        .encode(x=x, y=y)
    )
    layers.append(
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.4)
        .encode(y=alt.Y("low:Q"), y2="high:Q")
    )
    if cost == "seconds":
        layers.append(
            base.transform_filter("isValid(datum.cost_high)")
            .mark_rule(strokeWidth=1.4)
            .encode(x=alt.X("cost_low:Q"), x2="cost_high:Q")
        )
    points = base.mark_point(filled=True, size=64, opacity=1).encode(
        tooltip=[
            alt.Tooltip("network:N"),
            alt.Tooltip("cost:Q", title=COSTS[cost], format=",.4~s"),
            alt.Tooltip("accuracy:Q", title="mean accuracy", format=".4f"),
            alt.Tooltip("low:Q", title="95% from", format=".4f"),
            alt.Tooltip("high:Q", title="to", format=".4f"),
            alt.Tooltip("n:Q", title="runs"),
        ]
    )
    if not many:
        points = points.encode(
            shape=alt.Shape("network:N", title=None).scale(
                domain=names, range=[theme.shape(i) for i in range(len(names))]
            )
        )
    layers.append(points)
    layers.append(
        base.transform_filter(alt.FieldOneOfPredicate(field="network", oneOf=_with_room(front)))
        .mark_text(align="right", dx=-8, dy=-9, fontSize=10.5)
        .encode(text="network:N")
    )
    return (
        alt.layer(*layers)
        .add_params(alt.param(name="hidden", value=[]))
        .properties(width=theme.WIDTH, height=theme.HEIGHT)
    )


def _with_room(front: pd.DataFrame) -> list[str]:
    """The networks of the front whose names can stand beside their points without touching."""
    across = np.log10(front["cost"].to_numpy())
    up = front["accuracy"].to_numpy()
    across = (across - across.min()) / max(float(np.ptp(across)), 1e-12) * theme.WIDTH * 0.8
    up = (up - up.min()) / max(float(np.ptp(up)), 1e-12) * theme.HEIGHT * 0.6
    placed: list[int] = []
    # The best and the cheapest first: if only two names have room, it is theirs.
    for i in sorted(range(len(front)), key=lambda i: min(i, len(front) - 1 - i)):
        wide = 6 * len(str(front["network"].iloc[i])) + 8
        if all(abs(across[i] - across[k]) > wide or abs(up[i] - up[k]) > 16 for k in placed):
            placed.append(i)
    return [str(front["network"].iloc[i]) for i in placed]


def _cloud(table: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    """How many networks lie where, counted in a grid so that the page stays small."""
    accuracy, cost = table["accuracy"].to_numpy(), np.log10(table["cost"].to_numpy())
    counts, left, bottom = np.histogram2d(cost, accuracy, bins=(48, 32))
    i, j = np.nonzero(counts)
    cells = pd.DataFrame(
        {
            "cost": 10 ** ((left[i] + left[i + 1]) / 2),
            "accuracy": (bottom[j] + bottom[j + 1]) / 2,
            "networks": counts[i, j].astype(int),
        }
    )
    return (
        alt.Chart(compact(cells))
        .mark_point(filled=True, color=theme.GREY, opacity=1, fillOpacity=0.45)
        .encode(
            x=x,
            y=y,
            size=alt.Size("networks:Q", legend=None).scale(range=[8, 90]),
            tooltip=[alt.Tooltip("networks:Q", format=",d")],
        )
    )


def _caption(front: pd.DataFrame, table: pd.DataFrame, cost: Cost) -> str:
    cheapest, best = front.iloc[0], front.iloc[-1]
    words = (
        f"Mean final accuracy of {count(len(table), 'network')} against {_NAMED_COSTS[cost]} "
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
        gain = 100 * float(best["accuracy"] - cheapest["accuracy"])
        words += (
            f" The best ({best['network']}) costs {ratio:,.3g} times the cheapest "
            f"of them ({cheapest['network']}) for {gain:.2f} points more."
        )
    return words
