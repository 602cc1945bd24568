"""Precision against recall of the second of two classes, as the threshold of its probability falls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec

if TYPE_CHECKING:
    from mlplab.metrics.classification import Evaluation
    from mlplab.metrics.roc import RocCurves

_SIDE = 300


def precision_recall_figure(
    network: str, evaluation: Evaluation, curves: RocCurves, seed: int, name: str
) -> Figure:
    """The curve of one seed; the dashed line is the precision of calling every row positive.

    Both follow from points of the ROC curve and the rows of each class.
    """
    positive = evaluation.class_names[1]
    others, own = evaluation.support[:2]
    table = _curve(curves, others, own)
    share = own / (own + others)
    place = {
        "x": vega.measure("recall", f"recall of {positive}", domain=(0, 1), tickCount=5),
        "y": vega.measure("precision", f"precision of {positive}", domain=(0, 1), tickCount=5),
    }
    tips = vega.tips(("recall:Q", "recall", ".3f"), ("precision:Q", "precision", ".3f"))
    line = vega.mark("line", color=theme.ACCENT, strokeWidth=1.4,
                     encoding=place | {"tooltip": tips}) | {"data": vega.rows(table)}  # fmt: skip
    rule = vega.mark("rule", strokeDash=[4, 3], color=theme.GREY,
                     encoding={"y": vega.field("share:Q")})  # fmt: skip
    drawing: Spec = {
        "width": _SIDE,
        "height": _SIDE,
        "layer": [line, vega.on_table(pd.DataFrame({"share": [share]}), rule)],
    }
    half = table["precision"][table["recall"] >= 0.5].max()
    told = f" With at least half of them found, precision reaches {half:.3f}."
    return Figure(
        name,
        f"Precision and recall of {network}",
        f"Of the class {positive} with seed {seed}, as fewer and fewer rows are called so. Dashed: "
        f"its fraction of the test rows, {share:.3f}, the precision of calling every row so.{told}",
        table,
        drawing,
    )


def can_be_drawn(evaluation: Evaluation) -> bool:
    """Whether there are two classes, both with test rows."""
    return len(evaluation.support) == 2 and all(evaluation.support)


def _curve(curves: RocCurves, others: int, own: int) -> pd.DataFrame:
    curve = curves.classes[1]
    found = own * np.array(curve.true_positive_rate)
    taken = found + others * np.array(curve.false_positive_rate)
    called = taken > 0
    return pd.DataFrame({"recall": found[called] / own, "precision": found[called] / taken[called]})
