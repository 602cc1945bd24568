"""Published curves before the band in which one new run of the same network would lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlplab.declarations.task import CLASSIFICATION
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.ensemble import Ensemble
from mlplab.figures.figure import Figure
from mlplab.figures.possible_range import cut
from mlplab.figures.published import PublishedFigure
from mlplab.figures.vega import Spec
from mlplab.statistics.prediction_band import PublishedComparison, compare_with_published
from mlplab.words import by_count, count, from_to, listed

OUTSIDE = theme.COLOURS[1]
_PANELS = {
    "band": "95% prediction band for one new run",
    "mean": "mean of our runs",
    "published": "published run",
    "outside": "published point outside the band",
}


@dataclass(frozen=True, eq=False)
class NetworkComparison:
    """One published curve and what can be said of it."""

    network: str
    split: str
    n: int
    """Our runs."""
    steps: np.ndarray
    """(step,) that both have."""
    mean: np.ndarray
    """(step,) of our runs."""
    published: np.ndarray
    """(step,)"""
    comparison: PublishedComparison | None
    """None where there are too few runs to say anything."""

    @property
    def outside(self) -> np.ndarray:
        """(outside point,) the steps at which the published run lies outside the band."""
        if self.comparison is None:
            return self.steps[:0]
        return self.steps[self.comparison.compared & ~self.comparison.within]


def compare(
    published: PublishedFigure, ensembles: Mapping[tuple[str, str], Ensemble]
) -> list[NetworkComparison]:
    """Hold each published curve against our runs of that network, at the steps both have."""
    found = []
    for (network, split), curve in published.curves.items():
        ensemble = ensembles.get((network, split))
        if ensemble is None:
            continue
        common, ours, theirs = np.intersect1d(
            ensemble.steps, published.steps, assume_unique=True, return_indices=True
        )
        if not len(common):
            continue
        values = ensemble.values[:, ours]
        n = np.isfinite(values).sum(axis=0)
        mean, curve = np.nansum(values, axis=0) / np.maximum(n, 1), curve[theirs]
        said = compare_with_published(values, curve, reading_error=published.reading_error)
        found.append(
            NetworkComparison(network, split, len(ensemble.seeds), common, mean, curve, said)
        )
    return found


def band_figure(
    published: PublishedFigure, comparisons: Sequence[NetworkComparison], name: str
) -> Figure | None:
    """A panel a network: the band, our mean, the published run; None where nothing can be said."""
    said = [c for c in comparisons if c.comparison is not None]
    if not said:
        return None
    panels = [_rows(c, _label(c, said)) for c in said]
    table = pd.concat(panels, ignore_index=True)
    drawn = pd.concat([_within_panel(panel, published.metric) for panel in panels])
    return Figure(
        name=name,
        title=f"Figure {published.number} of {published.source}, {published.title}: "
        "does it lie within our bands?",
        caption=_caption(published, said),
        table=table,
        drawing=_drawing(drawn, published.metric, [_label(c, said) for c in said]),
        keys=(
            Key(_PANELS["band"], theme.GREY, "square", line=False),
            Key(_PANELS["mean"], theme.ACCENT),
            Key(_PANELS["published"], OUTSIDE, dash=theme.PUBLISHED_DASH),
            Key(_PANELS["outside"], OUTSIDE, "circle", line=False),
        ),
    )


def _label(comparison: NetworkComparison, all_of_figure: Sequence[NetworkComparison]) -> str:
    if len({c.network for c in all_of_figure}) == len(all_of_figure):
        return comparison.network
    return f"{comparison.network}, {'training batch' if comparison.split == 'batch' else 'test'}"


def _rows(c: NetworkComparison, label: str) -> pd.DataFrame:
    assert c.comparison is not None
    return pd.DataFrame(
        {
            "network": label,
            "step": c.steps,
            "mean": c.mean,
            "low": c.comparison.low,
            "high": c.comparison.high,
            "published": c.published,
            "within": np.where(
                c.comparison.compared, np.where(c.comparison.within, "yes", "no"), "not compared"
            ),
            "n": c.comparison.n,
        }
    )


def _drawing(table: pd.DataFrame, metric: str, networks: Sequence[str]) -> Spec:
    columns = min(4, len(networks))
    title = "accuracy" if metric == "accuracy" else "loss"

    def up(column: str) -> Spec:
        return vega.measure(column, title, tickCount=5)

    tips = vega.tips(
        "network:N", ("step:Q", "step", ",d"), ("published:Q", "published", ".4f"),
        ("low:Q", "band from", ".4f"), ("high:Q", "to", ".4f"), "within:N", ("n:Q", "our runs"),
    )  # fmt: skip
    published, red = {"y": up("published")}, {"color": OUTSIDE}
    hover = vega.mark("point", size=60, filled=True, fillOpacity=0, strokeOpacity=0,
                      encoding=published | {"tooltip": tips})  # fmt: skip
    layers = [
        vega.mark("area", vega.where("isValid(datum.low)"), color=theme.GREY, fillOpacity=0.25,
                  encoding={"y": up("low"), "y2": {"field": "high"}}),
        vega.mark("line", color=theme.ACCENT, strokeWidth=1.6, encoding={"y": up("mean")}),
        vega.mark("line", **red, strokeWidth=1.5, strokeDash=list(theme.PUBLISHED_DASH),
                  encoding=published),
        vega.mark("point", vega.where("datum.within == 'no'"), **red, filled=True, size=34,
                  opacity=1, encoding=published),
        {"name": "hover", **hover},
    ]  # fmt: skip
    step = vega.measure(
        "step", "training step", scale={"nice": False, "padding": 4}, format="~s", tickCount=4
    )
    return {
        "data": vega.rows(table),
        "columns": columns,
        "facet": vega.field("network:N", title=None, sort=list(networks)),
        "resolve": {"scale": {"y": "independent"}},
        "spec": {
            "width": max(150, 720 // columns - 50),
            "height": 130,
            "encoding": {"x": step},
            "layer": layers,
        },
    }


def _within_panel(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The band of one panel, cut where it goes far beyond what was measured."""
    return cut(rows, metric, rows[["mean", "published"]].to_numpy().ravel(), beyond=0.4)


def _caption(published: PublishedFigure, said: Sequence[NetworkComparison]) -> str:
    inside = [c.network for c in said if not len(c.outside)]
    outside = [f"{c.network} ({count(len(c.outside), 'point')})" for c in said if len(c.outside)]
    points = {len(c.steps) for c in said}
    title = CLASSIFICATION.metrics[published.metric].title
    words = (
        f"{title.capitalize()} as published (dashed) before the band in which "
        f"one new run would lie with 95% probability at all {max(points)} points together, widened "
        f"by {published.reading_error:g} for reading off the print "
        f"(n = {from_to([c.n for c in said])}); a band that reaches the edge of its panel goes on "
        "beyond it, as its numbers say. "
    )
    if not outside:
        one, many = "The published run lies within.", "All {n} published runs lie within."
        return words + by_count(len(said), one, many)
    within = f"Within: {listed(inside)}. " if inside else ""
    return f"{words}{within}Outside at some point: {listed(outside)}."
