"""What shuffling each column costs a network, with intervals over seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlplab.analysis.importance import Importance
from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.statistics.intervals import t_interval
from mlplab.words import count, middle_cut, number

MOST_SHOWN = 25
_ROW = 22


def importance_figure(network: str, found: Importance, name: str) -> Figure:
    """Columns by what shuffling them costs, the most important first."""
    table = importance_table(found)
    shown = table.head(MOST_SHOWN).assign(label=lambda t: [middle_cut(c, 32) for c in t["column"]])
    unit = " (points)" if found.metric.is_fraction else ""
    worse = "lower" if found.metric.higher_is_better else "higher"
    title = f"test {found.metric.title} {worse} by{unit}"
    rows = {"field": "label", "type": "nominal", "sort": None, "title": None}
    across = vega.measure("loss", title)
    tips = vega.tips("column:N", ("loss:Q", title, ".4~g"), ("low:Q", "from", ".4~g"),
                     ("high:Q", "to", ".4~g"))  # fmt: skip
    zero = vega.mark("rule", strokeDash=[4, 3], color=theme.GREY,
                     encoding={"x": vega.field("zero:Q")})  # fmt: skip
    layers = [
        vega.on_table(pd.DataFrame({"zero": [0.0]}), zero),
        vega.mark("rule", strokeWidth=2, color=theme.ACCENT,
                  encoding={"x": vega.field("low:Q", title=title), "x2": {"field": "high"}, "y": rows}),
        vega.mark("point", filled=True, size=50, opacity=1, color=theme.ACCENT,
                  encoding={"x": across, "y": rows, "tooltip": tips}),
    ]  # fmt: skip
    left_out = len(table) - len(shown)
    more = f" {left_out:,} columns of less are left out." if left_out else ""
    over = (
        f"points: means over {count(len(found.losses), 'seed')}, bars: 95% t intervals over seeds"
        if len(found.losses) > 1
        else "of one seed"
    )
    whole = number(float(found.whole.mean()), found.metric.name)
    return Figure(
        name,
        f"Importance of columns, {network}",
        f"How much worse the test {found.metric.title}, {whole}, becomes on {found.rows:,} test rows when "
        f"the values of one column are shuffled among them; {over}.{more} Columns that say the same "
        "share their importance.",
        table,
        {
            "data": vega.rows(shown),
            "width": theme.WIDTH - 160,
            "height": _ROW * len(shown),
            "layer": layers,
        },
    )


def importance_table(found: Importance) -> pd.DataFrame:
    """column, loss, low and high, the largest loss first; of a fraction in points."""
    scale = 100.0 if found.metric.is_fraction else 1.0
    interval = t_interval(found.losses * scale)
    table = pd.DataFrame(
        {
            "column": found.columns,
            "loss": interval.mean,
            "low": np.where(np.isnan(interval.low), interval.mean, interval.low),
            "high": np.where(np.isnan(interval.high), interval.mean, interval.high),
        }
    )
    return table.sort_values("loss", ascending=False, kind="stable", ignore_index=True)
