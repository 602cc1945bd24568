"""A metric over training steps: each run thin, the mean bold with its 95% t interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlplab.declarations.figure import CurveFigure
from mlplab.declarations.network import Network
from mlplab.declarations.task import METRICS
from mlplab.figures import many, theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.ensemble import Ensemble, drawn_by_default, gather, runs_by_network
from mlplab.figures.extremes import extremes
from mlplab.figures.figure import Figure
from mlplab.figures.metric_titles import digits_of, titles_of
from mlplab.figures.possible_range import CUT, cut, reaches_beyond, value_axis
from mlplab.figures.published import PublishedFigure
from mlplab.figures.vega import Spec
from mlplab.words import SPLITS, from_to, listed, number, with_interval

if TYPE_CHECKING:
    from mlplab.records.results import Results

COLUMNS = (
    "kind", "series", "network", "split", "seed", "step", "value", "low", "high", "n",
)  # fmt: skip

Measured = tuple[str, str]
"""A metric by its name, and its title."""


@dataclass(frozen=True, eq=False)
class Series:
    """What one colour of a curve figure stands for."""

    label: str
    split: str
    ensemble: Ensemble | None
    """None where there is only a published curve."""
    published: np.ndarray | None = None
    """(published step,) or None."""
    published_steps: np.ndarray | None = None

    @property
    def network(self) -> str:
        """The network that was run, or that was published."""
        return self.ensemble.network if self.ensemble else self.label


def curve_figures(
    declared: CurveFigure, results: Results, name: str, published: PublishedFigure | None = None
) -> list[Figure]:
    """The figure, and the real loss beside it where the published loss is not the real one.

    Empty where no run has the metric.
    """
    runs = runs_by_network(results)
    shown = [n for n in declared.networks or drawn_by_default(results) if n in runs]
    splits = (declared.split,) if isinstance(declared.split, str) else declared.split
    restored = [n for n in shown if _restores_the_best(results.study.networks[n])]
    notes = [_RESTORED.format(names=listed(restored, most=6))] if restored else []
    metrics: list[str] = [declared.metric]
    titles = titles_of(results.study.task)
    if published is not None:
        if published.metric == "softmaxed_loss" and declared.metric in ("loss", "softmaxed_loss"):
            metrics = ["softmaxed_loss", "loss"]
            notes += [published.note] if published.note else []
        elif published.metric != declared.metric:
            notes.append(
                f"The published figure {published.number} shows {titles[published.metric]}, not "
                f"{titles[declared.metric]}; it is not drawn."
            )
            published = None
    figures = []
    for metric in metrics:
        beside = published if published is not None and published.metric == metric else None
        series = [
            Series(_label(network, split, shown, splits), split, found)
            for network in shown
            for split in splits
            if (found := gather(runs[network], split, metric)) is not None
        ]
        series = _with_published(series, beside, results, splits, shown)
        series = [s for s in (_within(s, declared.steps) for s in series) if s is not None]
        if any(s.ensemble for s in series):
            title = declared.title if metric == metrics[0] else f"{declared.title}: the real loss"
            stem = name if metric == metrics[0] else f"{name}-real-loss"
            of = metric, titles[metric]
            figures.append(_figure(stem, title, of, series, beside, tuple(notes)))
            notes = []
    return figures


_RESTORED = (
    "Final values in tables are those at the weights that are kept. {names} went back to the best "
    "weights on validation rows, so these are not the last of the curves."
)


def _restores_the_best(network: Network) -> bool:
    stopping = network.training.early_stopping
    return stopping is not None and stopping.restore_best


def _label(network: str, split: str, networks: Sequence[str], splits: Sequence[str]) -> str:
    if len(splits) == 1:
        return network
    return SPLITS[split] if len(networks) == 1 else f"{network}, {SPLITS[split]}"


def _with_published(
    series: list[Series],
    published: PublishedFigure | None,
    results: Results,
    splits: Sequence[str],
    shown: Sequence[str],
) -> list[Series]:
    """Each series with its published curve, then the networks that were only published."""
    if published is None:
        return series
    joined = [
        replace(
            s,
            published=published.curves.get((s.network, s.split)),
            published_steps=published.steps,
        )
        for s in series
    ]
    only = [
        Series(network, split, None, curve, published.steps)
        for (network, split), curve in published.curves.items()
        if network not in results.study.networks and split in splits
    ]
    # Of a part of the study the rest would be "published only": then it is left out.
    return joined + (only if len(only) < len(joined) and len(shown) > 1 else [])


def _within(series: Series, steps: tuple[int, int] | None) -> Series | None:
    """The series between two steps; None where nothing is left of it."""
    if steps is None:
        return series
    ensemble = series.ensemble.between(*steps) if series.ensemble else None
    published, at = series.published, series.published_steps
    if published is not None and at is not None:
        kept = (at >= steps[0]) & (at <= steps[1])
        published, at = (published[kept], at[kept]) if kept.any() else (None, None)
    if ensemble is not None and not ensemble.values.size:
        ensemble = None
    if ensemble is None and published is None:
        return None
    return replace(series, ensemble=ensemble, published=published, published_steps=at)


def _figure(
    name: str,
    title: str,
    of: Measured,
    series: Sequence[Series],
    published: PublishedFigure | None,
    notes: tuple[str, ...],
) -> Figure:
    metric = of[0]
    every = [s.ensemble for s in series if s.ensemble is not None]
    is_many = len(every) > many.MOST_SERIES
    if is_many:
        series = _few(series, every, metric)
    table = pd.concat([_rows(s) for s in series], ignore_index=True)
    caption = _caption(of, series, published)
    if is_many:
        table = pd.concat([many.quantile_rows(every), table], ignore_index=True)[list(COLUMNS)]
        table = _typed(table)
        caption = f"{caption} {many.quantile_caption(len(every))}"
    measured = table["value"]
    drawn = cut(table, metric, measured)
    per_run = table[table["kind"] != "band"].dropna(subset=["value"])
    grouped = per_run.groupby(["series", "kind", "seed"], dropna=False)["value"]
    scale, told = value_axis([values.to_numpy() for _, values in grouped], metric)
    if scale.get("type") == "log":
        drawn["low"] = drawn["low"].clip(lower=float(measured.min()))
    notes = (*notes, told) if told else notes
    if is_many:
        # Intervals of single networks would hide the bands of all.
        drawn.loc[drawn["kind"] == "mean", ["low", "high"]] = np.nan
    return Figure(
        name=name,
        title=title,
        caption=caption,
        table=table,
        drawing=_drawing(drawn, of, series, scale, is_many=is_many),
        keys=(*_OF_MANY * is_many, *(_key(i, s, metric) for i, s in enumerate(series))),
        notes=(*notes, CUT) if reaches_beyond(table, metric, measured) else notes,
    )


def _few(series: Sequence[Series], every: Sequence[Ensemble], metric: str) -> list[Series]:
    """The notable of many networks, and those that were only published."""
    own = [s for s in series if s.ensemble is not None]
    chosen = many.notable(
        every, larger_is_better=metric in METRICS and METRICS[metric].higher_is_better
    )
    return [own[i] for i in chosen] + [s for s in series if s.ensemble is None]


_OF_MANY = (
    Key("middle 90% and middle half of networks", theme.GREY, "square", line=False),
    Key("median network", theme.GREY),
)


def _rows(series: Series) -> pd.DataFrame:
    parts = []
    if series.ensemble is not None:
        e = series.ensemble
        seeds, evaluations = e.values.shape
        if seeds > 1:
            parts.append(
                pd.DataFrame(
                    {
                        "kind": "run",
                        "seed": np.repeat(np.array(e.seeds, dtype=np.int64), evaluations),
                        "step": np.tile(e.steps, seeds),
                        "value": e.values.ravel(),
                    }
                ).dropna(subset=["value"])
            )
        mean, low, high, n = (getattr(e.at_each_step, f) for f in ("mean", "low", "high", "n"))
        means = {"kind": "mean", "step": e.steps, "value": mean, "low": low, "high": high, "n": n}
        parts.append(pd.DataFrame(means))
    if series.published is not None:
        curve = {"step": series.published_steps, "value": series.published}
        parts.append(pd.DataFrame({"kind": "published", **curve}))
    rows = pd.concat([p.reindex(columns=list(COLUMNS)) for p in parts], ignore_index=True)
    rows = rows.assign(series=series.label, network=series.network, split=series.split)
    return _typed(rows)


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    kinds = {"seed": "Int64", "n": "Int64", "step": "int64"}
    return rows.astype(kinds | dict.fromkeys(("value", "low", "high"), "float64"))


def _drawing(
    table: pd.DataFrame, of: Measured, series: Sequence[Series], scale: Spec, *, is_many: bool
) -> Spec:
    labels = [s.label for s in series]
    thin = table[["kind", "series", "seed", "step", "value", "low", "high", "n"]].assign(
        marked=_marked(table, labels)
    )
    mean, title = vega.where("datum.kind == 'mean'"), of[1]
    band = {"y": vega.field("low:Q", title=title), "y2": {"field": "high"}}
    step = vega.measure(
        "step", "training step", scale={"nice": False, "padding": 6}, format=",d", tickCount=8
    )
    marks = {"shape": vega.shaped("series", labels)}
    layers = [
        vega.mark("area", mean, vega.where("isValid(datum.low)"), fillOpacity=0.14, encoding=band),
        vega.mark("line", vega.where("datum.kind == 'run'"), strokeWidth=0.7, strokeOpacity=0.38,
                  encoding={"detail": vega.field("seed:N")}),
        vega.mark("line", vega.where("datum.kind == 'published'"), strokeWidth=1.5,
                  strokeDash=list(theme.PUBLISHED_DASH)),
        vega.mark("line", mean, strokeWidth=2.2) | {"params": [vega.zoom()]},
        vega.mark("point", mean, vega.where("datum.marked == 1"), size=44, filled=True, opacity=1,
                  encoding=marks),
        _hover(*of),
    ]  # fmt: skip
    for layer in layers:
        layer["mark"]["clip"] = True
    return {
        "data": vega.rows(thin),
        "width": theme.WIDTH,
        "height": theme.HEIGHT,
        "params": [vega.HIDDEN],
        "transform": [vega.not_hidden("series")],
        "encoding": {
            "x": step,
            "y": vega.field("value:Q", title=title, scale=scale),
            "color": vega.coloured("series", labels),
        },
        "layer": [*(many.quantile_layers(title) if is_many else []), *layers],
    }


def _hover(metric: str, title: str) -> Spec:
    """The point nearest to the pointer, with its numbers."""
    digits = digits_of(metric)
    limits = f"format(datum.low, '{digits}') + ' to ' + format(datum.high, '{digits}')"
    tips = vega.tips(
        ("series:N", "network"), ("step:Q", "step", ",d"), ("what:N", "shown"),
        ("value:Q", title, digits), ("interval:N", "95% interval"), "runs:N",
    )  # fmt: skip
    nearest = {"param": "nearest", "empty": False, "value": 1}
    layer = vega.mark(
        "point",
        vega.where("isValid(datum.value) && datum.kind != 'run'"),
        {"calculate": f"isValid(datum.low) ? {limits} : '–'", "as": "interval"},
        {"calculate": "datum.kind", "as": "what"},
        {
            "calculate": "isValid(datum.n) ? format(datum.n, ',d') : '1, no seed given'",
            "as": "runs",
        },
        size=70,
        filled=True,
        encoding={"opacity": {"condition": nearest, "value": 0}, "tooltip": tips},
    )
    select = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}
    return {"name": "hover", "params": [{"name": "nearest", "select": select}], **layer}


def _marked(table: pd.DataFrame, labels: Sequence[str], about: int = 5) -> np.ndarray:
    """1 for the few points of each mean that carry its marker, staggered so that they spread."""
    marked = np.zeros(len(table), dtype=np.int64)
    for index, label in enumerate(labels):
        rows = np.flatnonzero((table["kind"] == "mean") & (table["series"] == label))
        if len(rows):
            every = max(1, len(rows) // about)
            marked[rows[len(rows) - 1 - index % every :: -every]] = 1
    return marked


def _key(index: int, series: Series, metric: str) -> Key:
    if series.ensemble is None:
        dash, note = theme.PUBLISHED_DASH, "published only"
        return Key(series.label, theme.colour(index), dash=dash, note=note, switch=series.label)
    last = series.ensemble.at_last_evaluation()
    note = f"{with_interval(last, metric)}, n = {int(last.n)}"
    return Key.of_series(index, series.label, note)


def _caption(of: Measured, series: Sequence[Series], published: PublishedFigure | None) -> str:
    metric, title = of
    own = {s: s.ensemble for s in series if s.ensemble is not None}
    finals = {s.label: ensemble.at_last_evaluation() for s, ensemble in own.items()}
    steps = np.concatenate([ensemble.steps for ensemble in own.values()])
    counts = [int(last.n) for last in finals.values()]
    splits = listed(dict.fromkeys(SPLITS[s.split] for s in own))
    words = [
        f"{title[0].upper()}{title[1:]} ({splits}) over training steps {steps.min():,} to "
        f"{steps.max():,}."
    ]
    if max(counts) > 1:
        words.append(
            "Each thin line is one run; the bold line is the mean over seeds with its 95% t "
            f"interval (n = {from_to(counts)})."
        )
    else:
        words.append("Each line is one run (n = 1), so there are no intervals.")
    if any(s.published is not None for s in series) and published is not None:
        words.append(
            f"Dashed: figure {published.number} of {published.source}, one run a network, no seed "
            f"given, read off the print to about {published.reading_error:g}."
        )
    ends = {label: float(last.mean) for label, last in finals.items()}
    told = {label: with_interval(last, metric) for label, last in finals.items()}
    if len(ends) == 1:
        words.append(f"At the last evaluation it is {next(iter(told.values()))}.")
    elif found := extremes(ends, lambda value: number(value, metric)):
        high, low = found
        words.append(
            f"At each run's last evaluation the mean is highest for {listed(high, most=4)} "
            f"({told[high[0]]}) and "
            f"lowest for {listed(low, most=4)} ({told[low[0]]})."
        )
    else:
        words.append(
            f"At each run's last evaluation all means are {number(next(iter(ends.values())), metric)}."
        )
    if fewest := [s.label for s, ensemble in own.items() if np.isnan(ensemble.values).any()]:
        words.append(
            f"Not every run of {listed(fewest)} has a value at every step, "
            "since runs diverged or stopped early; the bold line is over those that still trained."
        )
    return " ".join(words)
