"""How sensitive networks are to a tuned setting: the validation score over its values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mlplab.analysis.tuning import FEWEST_FOR_INTERVAL, NetworkTuning, TuningOutcome, is_number
from mlplab.declarations.resolving.factor import in_words
from mlplab.declarations.resolving.grid import readable
from mlplab.declarations.task import METRICS
from mlplab.figures import vega
from mlplab.figures.drawing import Key
from mlplab.figures.figure import Figure
from mlplab.figures.metric_titles import titles_of
from mlplab.figures.vega import Spec
from mlplab.words import count, from_to, listed, number

MOST_TOGETHER = 8
"""Beyond so many networks each optimizer has a figure of its own."""
MOST_DRAWN = 16
"""Networks in one figure; of more the first are drawn."""
_LOG_FROM = 10.0
"""Values of which the largest is so many times the smallest are drawn on a log axis."""
_ROOM = 0.06
_COLUMNS = [
    "network", "value", "trial", "steps", "seeds", "mean", "low", "high", "diverged", "usable",
    "chosen",
]  # fmt: skip


def sensitivity_figures(tuning: TuningOutcome, path: str) -> list[Figure]:
    """A line a network over the values of one setting; several figures for many networks.

    Of more than one tuned setting the best trial over all the others stands for each value.
    """
    words = in_words(path)
    metric = titles_of(tuning.study.task)[tuning.tune.metric]
    title = f"Validation {metric} by {words}"
    stem = f"tuning-{path.replace('.', '-').replace('_', '-')}"
    figures = []
    for suffix, group in _groups(tuning):
        name = f"{stem}-{suffix}" if suffix else stem
        figures.append(
            _figure(tuning, path, group, name, f"{title}: {suffix}" if suffix else title)
        )
    return figures


def _groups(tuning: TuningOutcome) -> list[tuple[str, list[NetworkTuning]]]:
    if len(tuning.networks) <= MOST_TOGETHER:
        return [("", list(tuning.networks))]
    groups: dict[str, list[NetworkTuning]] = {}
    for network in tuning.networks:
        optimizer = tuning.study.networks[network.network].optimizer.name
        groups.setdefault(optimizer, []).append(network)
    return list(groups.items())


def _figure(
    tuning: TuningOutcome, path: str, group: Sequence[NetworkTuning], name: str, title: str
) -> Figure:
    left_out = f" Of {count(len(group), 'network')} the first {MOST_DRAWN} are drawn."
    left_out, group = left_out * (len(group) > MOST_DRAWN), group[:MOST_DRAWN]
    table = _table(path, group)
    axis = _Axis.of(path, group, table)
    names = [network.network for network in group]
    return Figure(
        name=name,
        title=title,
        caption=_caption(tuning, path, group, table) + left_out,
        table=table.drop(columns="usable"),
        drawing=_drawing(axis, table, names, titles_of(tuning.study.task)[tuning.tune.metric]),
        keys=tuple(
            Key.of_series(i, n.network, _chosen_value(n, path)) for i, n in enumerate(group)
        ),
    )


def _table(path: str, group: Sequence[NetworkTuning]) -> pd.DataFrame:
    rows = []
    for network in group:
        value = None if network.chosen is None else network.chosen.trial.settings[path]
        for outcome in network.marginal_best(path):
            its, (low, high) = outcome.trial.settings[path], outcome.spread
            rows.append(
                {
                    "network": network.network,
                    "value": its if is_number(its) else readable((path,), its),
                    "trial": outcome.trial.number,
                    "steps": outcome.trial.declared.training.steps,
                    "seeds": len(outcome.scores),
                    "mean": float(outcome.mean.mean),
                    "low": low,
                    "high": high,
                    "diverged": outcome.diverged,
                    "usable": outcome.is_usable,
                    "chosen": its == value,
                }
            )
    return pd.DataFrame(rows, columns=_COLUMNS)


def _chosen_value(network: NetworkTuning, path: str) -> str:
    if network.chosen is None:
        return ""
    return readable((path,), network.chosen.trial.settings[path])


def _caption(
    tuning: TuningOutcome, path: str, group: Sequence[NetworkTuning], table: pd.DataFrame
) -> str:
    seeds = len(tuning.tune.all_seeds)
    words = f"Mean of {count(seeds, 'seed')} after {from_to(table['steps'])} steps"
    if seeds >= FEWEST_FOR_INTERVAL:
        words += ", with its 95% t interval, cut where it leaves the frame"
    elif seeds > 1:
        words += ", with a bar from the lower to the higher"
    words += ". "
    if len(tuning.rounds) > 1:
        words += "It is the first round, in which all settings were compared. "
    if len(tuning.paths) > 1:
        words += "Each value is shown with the best of the other settings. "
    chosen = [
        f"{n.network} {_chosen_value(n, path)} ({number(float(n.chosen.mean.mean))})"
        for n in group
        if n.chosen is not None
    ]
    words += f"A ring marks what was chosen: {listed(chosen)}."
    lost = table[~table["usable"]]
    if len(lost):
        where = [f"{row.network} at {readable((path,), row.value)}" for row in lost.itertuples()]
        words += (
            f" A cross at the bottom: a seed diverged or could not be trained, {listed(where)}."
        )
    return words


@dataclass(frozen=True)
class _Axis:
    """The horizontal axis, and the reach of the vertical one."""

    title: str
    kind: str
    scale: Spec
    ticks: Spec
    low: float
    high: float

    @classmethod
    def of(cls, path: str, group: Sequence[NetworkTuning], table: pd.DataFrame) -> _Axis:
        low, high = _reach(table, METRICS[group[0].outcomes[0].metric].is_fraction)
        title = in_words(path)
        values = list(dict.fromkeys(table["value"]))
        if not all(is_number(value) for value in values):
            return cls(title, "N", {"padding": 0.5}, {"labelAngle": 0}, low, high)
        values = sorted(float(value) for value in values)
        ticks: Spec = {"format": ".6~g", "labelOverlap": "greedy"}
        if len(values) <= 12:
            ticks["values"] = values
        first, last = values[0], values[-1]
        if first > 0 and last / first >= _LOG_FROM:
            room = (last / first) ** _ROOM
            ends, kind = [first / room, last * room], "log"
        else:
            room = ((last - first) or abs(last) or 1.0) * _ROOM
            ends, kind = [first - room, last + room], "linear"
        return cls(title, "Q", {"type": kind, "domain": ends, "nice": False}, ticks, low, high)


def _reach(table: pd.DataFrame, is_share: bool) -> tuple[float, float]:
    """From below the lowest mean to above the highest: intervals may be far wider."""
    means = [float(v) for v in table.loc[table["usable"], "mean"] if math.isfinite(v)] or [0.0, 1.0]
    room = ((max(means) - min(means)) or 0.1) * 2 * _ROOM
    low, high = min(means) - room, max(means) + room
    return (max(low, 0.0), min(high, 1.0)) if is_share else (low, high)


def _drawing(axis: _Axis, table: pd.DataFrame, names: Sequence[str], metric: str) -> Spec:
    drawn = table.assign(
        low=table["low"].clip(axis.low, axis.high),
        high=table["high"].clip(axis.low, axis.high),
        mean=table["mean"].where(table["usable"], axis.low),
        usable=table["usable"].astype(int),
        chosen=(table["chosen"] & table["usable"]).astype(int),
    )
    x = vega.field(f"value:{axis.kind}", title=axis.title, scale=axis.scale, axis=axis.ticks)
    if axis.kind == "N":
        x["sort"] = None
    tall = {"domain": [axis.low, axis.high], "nice": False}
    y = vega.field("mean:Q", title=f"validation {metric}", scale=tall)
    colour, shape = vega.coloured("network", names), vega.shaped("network", names)
    shown, usable = vega.not_hidden("network"), vega.where("datum.usable == 1")
    place = {"x": x, "y": y, "color": colour}
    tips = vega.tips(
        "network:N", (f"value:{axis.kind}", axis.title), ("mean:Q", "mean", ".4f"),
        ("low:Q", "from", ".4f"), ("high:Q", "to", ".4f"), ("diverged:Q", "seeds diverged"),
    )  # fmt: skip
    return {
        "data": vega.rows(drawn, 7),
        "params": [vega.HIDDEN],
        "width": 460,
        "height": 300,
        "layer": [
            vega.mark("rule", shown, usable, strokeWidth=1, opacity=0.55, encoding={
                **place, "y": vega.field("low:Q", title=y["title"], scale=tall),
                "y2": {"field": "high"}}),
            vega.mark("line", shown, usable, strokeWidth=1.8, encoding=place),
            vega.mark("point", shown, usable, filled=True, size=42, opacity=1, encoding={
                **place, "shape": shape, "tooltip": tips}),
            vega.mark("point", shown, vega.where("datum.chosen == 1"), filled=False, size=230,
                      opacity=1, strokeWidth=2, shape="circle", encoding=place),
            vega.mark("point", shown, vega.where("datum.usable == 0"), filled=False, size=90,
                      opacity=1, strokeWidth=2, shape="M-1,-1L1,1M-1,1L1,-1", encoding={
                          **place, "tooltip": [tips[0], tips[1], tips[-1]]}),
        ],
    }  # fmt: skip
