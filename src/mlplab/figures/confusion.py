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
    from scipy.sparse import csr_array

    from mlplab.metrics.classification import Evaluation

_NO_CLASS = "none"
_MOST_CELLS_WITH_TEXT = 20
_EXPONENT = 0.4
"""Of the shade: rare mistakes are to be seen."""


MOST_CLASSES = 40
"""Beyond so many classes the matrix shows those that are mistaken most often."""


def confusion_figure(network: str, evaluations: Sequence[Evaluation], name: str) -> Figure:
    """The confusion matrix of one network, added up over its seeds."""
    counts = sum((e.counts.tocsr() for e in evaluations[1:]), start=evaluations[0].counts.tocsr())
    names = list(evaluations[0].class_names)
    table = _table(counts, names)
    shown = _most_mistaken(counts, len(names))
    part = table
    if len(shown) < len(names):
        labels = {names[i] for i in shown}
        cells = _table(counts, names, shown)
        table, part = table[table["count"] > 0], cells[cells["predicted"].isin(labels)]
    return Figure(
        name=name,
        title=f"Confusion matrix of {network}",
        caption=_caption(network, table, len(evaluations), len(shown), len(names)),
        table=table,
        drawing=_drawing(part),
    )


def _most_mistaken(counts: csr_array, classes: int) -> np.ndarray:
    """(class shown,) indices: all, or of many the ones with the most mistakes, in their order."""
    if classes <= MOST_CLASSES:
        return np.arange(classes)
    wrong = counts[:, :classes]
    mistakes = wrong.sum(axis=0) + wrong.sum(axis=1) - 2 * wrong.diagonal()
    return np.sort(np.argsort(-mistakes, kind="stable")[:MOST_CLASSES])


def _table(counts: csr_array, names: list[str], only: np.ndarray | None = None) -> pd.DataFrame:
    """A row a cell; of very many classes only the cells that hold a row."""
    extra = counts.shape[1] - len(names)
    outputs = names + [_NO_CLASS if extra == 1 else f"{_NO_CLASS} {i + 1}" for i in range(extra)]
    support = np.maximum(counts.sum(axis=1), 1)
    if only is None and len(names) > MOST_CLASSES:
        true, predicted = counts.nonzero()
    else:
        lines = np.arange(len(names)) if only is None else only
        of_outputs = counts.sum(axis=0)
        columns = [i for i in range(len(outputs)) if i < len(names) or of_outputs[i]]
        across = np.array(columns if only is None else only)
        true, predicted = (grid.ravel() for grid in np.meshgrid(lines, across, indexing="ij"))
    found = np.asarray(counts[true, predicted])
    return pd.DataFrame(
        {
            "true": np.array(names, dtype=object)[true],
            "predicted": np.array(outputs, dtype=object)[predicted],
            "count": found,
            "share": found / support[true],
        }
    )


def _drawing(table: pd.DataFrame) -> Spec:
    lines, columns = table["true"].nunique(), table["predicted"].nunique()
    cell = max(6, min(36, 720 // max(lines, columns)))
    quiet = {"domain": False, "ticks": False}
    large = max(lines, columns) <= _MOST_CELLS_WITH_TEXT
    upright = table["predicted"].astype(str).str.len().max() <= 3
    shade = vega.field("share:Q", legend=None, scale=theme.shares_scale(_EXPONENT))
    tips = vega.tips(
        "true:N", "predicted:N", ("count:Q", "rows", ",d"),
        ("share:Q", "fraction of the true class", ".2%"),
    )  # fmt: skip
    cells = {"color": shade, "tooltip": tips}
    layers = [vega.mark("rect", stroke="#ffffff", strokeWidth=1, encoding=cells)]
    if large:
        text = {"calculate": "format(100 * datum.share, '.1f')", "as": "text"}
        channels = {"text": vega.field("text:N"), "color": theme.ink_on_shares(_EXPONENT)}
        shown = vega.where("datum.share >= 0.0005")
        layers.append(vega.mark("text", shown, text, fontSize=10, encoding=channels))
    across = quiet | {"orient": "top", "grid": False, "labelAngle": 0 if upright else -40}
    down = quiet | {"titleAlign": "right", "titleX": -6, "titleY": -6}
    return {
        "data": vega.rows(table if large else table[table["count"] > 0]),
        "width": cell * columns,
        "height": cell * lines,
        "encoding": {
            "x": vega.field("predicted:N", sort=None, axis=across),
            "y": vega.field("true:N", sort=None, axis=down),
        },
        "layer": layers,
    }


def _caption(network: str, table: pd.DataFrame, runs: int, shown: int, classes: int) -> str:
    total = int(table["count"].sum())
    wrong = table[table["true"] != table["predicted"]]
    missed = int(wrong["count"].sum())
    over = f", added up over {runs} seeds" if runs > 1 else " of its one seed"
    words = (
        f"Of 100 test rows of a class (a line), how many {network} took for which class (a "
        f"column){over}: {missed:,} of {count(total, 'decision')} are wrong"
    )
    left_out = ""
    if shown < classes:
        left_out = f" Of {classes:,} classes the {shown} that are mistaken most often are drawn."
    worst = wrong[wrong["count"] > 0].nlargest(3, "count")
    if worst.empty:
        return f"{words}.{left_out}"
    pairs = [
        f"{row.true} taken for {row.predicted} ({row.share:.1%})" for row in worst.itertuples()
    ]
    return f"{words}, most often {listed(pairs)}. Cells below 0.05% are left blank.{left_out}"
