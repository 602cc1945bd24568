"""The path of evidence: what was seen at every look, where seeds are added until a question is
decided."""

from __future__ import annotations

import math

import pandas as pd

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.finding import FALSE_VERDICTS, corrected
from mlplab.declarations.question import PairQuestion
from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec

_FEWEST_LOOKS = 2


def evidence_figure(answer: Answer, name: str) -> Figure | None:
    """Effect and p-value against seeds; None of a question that was looked at once."""
    if answer.looks is None or len(answer.looks.path) < _FEWEST_LOOKS:
        return None
    table = _table(answer)
    panels = [_p_values(table)]
    if table[["low", "effect", "high"]].notna().all(axis=1).any():
        panels.insert(0, _effects(answer, table))
    caption = (
        "What was seen at each look, with more seeds each time. Bars: intervals that hold at all "
        "looks together; below, the p-value, corrected for all looks: decided at "
        f"{FALSE_VERDICTS} or less (dashed)."
    )
    ratio = answer.looks.width_ratio
    if ratio is not None:
        caption += (
            f" At the last look the interval is {ratio:.2f} times as wide as one look alone would "
            "have it: that is what looking often cost."
        )
    title = f"The path of evidence: {answer.question.ask}"
    return Figure(name, title, caption, table, {"spacing": 14, "vconcat": panels})


def _table(answer: Answer) -> pd.DataFrame:
    """A row a look; infinite limits are left empty."""
    assert answer.looks is not None
    scale = answer.unit.scale

    def shown(value: float | None) -> float:
        return value / scale if value is not None and math.isfinite(value) else math.nan

    rows = [
        (
            look.seeds,
            shown(look.effect),
            shown(look.low),
            shown(look.high),
            1 - look.level,
            corrected(look.p_value, answer.questions / look.fraction),
        )
        for look in answer.looks.path
    ]
    return pd.DataFrame(rows, columns=["seeds", "effect", "low", "high", "level", "p_value"])


def _seeds(table: pd.DataFrame, title: str | None) -> Spec:
    reach = (0.9 * float(table["seeds"].min()), 1.1 * float(table["seeds"].max()))
    values = [int(n) for n in table["seeds"]]
    return vega.measure("seeds", title, domain=reach, scale={"type": "log"}, values=values)


def _effects(answer: Answer, table: pd.DataFrame) -> Spec:
    """Intervals of the looks, beside what is asked about."""
    question, scale, many = answer.question, answer.unit.scale, answer.unit.many
    title = "effect" + (f" ({many})" if many else "")
    up, blue = vega.measure("effect", title), {"color": theme.ACCENT}
    tips = vega.tips("seeds:Q", ("effect:Q", "effect", ".4~g"), ("low:Q", "from", ".4~g"),
                     ("high:Q", "to", ".4~g"), ("level:Q", "level of this look", ".3~g"))  # fmt: skip
    bar = {"x": _seeds(table, None), "y": vega.measure("low", title), "y2": {"field": "high"}}
    within = getattr(question, "within", None)
    edges = [] if within is None else [within, -within]
    if isinstance(question, PairQuestion) and question.by_at_least:
        edges.append((-1 if question.expect == "less" else 1) * question.by_at_least)
    lines = [(0.0, [1, 0]), *((edge / scale, [4, 3]) for edge in edges)]
    bounds = [
        vega.on_table(
            pd.DataFrame({"at": [at]}),
            vega.mark("rule", color=theme.MUTED, strokeDash=dash,
                      encoding={"y": vega.field("at:Q", title=title)}),
        )
        for at, dash in lines
    ]  # fmt: skip
    return {
        "data": vega.rows(table, 7),
        "width": theme.WIDTH - 60,
        "height": 150,
        "layer": [
            *bounds,
            vega.mark("rule", vega.where("isValid(datum.low) && isValid(datum.high)"), **blue,
                      strokeWidth=2, encoding=bar),
            vega.mark("point", vega.where("isValid(datum.effect)"), **blue, filled=True, size=60,
                      opacity=1, encoding={"x": _seeds(table, None), "y": up, "tooltip": tips}),
        ],
    }  # fmt: skip


def _p_values(table: pd.DataFrame) -> Spec:
    smallest, log = 1e-6, {"type": "log"}
    drawn = table[["seeds", "p_value"]].assign(p_value=table["p_value"].clip(smallest, 1))
    marks = [1, FALSE_VERDICTS, 1e-3, 1e-5]
    up = vega.measure("p_value", "corrected p", scale=log, values=marks, format="~g")
    tips = vega.tips("seeds:Q", ("p_value:Q", "corrected p", ".3~g"))
    line = {"x": _seeds(table, "paired seeds"), "y": up}
    limit = vega.mark("rule", color=theme.MUTED, strokeDash=[4, 3],
                      encoding={"y": vega.field("at:Q", title="corrected p", scale=log)})  # fmt: skip
    return {
        "data": vega.rows(drawn, 7),
        "width": theme.WIDTH - 60,
        "height": 90,
        "layer": [
            vega.on_table(pd.DataFrame({"at": [FALSE_VERDICTS]}), limit),
            vega.mark("line", color=theme.ACCENT, strokeWidth=1.4, encoding=line),
            vega.mark("point", color=theme.ACCENT, filled=True, size=40, opacity=1,
                      encoding=line | {"tooltip": tips}),
        ],
    }  # fmt: skip
