"""Precision against recall of the second of two classes, as the threshold of its probability falls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec
from mlplab.words import count

if TYPE_CHECKING:
    from mlplab.metrics.classification import Evaluation

_SIDE = 300


def precision_recall_figure(network: str, evaluations: Sequence[Evaluation], name: str) -> Figure:
    """A line a seed; the dashed line is the precision of calling every row positive.

    Both follow from points of the ROC curve and the rows of each class.
    """
    positive = evaluations[0].class_names[1]
    table = pd.concat([_curve(e).assign(run=i) for i, e in enumerate(evaluations)])
    table = table.reset_index(drop=True)
    others, own = evaluations[0].support[:2]
    share = own / (own + others)
    place = {
        "x": vega.measure("recall", f"recall of {positive}", domain=(0, 1), tickCount=5),
        "y": vega.measure("precision", f"precision of {positive}", domain=(0, 1), tickCount=5),
        "detail": vega.field("run:N"),
    }
    tips = vega.tips(("recall:Q", "recall", ".3f"), ("precision:Q", "precision", ".3f"))
    line = vega.mark("line", color=theme.ACCENT, strokeWidth=1.4, strokeOpacity=0.7,
                     encoding=place | {"tooltip": tips}) | {"data": vega.rows(table)}  # fmt: skip
    rule = vega.mark("rule", strokeDash=[4, 3], color=theme.GREY,
                     encoding={"y": vega.field("share:Q")})  # fmt: skip
    drawing: Spec = {
        "width": _SIDE,
        "height": _SIDE,
        "layer": [line, vega.on_table(pd.DataFrame({"share": [share]}), rule)],
    }
    half = table[table["recall"] >= 0.5].groupby("run")["precision"].max()
    told = f" With at least half of them found, precision reaches {half.mean():.3f}."
    return Figure(
        name,
        f"Precision and recall of {network}",
        f"Of the class {positive}, as fewer and fewer rows are called so; a line each of "
        f"{count(len(evaluations), 'seed')}. Dashed: its fraction of the test rows, {share:.3f}, the "
        f"precision of calling every row so.{told if len(half) else ''}",
        table,
        drawing,
    )


def can_be_drawn(evaluation: Evaluation) -> bool:
    """Whether there are two classes, both with test rows."""
    return len(evaluation.support) == 2 and all(evaluation.support)


def _curve(evaluation: Evaluation) -> pd.DataFrame:
    others, own = evaluation.support[:2]
    curve = evaluation.roc.classes[1]
    found = own * np.array(curve.true_positive_rate)
    taken = found + others * np.array(curve.false_positive_rate)
    called = taken > 0
    return pd.DataFrame({"recall": found[called] / own, "precision": found[called] / taken[called]})
