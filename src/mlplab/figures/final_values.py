"""Where every network ended: its seeds, their mean and its interval, the best on top."""

from __future__ import annotations

from dataclasses import dataclass
import altair as alt
import numpy as np
import pandas as pd

from mlplab.figures import theme
from mlplab.figures.figure import Figure, compact
from mlplab.figures.many import MOST_SERIES
from mlplab.figures.wording import SPLITS, count, number, spread_of, with_interval
from mlplab.statistics.intervals import MeanInterval, t_interval

@dataclass(frozen=True, eq=False)
class Finals:
    """The last value of one metric for every network that has one, best first."""

    metric: str
    split: str
    networks: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    """(seed,) a network, finite values only."""
    seeds: tuple[np.ndarray, ...]
    means: MeanInterval
    """Fields (network,)."""

    def of(self, place: int) -> MeanInterval:
        """Mean and interval of one network."""
        return t_interval(self.values[place])


def finals(summary: pd.DataFrame, split: str = "test", metric: str = "accuracy") -> Finals | None:
    """Read them from `Results.summary()`; None where nothing was measured."""
    column = f"{split}_{metric}"
    if column not in summary:
        return None
    found = summary[np.isfinite(summary[column].astype(float))]
    found = found[found["diverged_at"].isna()]
    if found.empty:
        return None
    groups = {name: rows for name, rows in found.groupby("network", sort=False)}
    mean = {name: float(rows[column].mean()) for name, rows in groups.items()}
    networks = sorted(groups, key=mean.__getitem__, reverse=metric == "accuracy")
    values = tuple(groups[n][column].to_numpy(dtype=float) for n in networks)
    most = max(len(v) for v in values)
    padded = np.array([np.pad(v, (0, most - len(v)), constant_values=np.nan) for v in values])
    return Finals(
        metric,
        split,
        tuple(networks),
        values,
        tuple(groups[n]["seed"].to_numpy() for n in networks),
        t_interval(padded, axis=1),
    )


def final_figure(found: Finals, name: str) -> Figure:
    """A line a network; beyond 50 networks their distribution."""
    table = _table(found)
    many = len(found.networks) > MOST_SERIES
    return Figure(
        name=name,
        title=f"Final {SPLITS[found.split]} {found.metric} of every network",
        caption=_caption(found, many),
        table=table,
        chart=_distribution(table, found) if many else _lines(table, found),
    )


def _table(found: Finals) -> pd.DataFrame:
    means = pd.DataFrame(
        {
            "kind": "mean",
            "network": found.networks,
            "value": found.means.mean,
            "low": found.means.low,
            "high": found.means.high,
            "n": found.means.n,
        }
    )
    lengths = [len(v) for v in found.values]
    runs = pd.DataFrame(
        {
            "kind": "run",
            "network": np.repeat(found.networks, lengths),
            "seed": np.concatenate(found.seeds),
            "value": np.concatenate(found.values),
        }
    )
    columns = ["kind", "network", "seed", "value", "low", "high", "n"]
    both = pd.concat([means.reindex(columns=columns), runs.reindex(columns=columns)])
    return both.astype({"seed": "Int64", "n": "Int64"}).reset_index(drop=True)


def _lines(table: pd.DataFrame, found: Finals) -> alt.LayerChart:
    order = list(found.networks)
    base = alt.Chart().encode(
        y=alt.Y("network:N", title=None, sort=order).axis(
            ticks=False, domain=False, labelColor=theme.INK, labelLimit=260, grid=True
        )
    )
    mean = base.transform_filter("datum.kind == 'mean'")
    x = alt.X("value:Q", title=f"final {SPLITS[found.split]} {found.metric}").scale(
        zero=False
    ).axis(tickCount=7)
    digits = ".4f" if found.metric == "accuracy" else ".4~g"
    layers = [
        base.transform_filter("datum.kind == 'run'")
        .mark_tick(thickness=1, size=11, color=theme.ACCENT, opacity=1, strokeOpacity=0.45)
        .encode(x=x),
        mean.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2.4, color=theme.ACCENT)
        .encode(x=alt.X("low:Q"), x2="high:Q"),
        mean.mark_point(filled=True, size=52, color=theme.ACCENT, opacity=1).encode(
            x=x,
            tooltip=[
                alt.Tooltip("network:N"),
                alt.Tooltip("value:Q", title="mean", format=digits),
                alt.Tooltip("low:Q", title="95% from", format=digits),
                alt.Tooltip("high:Q", title="to", format=digits),
                alt.Tooltip("n:Q", title="runs"),
            ],
        ),
    ]
    return alt.layer(*layers, data=compact(table, 6)).properties(
        width=theme.WIDTH - 120, height=max(90, 22 * len(order))
    )


def _distribution(table: pd.DataFrame, found: Finals) -> alt.LayerChart:
    means = table[table["kind"] == "mean"]["value"].to_numpy(dtype=float)
    counts, edges = np.histogram(means, bins=min(60, max(15, len(means) // 20)))
    bars = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "networks": counts})
    ends = pd.DataFrame(
        {
            "value": [means[0], float(np.median(means)), means[-1]],
            "what": [f"best: {found.networks[0]}", "median", f"worst: {found.networks[-1]}"],
        }
    )
    title = f"mean final {SPLITS[found.split]} {found.metric}"
    drawn = (
        alt.Chart(compact(bars))
        .mark_rect(color=theme.ACCENT, fillOpacity=0.75)
        .encode(
            x=alt.X("low:Q", title=title).scale(zero=False, nice=False),
            x2="high:Q",
            y=alt.Y("networks:Q", title="networks"),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("low:Q", title="from", format=".4f"),
                alt.Tooltip("high:Q", title="to", format=".4f"),
                alt.Tooltip("networks:Q", format=",d"),
            ],
        )
    )
    marks = alt.Chart(compact(ends)).encode(x="value:Q")
    rule = marks.mark_rule(strokeDash=[3, 3], color=theme.MUTED)
    return alt.layer(drawn, rule).properties(width=theme.WIDTH, height=240)


def _caption(found: Finals, many: bool) -> str:
    best, worst = found.of(0), found.of(len(found.networks) - 1)
    counts = found.means.n.tolist()
    words = (
        f"{count(len(found.networks), 'network')}, from {found.networks[-1]} "
        f"({with_interval(worst, found.metric)}) to {found.networks[0]} "
        f"({with_interval(best, found.metric)})"
        if len(found.networks) > 1
        else f"{found.networks[0]} ended at {with_interval(best, found.metric)}"
    )
    if many:
        median = number(float(np.median(found.means.mean)), found.metric)
        return (
            f"How the {len(found.networks):,} networks' mean final values are distributed; {words}, "
            f"the median at {median}. Dashed: best, median and worst."
        )
    if max(counts) > 1:
        return (
            f"{words}. Dots are means over seeds, bars their 95% t intervals, ticks the single "
            f"runs ({spread_of(counts)})."
        )
    return f"{words}. One run a network (n = 1): no intervals."
