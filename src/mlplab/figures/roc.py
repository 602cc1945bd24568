"""ROC curves from probabilities: each class against the rest, micro and macro."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.extremes import extremes
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec
from mlplab.statistics.intervals import t_interval
from mlplab.words import listed, number, with_interval

if TYPE_CHECKING:
    from mlplab.metrics.classification import Evaluation
    from mlplab.metrics.roc import RocCurve, RocCurves

_CORNERS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_SIDE = 300
_COLUMNS = ["curve", "false_positive_rate", "true_positive_rate"]
MOST_CLASSES = 20
"""Beyond so many classes only the hardest are drawn."""
_AVERAGES = {"micro average": (2, 2), "macro average": (7, 2, 1, 2)}


def roc_figure(
    network: str,
    evaluations: Sequence[Evaluation],
    curves: RocCurves,
    seed: int,
    name: str,
    title: str | None = None,
) -> Figure:
    """The curves of one network: drawn for one seed, areas as means over all seeds.

    evaluations: one a seed, the first of them that of `seed`.
    curves: of that seed.
    """
    labels = (*evaluations[0].class_names, *_AVERAGES)
    of_seeds = np.array([_areas(evaluation) for evaluation in evaluations], dtype=np.float64)
    areas = dict(zip(labels, of_seeds.T, strict=True))
    by_label = dict(zip(labels, (*curves.classes, curves.micro, curves.macro), strict=True))
    areas = {label: areas[label] for label in _labels_drawn(areas)}
    drawn = {label: by_label[label] for label in areas if by_label[label].area is not None}
    parts = [_rows(k, c.false_positive_rate, c.true_positive_rate) for k, c in drawn.items()]
    table = pd.concat(parts, ignore_index=True)
    table["area"] = table["curve"].map({k: float(np.nanmean(areas[k])) for k in drawn})
    return Figure(
        name=name,
        title=title or f"ROC curves of {network}",
        caption=_caption(network, areas, seed, evaluations, drawn),
        table=table,
        drawing=_drawing(table, drawn),
        keys=tuple(_key(i, label, areas[label]) for i, label in enumerate(drawn)),
    )


def _rows(label: str, false_positive_rate: object, true_positive_rate: object) -> pd.DataFrame:
    """The points of one curve."""
    rates = dict(zip(_COLUMNS[1:], (false_positive_rate, true_positive_rate), strict=True))
    return pd.DataFrame({"curve": label, **rates})


def _areas(evaluation: Evaluation) -> tuple[float | None, ...]:
    areas = evaluation.areas
    return (*areas.classes, areas.micro, areas.macro)


def _labels_drawn(areas: Mapping[str, np.ndarray]) -> list[str]:
    """All that the drawn seed has, or of very many classes those of its smallest areas."""
    present = {label: own[0] for label, own in areas.items() if not np.isnan(own[0])}
    classes = [label for label in present if label not in _AVERAGES]
    hardest = sorted(classes, key=present.__getitem__)[:MOST_CLASSES]
    return [label for label in present if label in _AVERAGES or label in hardest]


def _line(index: int, label: str) -> tuple[str, tuple[int, ...]]:
    """Colour and dash: classes beyond the eighth colour are dashed, averages grey."""
    if label in _AVERAGES:
        return theme.GREY, _AVERAGES[label]
    dashes: tuple[tuple[int, ...], ...] = ((), (7, 2), (4, 2, 1, 2))
    return theme.colour(index), dashes[index // len(theme.COLOURS) % len(dashes)]


def _key(index: int, label: str, areas: np.ndarray) -> Key:
    colour, dash = _line(index, label)
    interval = t_interval(areas)
    name = label if label in _AVERAGES else f"class {label}"
    return Key(name, colour, dash=dash, note=with_interval(interval), switch=label)


def _drawing(table: pd.DataFrame, curves: dict[str, RocCurve]) -> Spec:
    right, bottom = _corner(curves)
    lines = {label: _line(i, label) for i, label in enumerate(curves)}
    corner = _cut(table, right, bottom)
    panels = [
        _panel("The whole square", "zoom", _coarse(table), lines, 1.0, 0.0),
        _panel("Its upper left corner, enlarged", "zoom_corner", corner, lines, right, bottom),
    ]
    return {"params": [vega.HIDDEN], "spacing": 40, "hconcat": panels}


def _panel(
    title: str,
    zoom: str,
    table: pd.DataFrame,
    lines: dict[str, tuple[str, tuple[int, ...]]],
    right: float,
    bottom: float,
) -> Spec:
    """Rates up to `right` and from `bottom`."""

    def rate(name: str, low: float, high: float) -> Spec:
        return vega.measure(name, name.replace("_", " "), domain=(low, high), tickCount=5)

    dashes = [list(dash) or [1, 0] for _, dash in lines.values()]
    return {
        "title": title,
        "data": vega.rows(table),
        "width": _SIDE,
        "height": _SIDE,
        "transform": [
            {"window": [{"op": "row_number", "as": "row"}]},
            vega.not_hidden("curve"),
        ],
        "params": [vega.zoom(zoom)],
        **vega.mark("line", strokeWidth=1.6, clip=True),
        "encoding": {
            "x": rate("false_positive_rate", 0, right),
            "y": rate("true_positive_rate", bottom, 1),
            "color": vega.coloured("curve", list(lines), [colour for colour, _ in lines.values()]),
            "strokeDash": vega.field(
                "curve:N", title=None, scale={"domain": list(lines), "range": dashes}
            ),
            "order": vega.field("row:Q"),
            "tooltip": vega.tips(("curve:N", "class")),
        },
    }


def _corner(curves: dict[str, RocCurve]) -> tuple[float, float]:
    """How far right and how far down the enlarged corner reaches."""

    def lowest_at(rate: float) -> float:
        return min(
            float(np.interp(rate, c.false_positive_rate, c.true_positive_rate))
            for c in curves.values()
        )

    right = next((r for r in _CORNERS if lowest_at(r) >= 0.98), 0.5)
    bottom = np.floor(lowest_at(right / 8) * 50) / 50
    return right, float(min(bottom, 0.98))


def _cut(table: pd.DataFrame, right: float, bottom: float) -> pd.DataFrame:
    """The part of each curve with rates up to `right` and from `bottom`, ending on those lines."""
    parts = []
    for label, rows in table.groupby("curve", sort=False):
        x, y = rows["false_positive_rate"].to_numpy(), rows["true_positive_rate"].to_numpy()
        inside = (x <= right) & (y >= bottom)
        x_in, y_in = x[inside], y[inside]
        if y[0] < bottom and bottom not in y:
            # Where the curve comes up through the bottom; both rates never fall along a curve.
            x_in, y_in = np.append(np.interp(bottom, y, x), x_in), np.append(bottom, y_in)
        if x[-1] > right and right not in x:
            x_in, y_in = np.append(x_in, right), np.append(y_in, np.interp(right, x, y))
        kept = (x_in <= right) & (y_in >= bottom)
        parts.append(_rows(label, x_in[kept], y_in[kept]))
    return pd.concat(parts, ignore_index=True)


def _coarse(table: pd.DataFrame) -> pd.DataFrame:
    """The curves to a thousandth, which is less than a pixel of the whole square."""
    return table[_COLUMNS].round(3).drop_duplicates()


def _caption(
    network: str,
    areas: dict[str, np.ndarray],
    seed: int,
    evaluations: Sequence[Evaluation],
    drawn: Collection[str],
) -> str:
    runs, classes = len(evaluations), len(evaluations[0].class_names)
    means = {k: float(np.nanmean(v)) for k, v in areas.items() if k not in _AVERAGES}
    over = f"areas are means over {runs} seeds" if runs > 1 else "areas are those of this one seed"
    some = (
        f" Of {classes:,} classes the {len(means)} of the smallest areas."
        if len(means) < classes
        else ""
    )
    if drawn and not any(label in drawn for label in _AVERAGES):
        some += " The averages are not drawn, since pairs of row and class are too many."
    averages = [f"{k.split()[0]} {number(np.nanmean(areas[k]))}" for k in _AVERAGES if k in areas]
    return (
        f"Each class against the rest, from the probabilities that {network} gives, not from its "
        f"hard labels. Drawn: seed {seed}; {over}. {_extremes(means)}{listed(averages)}.{some}"
    )


def _extremes(means: dict[str, float]) -> str:
    """Which classes are told best and worst, unless all test rows are of one class."""
    if not means:
        return "No class has both rows of it and rows of others in the test part; "
    found = extremes(means, number)
    if found is None:
        return f"All areas of classes are {number(next(iter(means.values())))}; "
    best, worst = found
    return (
        f"The area is largest for {_named(best)} ({number(means[best[0]])}) and "
        f"smallest for {_named(worst)} ({number(means[worst[0]])}); "
    )


def _named(classes: list[str]) -> str:
    return f"class{'es' if len(classes) > 1 else ''} {listed(classes, most=4)}"
