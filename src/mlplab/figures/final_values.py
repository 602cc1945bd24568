"""Where every network ended: its seeds, their mean and its interval, the best on top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlplab.declarations.task import METRICS
from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.many import MOST_SERIES
from mlplab.figures.metric_titles import digits_of
from mlplab.figures.vega import Spec
from mlplab.statistics.intervals import MeanInterval, t_interval
from mlplab.words import SPLITS, bounds_of, count, from_to, number, with_interval


@dataclass(frozen=True, eq=False)
class Finals:
    """The last value of one metric for every network that has one, best first."""

    metric: str
    split: str
    networks: tuple[str, ...]
    values: np.ndarray
    """(network, run) float64, NaN where a network has fewer runs than others."""
    seeds: np.ndarray
    """(network, run) int64, -1 likewise."""
    means: MeanInterval
    """Fields (network,)."""

    @property
    def title(self) -> str:
        """Of the metric."""
        return METRICS[self.metric].title

    def of(self, network: str) -> MeanInterval:
        """Mean and interval of one network; fields are scalars."""
        own = self.values[self.networks.index(network)]
        return t_interval(own, bounds=bounds_of(self.metric))


def finals(summary: pd.DataFrame, split: str = "test", metric: str = "accuracy") -> Finals | None:
    """Read them from `Results.summary()`; None where nothing was measured."""
    column = f"{split}_{metric}"
    if column not in summary:
        return None
    found = summary[np.isfinite(summary[column].astype(float)) & summary["diverged_at"].isna()]
    if found.empty:
        return None
    networks, values, seeds = by_network(found, column)
    means = np.nanmean(values, axis=1)
    order = np.argsort(-METRICS[metric].sign * means, kind="stable")
    values = values[order]
    return Finals(
        metric,
        split,
        tuple(networks[i] for i in order),
        values,
        seeds[order],
        t_interval(values, axis=1, bounds=bounds_of(metric)),
    )


def by_network(summary: pd.DataFrame, column: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """One column of a summary as (network,) names, (network, run) values and seeds.

    Networks stand in their order in the summary; missing values are NaN, with seed -1.
    """
    codes, names = pd.factorize(summary["network"])
    place = summary.groupby(codes).cumcount().to_numpy()
    shape = (len(names), int(place.max()) + 1 if len(place) else 0)
    values, seeds = np.full(shape, np.nan), np.full(shape, -1, dtype=np.int64)
    values[codes, place] = summary[column].to_numpy(dtype=np.float64, na_value=np.nan)
    seeds[codes, place] = summary["seed"].to_numpy(dtype=np.int64)
    return [str(name) for name in names], values, seeds


def final_figure(found: Finals, name: str) -> Figure:
    """A line a network; beyond 50 networks their distribution."""
    table = _table(found)
    many = len(found.networks) > MOST_SERIES
    return Figure(
        name=name,
        title=f"Final {SPLITS[found.split]} {found.title} of every network",
        caption=_caption(found, many),
        table=table,
        drawing=_distribution(table, found) if many else _lines(table, found),
    )


def _table(found: Finals) -> pd.DataFrame:
    columns = ["kind", "network", "seed", "value", "low", "high", "n"]
    limits = {name: getattr(found.means, name) for name in ("low", "high", "n")}
    means = pd.DataFrame(
        {"kind": "mean", "network": found.networks, "value": found.means.mean, **limits}
    )
    network, run = np.nonzero(np.isfinite(found.values))
    runs = pd.DataFrame(
        {
            "kind": "run",
            "network": np.array(found.networks, dtype=object)[network],
            "seed": found.seeds[network, run],
            "value": found.values[network, run],
        }
    )
    both = pd.concat([means.reindex(columns=columns), runs.reindex(columns=columns)])
    return both.astype({"seed": "Int64", "n": "Int64"}).reset_index(drop=True)


def _lines(table: pd.DataFrame, found: Finals) -> Spec:
    mean = vega.where("datum.kind == 'mean'")
    digits = digits_of(found.metric)
    blue = {"color": theme.ACCENT, "opacity": 1}

    def across(column: str) -> Spec:
        return vega.measure(column, f"final {SPLITS[found.split]} {found.title}", tickCount=7)

    tips = vega.tips(
        "network:N", ("value:Q", "mean", digits), ("low:Q", "95% from", digits),
        ("high:Q", "to", digits), ("n:Q", "runs"),
    )  # fmt: skip
    axis = {"ticks": False, "domain": False, "grid": True}
    y = vega.field("network:N", title=None, sort=list(found.networks), axis=axis)
    return {
        "data": vega.rows(table, 6),
        "width": theme.WIDTH - 120,
        "height": max(90, 22 * len(found.networks)),
        "encoding": {"y": y},
        "layer": [
            vega.mark("tick", vega.where("datum.kind == 'run'"), **blue, thickness=1, size=11,
                      strokeOpacity=0.45, encoding={"x": across("value")}),
            vega.mark("rule", mean, vega.where("isValid(datum.low)"), **blue, strokeWidth=2.4,
                      encoding={"x": across("low"), "x2": {"field": "high"}}),
            vega.mark("point", mean, **blue, filled=True, size=52,
                      encoding={"x": across("value"), "tooltip": tips}),
        ],
    }  # fmt: skip


def _distribution(table: pd.DataFrame, found: Finals) -> Spec:
    means = table[table["kind"] == "mean"]["value"].to_numpy(dtype=float)
    counts, edges = np.histogram(means, bins=min(60, max(15, len(means) // 20)))
    bars = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "networks": counts, "none": 0})
    ends = pd.DataFrame({"value": [means[0], float(np.median(means)), means[-1]]})
    title = f"mean final {SPLITS[found.split]} {found.title}"
    places = {
        "x": vega.measure("low", title, scale={"nice": False}, tickCount=8),
        "x2": {"field": "high"},
        "y": vega.field("networks:Q", title="networks"),
        "y2": {"field": "none"},
    }
    tips = vega.tips(
        ("low:Q", "from", ".4f"), ("high:Q", "to", ".4f"), ("networks:Q", "networks", ",d")
    )
    bar = vega.mark(
        "rect", color=theme.ACCENT, fillOpacity=0.75, encoding={**places, "tooltip": tips}
    )
    at = {"x": vega.field("value:Q")}
    rule = vega.mark("rule", strokeDash=[3, 3], color=theme.GREY, encoding=at)
    layers = [vega.on_table(bars, bar), vega.on_table(ends, rule)]
    return {"width": theme.WIDTH, "height": 240, "layer": layers}


def _caption(found: Finals, many: bool) -> str:
    best, worst = found.of(found.networks[0]), found.of(found.networks[-1])
    counts = found.means.n.tolist()
    low, high = with_interval(worst, found.metric), with_interval(best, found.metric)
    if len(found.networks) == 1:
        words = f"{found.networks[0]} ended at {high}"
    elif number(float(worst.mean), found.metric) == number(float(best.mean), found.metric):
        words = f"{count(len(found.networks), 'network')}, all at {number(float(best.mean), found.metric)}"
    else:
        words = (
            f"{count(len(found.networks), 'network')}, from {found.networks[-1]} ({low}) to "
            f"{found.networks[0]} ({high})"
        )
    if many:
        median = number(float(np.median(found.means.mean)), found.metric)
        return (
            f"How the {len(found.networks):,} networks' mean final values are distributed; {words}, "
            f"the median at {median}. Dashed: best, median and worst."
        )
    told = (
        "Dots are means over seeds, bars their 95% t intervals, ticks the single runs "
        f"(n = {from_to(counts)})."
    )
    if max(counts) == 1:
        told = "One run a network (n = 1): no intervals."
    return f"{words}, at the weights that are kept. {told}"
