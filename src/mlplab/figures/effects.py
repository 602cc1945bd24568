"""The answer to a question drawn: the difference of a pair, a trend's values, a ranking."""

from __future__ import annotations

import math

import altair as alt
import numpy as np
import pandas as pd

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.finding import Ranking
from mlplab.analysis.questions.units import phrase_of
from mlplab.declarations.question import PairQuestion, RankingQuestion, TrendQuestion
from mlplab.figures import theme
from mlplab.figures.figure import Figure
from mlplab.figures.vega import from_chart
from mlplab.figures.vega import rows as compact_rows
from mlplab.statistics.critical_difference import Label, diagram_labels

MOST_RANKED = 20
"""Beyond so many networks a diagram shows the best of them."""
_ROW = 26


def effect_figure(answer: Answer, name: str) -> Figure | None:
    """The figure of one answer; None where there is nothing to draw yet."""
    if answer.finding.seeds == 0:
        return None
    match answer.question:
        case PairQuestion():
            return _pair_figure(answer, answer.question, name)
        case TrendQuestion():
            return _trend_figure(answer, answer.question, name)
        case RankingQuestion():
            return _ranking_figure(answer, answer.question, name)


def _pair_figure(answer: Answer, question: PairQuestion, name: str) -> Figure | None:
    finding, unit = answer.finding, answer.unit
    differences = finding.differences if finding.differences is not None else np.empty(0)
    seen = differences[np.isfinite(differences)] / unit.scale
    low, high = finding.low / unit.scale, finding.high / unit.scale
    effect = (math.nan if finding.effect is None else finding.effect) / unit.scale
    bounds = _bounds(question, unit.scale)
    finite = [v for v in (*seen, low, high, effect, *bounds) if math.isfinite(v)]
    if not len(seen):
        return None
    left, right = min(finite), max(finite)
    room = 0.06 * ((right - left) or 1.0)
    domain = [left - room, right + room]
    table = pd.concat(
        [
            pd.DataFrame({"kind": ["effect"], "value": [effect], "low": [low], "high": [high]}),
            pd.DataFrame({"kind": "seed", "value": seen}),
        ],
        ignore_index=True,
    )
    first, second = question.compare
    title = f"{first} minus {second}: {phrase_of(question.metric)}"
    if unit.many:
        title += f" ({unit.many})"
    x = alt.X("value:Q", title=title).scale(domain=domain, nice=False).axis(tickCount=7)
    drawn = pd.DataFrame({"low": [max(low, domain[0])], "high": [min(high, domain[1])]})
    layers = [
        *_bands(question, unit.scale),
        *(_rule(bound, bound == 0) for bound in bounds),
        alt.Chart(_compact(pd.DataFrame({"value": seen}), 7))
        .mark_tick(
            thickness=1.2, size=14, color=theme.ACCENT, opacity=1, strokeOpacity=0.5, yOffset=16
        )
        .encode(x=x, tooltip=[alt.Tooltip("value:Q", title="one seed", format=".4~g")]),
        alt.Chart(_compact(drawn, 7))
        .mark_rule(strokeWidth=3, color=theme.ACCENT, yOffset=-8)
        .encode(x=alt.X("low:Q").scale(domain=domain, nice=False), x2="high:Q"),
    ]
    if math.isfinite(effect):
        layers.append(
            alt.Chart(_compact(pd.DataFrame({"value": [effect]}), 7))
            .mark_point(filled=True, size=80, color=theme.ACCENT, opacity=1, yOffset=-8)
            .encode(x=x, tooltip=[alt.Tooltip("value:Q", title="effect", format=".4~g")])
        )
    chart = alt.layer(*layers).properties(width=theme.WIDTH - 40, height=64)
    return Figure(name, question.ask, _pair_caption(answer, len(seen)), table, from_chart(chart))


def _pair_caption(answer: Answer, shown: int) -> str:
    words = (
        f"Dot: the {answer.finding.effect_is} paired difference; bar: its interval; ticks: the "
        f"differences of {shown} seeds. "
    )
    if not math.isfinite(answer.finding.low) or not math.isfinite(answer.finding.high):
        words += "Where the bar reaches the edge, the interval has no end. "
    hidden = answer.finding.seeds - shown
    if hidden:
        words += f"{hidden} seeds with an infinite difference are not drawn. "
    return words + answer.sentence


def _bounds(question: PairQuestion, scale: float) -> list[float]:
    sign = -1 if question.expect == "less" else 1
    return [0.0] + ([sign * question.by_at_least / scale] if question.by_at_least else [])


def _bands(question: PairQuestion, scale: float) -> list[alt.Chart]:
    """The range of differences that count as none."""
    if question.within is None:
        return []
    reach = question.within / scale
    band = pd.DataFrame({"low": [-reach], "high": [reach]})
    return [
        alt.Chart(_compact(band, 7))
        .mark_rect(color=theme.FAINT, opacity=1, fillOpacity=0.55, clip=True)
        .encode(x="low:Q", x2="high:Q")
    ]


def _rule(at: float, is_zero: bool) -> alt.Chart:
    return (
        alt.Chart(_compact(pd.DataFrame({"value": [at]}), 7))
        .mark_rule(color=theme.MUTED, strokeDash=[] if is_zero else [4, 3])
        .encode(x="value:Q")
    )


def _trend_figure(answer: Answer, question: TrendQuestion, name: str) -> Figure:
    """A thin line a seed, a dot its value; what never arrives stands on top."""
    values = answer.measured.values / answer.unit.scale
    finite = values[np.isfinite(values)]
    top = float(finite.max()) if len(finite) else 1.0
    bottom = float(finite.min()) if len(finite) else 0.0
    reach = (top - bottom) or abs(top) or 1.0
    edge = {math.inf: top + 0.12 * reach, -math.inf: bottom - 0.12 * reach}
    rows = [
        {
            "network": network,
            "seed": seed,
            "value": values[i, j],
            "drawn": edge.get(values[i, j], values[i, j]),
        }
        for i, seed in enumerate(answer.measured.seeds)
        for j, network in enumerate(answer.measured.networks)
        if not math.isnan(values[i, j])
    ]
    table = pd.DataFrame(rows)
    middle = table.groupby("network", sort=False)["drawn"].median().reset_index()
    title = phrase_of(question.metric) + (f" ({answer.unit.many})" if answer.unit.many else "")
    x = alt.X("network:N", title=None, sort=list(question.along)).axis(
        labelAngle=0, labelLimit=160, labelColor=theme.INK
    )
    y = alt.Y("drawn:Q", title=title).scale(zero=False).axis(tickCount=6)
    base = alt.Chart(_compact(table[["network", "seed", "drawn"]], 6))
    layers = [
        base.mark_line(color=theme.GREY, strokeWidth=0.8, opacity=0.6).encode(
            x=x, y=y, detail="seed:N"
        ),
        base.mark_point(filled=True, size=22, color=theme.GREY, opacity=0.8).encode(x=x, y=y),
        alt.Chart(_compact(middle, 6))
        .mark_line(color=theme.ACCENT, strokeWidth=2.4, point={"size": 70, "filled": True})
        .encode(x=x, y=y),
    ]
    count = len(answer.measured.seeds)
    caption = f"Thin: {count} seeds; thick: the medians. "
    infinite = int(np.isinf(values).sum())
    if infinite:
        what = "that never get there" if any(answer.measured.unreached) else "that diverged"
        caption += f"{infinite} of {values.size} runs {what} are drawn at the edge. "
    chart = alt.layer(*layers).properties(width=theme.WIDTH - 60, height=220)
    shown = table.drop(columns="drawn")
    return Figure(name, question.ask, caption + answer.sentence, shown, from_chart(chart))


def _ranking_figure(answer: Answer, question: RankingQuestion, name: str) -> Figure | None:
    ranking = answer.finding.ranking
    if ranking is None:
        return None
    shown = ranking.networks[:MOST_RANKED]
    table = pd.DataFrame({"network": ranking.networks, "average_rank": ranking.average_ranks})
    caption = (
        f"Critical-difference diagram of {answer.finding.seeds} seeds: average ranks, the best (1) "
        "on the right. "
    )
    if ranking.pairs is None:
        caption += "No pair could be told apart after Holm's correction, so there are no bars. "
    else:
        caption += "A bar joins networks of which no two are told apart. "
    if len(shown) < len(ranking.networks):
        caption += f"Only the best {len(shown)} of {len(ranking.networks):,} are drawn. "
    chart = critical_difference_chart(ranking, shown)
    return Figure(name, question.ask, caption + answer.sentence, table, from_chart(chart))


def critical_difference_chart(ranking: Ranking, shown: tuple[str, ...]) -> alt.LayerChart:
    """Demšar's diagram: ranks on an axis that runs from many (left) to 1 (right)."""
    ranks = np.array(ranking.average_ranks[: len(shown)])
    labels = diagram_labels(ranks)
    bars = [tuple(n for n in bar if n in shown) for bar in ranking.cliques]
    bars = [bar for bar in bars if len(bar) > 1]
    low = 1.0 if len(shown) == len(ranking.networks) else math.floor(float(ranks.min()))
    high = float(len(shown)) if len(shown) == len(ranking.networks) else math.ceil(ranks.max())
    room = 0.32 * (high - low)
    first_row = 1.0 + 0.6 * len(bars)
    rows = max((label.row for label in labels), default=0) + first_row + 1
    x_scale = alt.Scale(domain=[high + room, low - room], nice=False, zero=False)
    y_scale = alt.Scale(domain=[rows, 0], nice=False)
    ticks = [float(t) for t in np.arange(math.ceil(low), math.floor(high) + 1)]
    return alt.layer(
        *_axis(low, high, ticks, x_scale, y_scale),
        *_label_lines(shown, labels, first_row, (high, low, room), x_scale, y_scale),
        *_bars(bars, dict(zip(shown, ranks, strict=True)), x_scale, y_scale),
    ).properties(width=theme.WIDTH - 40, height=max(110, _ROW * rows))


def _axis(
    low: float, high: float, ticks: list[float], x: alt.Scale, y: alt.Scale
) -> list[alt.Chart]:
    line = pd.DataFrame({"x": [high], "x2": [low], "y": [0.3]})
    marks = pd.DataFrame({"x": ticks, "y": 0.3, "y2": 0.1, "text": [f"{t:g}" for t in ticks]})
    every = marks if len(ticks) <= 12 else marks.iloc[:: math.ceil(len(ticks) / 12)]
    return [
        _placed(line, x, y).mark_rule(color=theme.INK).encode(x2="x2:Q"),
        _placed(every, x, y).mark_rule(color=theme.INK).encode(y2="y2:Q"),
        _placed(every, x, y)
        .mark_text(dy=-12, color=theme.MUTED, fontSize=11)
        .encode(text="text:N"),
    ]


def _label_lines(
    shown: tuple[str, ...],
    labels: tuple[Label, ...],
    first_row: float,
    extent: tuple[float, float, float],
    x: alt.Scale,
    y: alt.Scale,
) -> list[alt.Chart]:
    high, low, room = extent
    rows = []
    for label in labels:
        end = low - 0.1 * room if label.side == "right" else high + 0.1 * room
        rows.append(
            {
                "x": label.average_rank,
                "y": 0.3,
                "row": label.row + first_row,
                "end": end,
                "side": label.side,
                "text": f"{shown[label.network]} ({label.average_rank:.2f})",
            }
        )
    table = pd.DataFrame(rows)
    ends = table.assign(x=table["end"], y=table["row"])
    across = table.assign(y=table["row"])
    layers = [
        _placed(table, x, y).mark_rule(color=theme.GREY).encode(y2="row:Q"),
        _placed(across, x, y).mark_rule(color=theme.GREY).encode(x2="end:Q"),
    ]
    for side, align, shift in (("right", "left", 4), ("left", "right", -4)):
        own = ends[ends["side"] == side]
        if len(own):
            layers.append(
                _placed(own, x, y)
                .mark_text(align=align, dx=shift, color=theme.INK, fontSize=11.5)
                .encode(text="text:N")
            )
    return layers


def _bars(
    bars: list[tuple[str, ...]], ranks: dict[str, float], x: alt.Scale, y: alt.Scale
) -> list[alt.Chart]:
    if not bars:
        return []
    table = pd.DataFrame(
        {
            "x": [max(ranks[n] for n in bar) + 0.03 for bar in bars],
            "x2": [min(ranks[n] for n in bar) - 0.03 for bar in bars],
            "y": [0.75 + 0.5 * place for place in range(len(bars))],
        }
    )
    return [
        _placed(table, x, y)
        .mark_rule(color=theme.ACCENT, strokeWidth=4, strokeCap="round")
        .encode(x2="x2:Q")
    ]


def _placed(table: pd.DataFrame, x: alt.Scale, y: alt.Scale) -> alt.Chart:
    return alt.Chart(_compact(table, 6)).encode(
        x=alt.X("x:Q", scale=x, axis=None), y=alt.Y("y:Q", scale=y, axis=None)
    )


def _compact(table: pd.DataFrame, digits: int) -> alt.InlineData:
    return alt.InlineData(**compact_rows(table, digits))
