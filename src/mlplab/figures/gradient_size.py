"""How large gradients are in each layer, and how many units are dead: a vanishing gradient seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.ensemble import drawn_by_default, gather, runs_by_network
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec
from mlplab.words import count, from_to, number

if TYPE_CHECKING:
    from mlplab.records.results import Results

Diagnostic = Literal["gradient_size", "dead_units"]
MOST_PANELS = 24
_HEIGHT, _LABEL_HEIGHT = 170, 10


def layer_figure(
    results: Results,
    metric: Diagnostic,
    name: str,
    title: str,
    networks: Sequence[str] | None = None,
    steps: tuple[int, int] | None = None,
) -> Figure | None:
    """A panel a network and a line a layer, over training steps; None without diagnostics."""
    table = _table(results, metric, networks, steps)
    if table is None:
        return None
    shown = list(dict.fromkeys(table["network"]))
    deepest = int(table["layer"].max())
    left_out = (
        f"Of {count(len(results.study.networks), 'network')} the first {MOST_PANELS} with "
        "diagnostics are drawn."
    )
    return Figure(
        name=name,
        title=title,
        caption=_caption(table, metric, shown),
        table=table,
        drawing=_drawing(table, metric, shown, deepest),
        keys=tuple(
            Key(f"layer {layer}", _layer_colour(layer, deepest), switch=str(layer))
            for layer in range(1, deepest + 1)
        ),
        notes=(left_out,) * (len(shown) == MOST_PANELS),
    )


def _table(
    results: Results,
    metric: Diagnostic,
    networks: Sequence[str] | None,
    steps: tuple[int, int] | None,
) -> pd.DataFrame | None:
    runs = runs_by_network(results)
    parts: list[pd.DataFrame] = []
    panels = 0
    for network in networks or drawn_by_default(results):
        if network not in runs or panels == MOST_PANELS:
            continue
        layers = range(1, len(results.study.networks[network].hidden) + 2)
        gathered = {k: gather(runs[network], "batch", f"{metric}_layer_{k}") for k in layers}
        present = {k: curve for k, curve in gathered.items() if curve is not None}
        for layer, curve in present.items():
            shown = curve if steps is None else curve.between(*steps)
            n = np.isfinite(shown.values).sum(axis=0)
            values = {"step": shown.steps, "value": _centre(shown.values, metric), "n": n}
            parts.append(pd.DataFrame({"network": network, "layer": layer, **values}))
        panels += bool(present)
    return pd.concat(parts, ignore_index=True) if parts else None


def _centre(values: np.ndarray, metric: Diagnostic) -> np.ndarray:
    """(evaluation,) over seeds: geometric mean of gradients, which differ by powers of ten."""
    n = np.maximum(np.isfinite(values).sum(axis=0), 1)
    if metric == "dead_units":
        return np.nansum(values, axis=0) / n
    with np.errstate(divide="ignore"):
        logs = np.where(values > 0, np.log(np.where(values > 0, values, 1.0)), np.nan)
    positive = np.isfinite(logs).sum(axis=0)
    mean = np.nansum(logs, axis=0) / np.maximum(positive, 1)
    return np.where(positive > 0, np.exp(mean), np.nan)


def _layer_colour(layer: int, deepest: int) -> str:
    """A hue between those of `theme.LAYERS`, by the layer's depth."""
    depth = 0.0 if deepest == 1 else (layer - 1) / (deepest - 1) * (len(theme.LAYERS) - 1)
    low = min(int(depth), len(theme.LAYERS) - 2)
    return theme.mixed(theme.LAYERS[low], theme.LAYERS[low + 1], depth - low)


def _ends(drawn: pd.DataFrame, *, logarithmic: bool) -> pd.DataFrame:
    """The last point of each line that has room for its layer's number; nearer ones share it."""
    last = drawn[drawn["step"] == drawn.groupby("network")["step"].transform("max")].dropna()
    values = drawn["value"].dropna()
    if logarithmic:
        last, values = last[last["value"] > 0], np.log(values[values > 0])
    room = max(float(np.ptp(values)), 1e-12) * _LABEL_HEIGHT / _HEIGHT if len(values) else 1.0
    rows = []
    for _, its in last.groupby("network", sort=False):
        heights = np.log(its["value"]) if logarithmic else its["value"]
        together: list[int] = []
        order = heights.sort_values().index
        for here, after in zip(order, [*order[1:], None], strict=True):
            together.append(here)
            if after is None or heights[after] - heights[together[0]] > room:
                layers = its.loc[sorted(together), "layer"].tolist()
                middle = together[len(together) // 2]
                rows.append(its.loc[middle].to_dict() | {"text": _numbers(layers)})
                together = []
    return pd.DataFrame(rows, columns=[*drawn.columns, "text"])


def _numbers(layers: Sequence[str]) -> str:
    """3, or 1, 2, or 1-4 of layers that follow one another."""
    numbers = sorted(int(layer) for layer in layers)
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}-{numbers[-1]}"
    return ", ".join(map(str, numbers[:4])) + (", …" if len(numbers) > 4 else "")


def _drawing(
    table: pd.DataFrame, metric: Diagnostic, networks: Sequence[str], deepest: int
) -> Spec:
    columns = min(3, len(networks))
    layers = [str(k) for k in range(1, deepest + 1)]
    colours = [_layer_colour(k, deepest) for k in range(1, deepest + 1)]
    logarithmic = metric == "gradient_size"
    drawn = table.assign(layer=table["layer"].astype(str))[["network", "layer", "step", "value"]]
    # The layer's number at the end of its line: the second channel beside its colour.
    drawn = pd.concat([drawn.assign(text=""), _ends(drawn, logarithmic=logarithmic)])
    up = {"type": "log"} if logarithmic else {"zero": True}
    axis = {"format": ".0e" if logarithmic else ".0%", "tickCount": 5}
    places = {
        "x": vega.measure("step", "training step", scale={"nice": False}, format="~s", tickCount=4),
        "y": vega.field("value:Q", title=None, scale=up, axis=axis),
        "color": vega.coloured("layer", layers, colours),
    }
    line = vega.mark("line", vega.where("!datum.text"), strokeWidth=1.7,
                     encoding={"tooltip": vega.tips("network:N", "layer:N")})  # fmt: skip
    text = vega.mark("text", vega.where("datum.text"), align="left", dx=3, fontSize=9,
                     encoding={"text": vega.field("text:N")})  # fmt: skip
    return {
        "data": vega.rows(drawn.dropna()),
        "params": [vega.HIDDEN],
        "transform": [vega.not_hidden("layer")],
        "columns": columns,
        "facet": vega.field("network:N", title=None, sort=list(networks)),
        "spec": {
            "width": max(190, (theme.WIDTH + 40) // columns - 60),
            "height": _HEIGHT,
            "encoding": places,
            "layer": [line, text],
        },
    }


def _caption(table: pd.DataFrame, metric: Diagnostic, networks: Sequence[str]) -> str:
    n = f"n = {from_to(table['n'])}"
    first_step = table[table["step"] == table.groupby("network")["step"].transform("min")]
    if metric == "dead_units":
        end = table[table["step"] == table.groupby("network")["step"].transform("max")]
        worst = end.loc[end["value"].idxmax()]
        return (
            f"Fraction of hidden units with the same output for every row of the batch, by layer: mean "
            f"over seeds ({n}). At the end it is largest in layer {worst['layer']} of "
            f"{worst['network']} ({worst['value']:.1%})."
        )
    seen = first_step.dropna(subset=["value"])
    how = (
        "Root mean square of the gradient of each layer's weights, by layer, as a geometric mean "
        f"over seeds ({n}; logarithmic, so gradients of exactly zero are left out)."
    )
    if seen.empty:
        return f"{how} At the first evaluation every gradient is exactly zero."
    ratios = {
        str(name): float(rows["value"].min() / rows["value"].max())
        for name, rows in seen.groupby("network", sort=False)
    }
    worst_name = min(ratios, key=ratios.__getitem__)
    rows = seen[seen["network"] == worst_name]
    low, high = rows.loc[rows["value"].idxmin()], rows.loc[rows["value"].idxmax()]
    return (
        f"{how} At the first evaluation they differ most in {worst_name}: "
        f"layer {int(low['layer'])} gets {number(low['value'], 'g')}, layer {int(high['layer'])} "
        f"{number(high['value'], 'g')}."
    )
