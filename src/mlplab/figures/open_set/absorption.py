"""Which unknown class is taken for which known one, before and after rejection."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlplab.analysis.open_set.tasks import REJECTED, Absorption, DetectorSeries, Task
from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.areas import interval_tells_of
from mlplab.figures.vega import Spec
from mlplab.words import count, listed, percent

_BEFORE, _AFTER = "before", "after"

_EXPONENT = 0.6
"""Of the shade: small fractions are to be seen."""
MOST = 24
"""Classes of a side that are drawn; of more, those that most unknown rows are about."""


def absorption_figure(task: Task, detector: DetectorSeries, name: str) -> Figure:
    """Two tables beside one another: nothing rejected, and rejected by a detector.

    Beside each other they compare where the detector's network is the plain one; otherwise the
    first table is still that of the plain network.
    """
    before, after = task.before(), detector.absorbed()
    lines, columns = _most_affected(before)
    table = pd.concat(
        [_table(before, _BEFORE, lines, columns), _table(after, _AFTER, lines, columns)],
        ignore_index=True,
    )
    titles = {
        _BEFORE: "nothing is rejected",
        _AFTER: f"{detector.detector}, promising at most {percent(task.reject_at_most)} of known inputs",
    }
    panels = [
        _panel(table[table["rejection"] == kind], titles[kind], kind) for kind in (_BEFORE, _AFTER)
    ]
    return Figure(
        name=name,
        title=f"What becomes of unknown inputs: {task.split.title}",
        caption=_caption(task, detector, before, after) + _left_out(before),
        table=table,
        drawing={"hconcat": panels, "spacing": 36},
    )


def _most_affected(before: Absorption) -> tuple[np.ndarray, np.ndarray]:
    """Unknown and known classes to be drawn: all, or the `MOST` of the largest fractions."""
    fractions = before.fractions
    largest = (fractions.max(axis=1), fractions.sum(axis=0))
    lines, columns = (np.sort(np.argsort(-each, kind="stable")[:MOST]) for each in largest)
    return lines, columns


def _left_out(before: Absorption) -> str:
    if max(len(before.unknown), len(before.taken_for)) <= MOST:
        return ""
    return (
        f" Of {len(before.unknown):,} unknown and {len(before.taken_for):,} known classes at most "
        f"{MOST} each are shown, those with the largest fractions before rejection; the others are "
        "in the file of `mlplab export --open-set`."
    )


def _table(absorbed: Absorption, kind: str, lines: np.ndarray, columns: np.ndarray) -> pd.DataFrame:
    (low, high), fractions = absorbed.intervals, absorbed.fractions
    if absorbed.taken_for[-1] == REJECTED:
        columns = np.append(columns, len(absorbed.taken_for) - 1)
    return pd.DataFrame(
        [
            {
                "rejection": kind,
                "unknown": absorbed.unknown[i],
                "taken_for": absorbed.taken_for[j],
                "rows": int(absorbed.counts[i, j]),
                "share": fractions[i, j],
                "low": low[i, j],
                "high": high[i, j],
            }
            for i in lines
            for j in columns
        ]
    )


def _panel(table: pd.DataFrame, title: str, kind: str) -> Spec:
    lines, columns = table["unknown"].nunique(), table["taken_for"].nunique()
    width, height = (46, 40) if columns <= 8 else (30, 28)
    quiet = {"domain": False, "ticks": False}
    names = [str(known) for known in table["taken_for"].unique()]
    long = any(len(known) > 3 and known != REJECTED for known in names)
    axis = quiet | {"orient": "top", "grid": False, "labelAngle": -40 if long else 0}
    side = quiet | {"titleAlign": "right", "titleX": -6, "titleY": -6}
    return {
        "title": {"text": title, "anchor": "start", "fontSize": 12, "fontWeight": "normal"},
        "data": vega.rows(table),
        "width": width * columns,
        "height": height * lines,
        "encoding": {
            "x": vega.field("taken_for:N", sort=names, title="taken for", axis=axis),
            "y": vega.field(
                "unknown:N", sort=None, title="unknown" if kind == _BEFORE else None, axis=side
            ),
        },
        "layer": _layers(),
    }


def _layers() -> list[Spec]:
    cells = vega.mark(
        "rect",
        stroke="#ffffff",
        strokeWidth=1,
        encoding={
            "color": vega.field("share:Q", legend=None, scale=theme.shares_scale(_EXPONENT)),
            "tooltip": vega.tips(
                ("unknown:N", "unknown class"),
                ("taken_for:N", "taken for"),
                ("rows:Q", "rows", ",d"),
                ("share:Q", "share", ".1%"),
                ("low:Q", "95% from", ".1%"),
                ("high:Q", "to", ".1%"),
            ),
        },
    )
    numbers = vega.mark(
        "text",
        vega.where("datum.share >= 0.005"),
        {"calculate": "format(100 * datum.share, '.0f')", "as": "text"},
        fontSize=11,
        encoding={"text": vega.field("text:N"), "color": theme.ink_on_shares(_EXPONENT)},
    )
    return [cells, numbers]


def _caption(task: Task, detector: DetectorSeries, before: Absorption, after: Absorption) -> str:
    seeds = count(len(detector.findings), "seed")
    tells = interval_tells_of((len(task.plain.runs), len(detector.findings)), rows=True)
    rows = count(int(after.counts.sum()), "decision")
    pairs = [f"{u} taken for {k} ({fraction:.0%})" for u, k, fraction in before.largest()]
    rejected = after.fractions[:, -1]
    words = (
        f"Of 100 test rows of an unknown class (a line), how many were taken for which known class "
        f"(a column): {rows} over {seeds}. Nothing rejected, most often {listed(pairs)}. With "
        f"{detector.detector}, {after.rejected:.0%} of unknown rows are rejected"
    )
    if np.ptp(rejected) > 0:
        least = int(rejected.argmin())
        words += f", fewest of class {after.unknown[least]} ({rejected[least]:.0%})"
    unknown, known, fraction = after.largest(1)[0]
    if fraction > 0:
        words += f"; what is still accepted most is {unknown} as {known} ({fraction:.0%})"
    return (
        f"{words}. 95% intervals {tells} (Wilson's for rows) are in the tips and the CSV file. "
        "Cells below 0.5% are left blank."
    )
