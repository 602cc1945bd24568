"""AUROC with its interval: as numbers of a figure, in tips, and in the words of captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from mlplab.analysis.open_set.tasks import DetectorSeries
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.words import count

AUROC_TIPS = vega.tips(
    ("auroc:Q", "AUROC", ".4f"), ("low:Q", "95% from", ".4f"), ("high:Q", "to", ".4f")
)


def area_of(series: DetectorSeries) -> dict[str, object]:
    """A row of a figure's table: the detector, its mean AUROC and the limits of its interval."""
    value, low, high = series.auroc()
    return {"detector": series.detector, "auroc": value, "low": low, "high": high}


def clipped(
    table: pd.DataFrame, values: pd.Series | None = None
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """The table to be drawn, and the AUROCs that its axis shows: all values (of the table, or more),
    and intervals as far as they do not flatten them.

    An interval of two seeds may be ten times as long as anything measured; it is cut at the edge.
    """
    values = table["auroc"] if values is None else values
    least, most = float(values.min()), float(values.max())
    reach = max(0.02, 0.5 * (most - least))
    low = max(least - reach, min(least, float(table["low"].min())) - 0.002, 0.0)
    high = min(most + reach, max(most, float(table["high"].max())) + 0.002, 1.0)
    return table.assign(low=table["low"].clip(low), high=table["high"].clip(upper=high)), (
        low,
        high,
    )


def dots_and_bars(
    y: vega.Spec, shown: tuple[float, float], colour: vega.Spec, *tips: str
) -> list[vega.Spec]:
    """A mean AUROC and its interval for each place on the y axis; tips: columns told beside them."""
    x, low = (vega.measure(name, "AUROC", domain=shown, tickCount=6) for name in ("auroc", "low"))
    both = {"y": y, "color": colour, "tooltip": [*vega.tips(*tips), *AUROC_TIPS]}
    bar = {"x": low, "x2": {"field": "high"}, **both}
    return [
        vega.mark("rule", strokeWidth=2, encoding=bar),
        vega.mark("point", filled=True, size=60, opacity=1, encoding={"x": x, **both}),
    ]


def series_keys(
    names: Sequence[str], notes: Sequence[str] | None = None, **look: Any
) -> tuple[Key, ...]:
    """A key for each detector that can be turned off; notes: what is told beside each."""
    return tuple(
        Key(name, theme.colour(i), switch=name, note=notes[i] if notes else "", **look)
        for i, name in enumerate(names)
    )


def interval_tells_of(seeds: Sequence[int], rows: bool) -> str:
    """What a 95% interval is for.

    Args:
        seeds: how many each mean has.
        rows: whether the intervals tell of other test rows too.

    Returns:
        "for other seeds and other test rows", for example; empty where there can be none.
    """
    several, one = max(seeds) > 1, min(seeds) < 2
    if several and one:
        others = "for other seeds where there are several"
        return f"for other test rows, and {others}" if rows else others
    if several:
        return "for other seeds and other test rows" if rows else "for other seeds on these rows"
    return "for other test rows" if rows else ""


def means_and_intervals(seeds: Sequence[int], rows: bool) -> str:
    """What is shown, and what its intervals are for; arguments as of `interval_tells_of`.

    Returns:
        "means over 3 seeds with 95% intervals for other seeds and other test rows", for example.
    """
    least, most = min(seeds), max(seeds)
    if most < 2:
        shown = "values of one seed"
    elif least == most:
        shown = f"means over {count(most, 'seed')}"
    else:
        shown = f"means over {least} to {count(most, 'seed')}"
    told = interval_tells_of(seeds, rows)
    return f"{shown} with 95% intervals {told}" if told else f"{shown}, without intervals"


def mean_measures(shown: Sequence[DetectorSeries]) -> str:
    """The same of the means of any measure of detectors."""
    rows = all(series.covers_rows() for series in shown)
    return means_and_intervals([len(series.findings) for series in shown], rows)


def mean_areas(shown: Sequence[DetectorSeries]) -> str:
    """The same of AUROC, which has an interval over test rows where there is one seed, too."""
    seeds = [len(series.findings) for series in shown]
    rows = all(n < 2 or s.covers_rows() for n, s in zip(seeds, shown, strict=True))
    return means_and_intervals(seeds, rows)
