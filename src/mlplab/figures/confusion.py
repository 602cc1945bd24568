"""Which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec
from mlplab.words import count, listed

if TYPE_CHECKING:
    from mlplab.metrics.classification import Evaluation

_NO_CLASS = "none"
_MOST_CELLS_WITH_TEXT = 20
_EXPONENT = 0.4
"""Of the shade: rare mistakes are to be seen."""


def confusion_figure(network: str, evaluations: Sequence[Evaluation], name: str) -> Figure:
    """The confusion matrix of one network, added up over its seeds."""
    table = _table(evaluations)
    return Figure(
        name=name,
        title=f"Confusion matrix of {network}",
        caption=_caption(network, table, len(evaluations)),
        table=table,
        drawing=_drawing(table),
    )


def _table(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    counts = np.sum([e.confusion for e in evaluations], axis=0)
    names = list(evaluations[0].class_names)
    extra = counts.shape[1] - len(names)
    outputs = names + [_NO_CLASS if extra == 1 else f"{_NO_CLASS} {i + 1}" for i in range(extra)]
    used = [i for i in range(len(outputs)) if i < len(names) or counts[:, i].any()]
    counts = counts[:, used]
    support = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return pd.DataFrame(
        {
            "true": np.repeat(names, len(used)),
            "predicted": np.tile([outputs[i] for i in used], len(names)),
            "count": counts.ravel(),
            "share": (counts / support).ravel(),
        }
    )


def _drawing(table: pd.DataFrame) -> Spec:
    lines, columns = table["true"].nunique(), table["predicted"].nunique()
    cell = max(6, min(36, 720 // max(lines, columns)))
    quiet = {"domain": False, "ticks": False}
    large = max(lines, columns) <= _MOST_CELLS_WITH_TEXT
    upright = _longest(table["predicted"]) <= 3
    colours = theme.shares_scale(_EXPONENT)
    layers = [
        vega.mark(
            "rect",
            stroke="#ffffff",
            strokeWidth=1,
            encoding={
                "color": vega.field("share:Q", legend=None, scale=colours),
                "tooltip": [
                    vega.tip("true:N"),
                    vega.tip("predicted:N"),
                    vega.tip("count:Q", "rows", ",d"),
                    vega.tip("share:Q", "share of the true class", ".2%"),
                ],
            },
        )
    ]
    if large:
        layers.append(
            vega.mark(
                "text",
                vega.where("datum.share >= 0.0005"),
                {"calculate": "format(100 * datum.share, '.1f')", "as": "text"},
                fontSize=10,
                encoding={
                    "text": vega.field("text:N"),
                    "color": theme.ink_on_shares(_EXPONENT),
                },
            )
        )
    return {
        "data": vega.rows(table if large else table[table["count"] > 0]),
        "width": cell * columns,
        "height": cell * lines,
        "encoding": {
            "x": vega.field(
                "predicted:N",
                sort=None,
                axis=quiet | {"orient": "top", "grid": False, "labelAngle": 0 if upright else -40},
            ),
            "y": vega.field(
                "true:N",
                sort=None,
                axis=quiet | {"titleAlign": "right", "titleX": -6, "titleY": -6},
            ),
        },
        "layer": layers,
    }


def _longest(labels: pd.Series) -> int:
    return int(labels.astype(str).str.len().max())


def _caption(network: str, table: pd.DataFrame, runs: int) -> str:
    total = int(table["count"].sum())
    wrong = table[table["true"] != table["predicted"]]
    missed = int(wrong["count"].sum())
    over = f", added up over {runs} seeds" if runs > 1 else " of its one seed"
    words = (
        f"Of 100 test rows of a class (a line), how many {network} took for which class (a "
        f"column){over}: {missed:,} of {count(total, 'decision')} are wrong"
    )
    worst = wrong.nlargest(3, "count")
    worst = worst[worst["count"] > 0]
    if worst.empty:
        return f"{words}."
    pairs = [
        f"{row.true} taken for {row.predicted} ({row.share:.1%})" for row in worst.itertuples()
    ]
    return f"{words}, most often {listed(pairs)}. Cells below 0.05% are left blank."
