"""The answer to a question drawn: a pair's difference, a level, a trend's values, a ranking."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlplab.analysis.questions.answers import Answer
from mlplab.analysis.questions.finding import Ranking
from mlplab.analysis.questions.pairs import MOST_RANKED
from mlplab.analysis.questions.sentence import limits
from mlplab.analysis.questions.units import phrase_of
from mlplab.declarations.metric import target_of
from mlplab.declarations.question import LevelQuestion, PairQuestion, RankingQuestion, TrendQuestion
from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec
from mlplab.statistics.critical_difference import Label, diagram_labels
from mlplab.words import count, middle_cut

_ROW = 26


def effect_figure(answer: Answer, name: str) -> Figure | None:
    """The figure of one answer; None where there is nothing to draw yet."""
    if answer.finding.seeds == 0:
        return None
    match answer.question:
        case PairQuestion() | LevelQuestion():
            return _line_figure(answer, answer.question, name)
        case TrendQuestion():
            return _trend_figure(answer, answer.question, name)
        case RankingQuestion():
            return _ranking_figure(answer, answer.question, name)


def _line_figure(
    answer: Answer, question: PairQuestion | LevelQuestion, name: str
) -> Figure | None:
    """What is asked about, the seeds' differences or values, their mean and its interval."""
    finding, unit, many = answer.finding, answer.unit.scale, answer.unit.many
    arms: tuple[str, ...]
    if isinstance(question, LevelQuestion):
        arms, bounds, shift = (question.level_of,), [question.than], question.than
        of_unit = " (%)" if many == "points" else ""
        low, high = limits(question, finding)
    else:
        arms, bounds, shift = question.arms, _bounds(question), 0.0
        of_unit = f" ({many})" if many else ""
        low, high = finding.low, finding.high
    differences = finding.differences if finding.differences is not None else np.empty(0)
    seen = (differences[np.isfinite(differences)] + shift) / unit
    if not len(seen):
        return None
    low, high, bounds = low / unit, high / unit, [bound / unit for bound in bounds]
    effect = (math.nan if finding.effect is None else finding.effect + shift) / unit
    reach = None if question.within is None else question.within / unit
    edges = () if reach is None else (bounds[0] - reach, bounds[0] + reach)
    finite = [v for v in (*seen, low, high, effect, *bounds, *edges) if math.isfinite(v)]
    room = 0.06 * ((max(finite) - min(finite)) or 1.0)
    domain = [min(finite) - room, max(finite) + room]
    table = pd.DataFrame(
        {
            "kind": ["effect"] + ["seed"] * len(seen),
            "value": [effect, *seen],
            "low": [low] + [math.nan] * len(seen),
            "high": [high] + [math.nan] * len(seen),
        }
    )
    drawn = table.assign(low=table["low"].clip(*domain), high=table["high"].clip(*domain))
    scale = {"domain": domain, "nice": False}
    x = {
        "title": _titled(arms, f"{phrase_of(question.metric)}{of_unit}"),
        "scale": scale,
        "axis": {"tickCount": 7},
    }
    chart = {
        "data": vega.rows(drawn, 7),
        "width": theme.WIDTH - 40,
        "height": 64,
        "layer": [*_margins(bounds, edges, scale), *_differences(x)],
    }
    return Figure(name, question.ask, _line_caption(answer, len(seen)), table, chart)


def _titled(arms: tuple[str, ...], measured: str) -> str | list[str]:
    """What an axis of differences shows: in lines of their own where names are long."""
    first, *others = (middle_cut(arm) for arm in arms)
    line = f"{' minus '.join((first, *others))}: {measured}"
    return line if len(line) <= 60 else [first, *(f"minus {arm}" for arm in others), measured]


def _differences(x: Spec) -> list[Spec]:
    """Ticks of the seeds below, the effect and its interval above."""
    is_seed, is_effect = (vega.where(f"datum.kind == '{kind}'") for kind in ("seed", "effect"))
    blue = {"color": theme.ACCENT, "opacity": 1}

    def at(column: str, told: str) -> Spec:
        tips = vega.tips((f"{column}:Q", told, ".4~g"))
        return {"x": vega.field(f"{column}:Q", **x), "tooltip": tips}

    bar = {"x": vega.field("low:Q", **x), "x2": {"field": "high"}}
    return [
        vega.mark("tick", is_seed, **blue, thickness=1.2, size=14, strokeOpacity=0.5, yOffset=16,
                  encoding=at("value", "one seed")),
        vega.mark("rule", is_effect, **blue, strokeWidth=3, yOffset=-8, y2Offset=-8, encoding=bar),
        vega.mark("point", is_effect, vega.where("isValid(datum.value)"), **blue, filled=True,
                  size=80, yOffset=-8, encoding=at("value", "effect")),
    ]  # fmt: skip


def _line_caption(answer: Answer, shown: int) -> str:
    of_level = isinstance(answer.question, LevelQuestion)
    effect, seeds = answer.finding.effect_is, count(shown, "seed")
    words = (
        f"Dot: the {effect}{'' if of_level else ' paired difference'}; bar: its interval; ticks: "
        f"the {'values' if of_level else 'differences'} of {seeds}. "
    )
    if of_level:
        words = f"Upright line: the number asked about. {words}"
    if not math.isfinite(answer.finding.low) or not math.isfinite(answer.finding.high):
        words += "Where the bar reaches the edge, the interval has no end. "
    hidden = answer.finding.seeds - shown
    if hidden:
        words += f"{hidden} seeds with an infinite difference are not drawn. "
    return words.rstrip()


def _bounds(question: PairQuestion) -> list[float]:
    sign = -1 if question.expect == "less" else 1
    return [0.0] + ([sign * question.by_at_least] if question.by_at_least else [])


def _margins(
    bounds: Sequence[float], edges: Sequence[float], scale: Mapping[str, Any]
) -> list[Spec]:
    """What is asked about as rules, the first without dashes; what counts as the same as a band."""
    layers: list[Spec] = []
    if edges:
        least, most = scale["domain"]
        band = pd.DataFrame({"low": [max(edges[0], least)], "high": [min(edges[1], most)]})
        ends = {"x": vega.field("low:Q", scale=scale), "x2": {"field": "high"}}
        shade = vega.mark("rect", color=theme.FAINT, opacity=1, fillOpacity=0.55, encoding=ends)
        layers.append(vega.on_table(band, shade, 7))
    for index, bound in enumerate(bounds):
        at = {"x": vega.field("at:Q", scale=scale)}
        dash = [4, 3] if index else [1, 0]
        rule = vega.mark("rule", color=theme.MUTED, strokeDash=dash, encoding=at)
        layers.append(vega.on_table(pd.DataFrame({"at": [bound]}), rule, 7))
    return layers


def _trend_figure(answer: Answer, question: TrendQuestion, name: str) -> Figure:
    """A thin line a seed, a dot its value; what never arrives stands on top.

    Drawn are the seeds that the test uses: those that have a value of every network.
    """
    used = ~np.isnan(answer.measured.values).any(axis=1)
    seeds = np.array(answer.measured.seeds)[used].tolist()
    values = answer.measured.values[used] / answer.unit.scale
    finite = values[np.isfinite(values)].tolist() or [0.0, 1.0]
    top, bottom = max(finite), min(finite)
    reach = (top - bottom) or abs(top) or 1.0
    edge = {math.inf: top + 0.12 * reach, -math.inf: bottom - 0.12 * reach}
    networks = answer.measured.networks
    table = pd.DataFrame(
        {
            "network": list(networks) * len(seeds),
            "seed": np.repeat(seeds, len(networks)),
            "value": values.ravel(),
            "drawn": [edge.get(value, value) for value in values.ravel().tolist()],
        }
    )
    title = phrase_of(question.metric) + (f" ({answer.unit.many})" if answer.unit.many else "")
    drawn_edges = [edge[value] for value in edge if (values == value).any()]
    chart = _trend_chart(table, list(question.along), title, drawn_edges)
    caption = f"Thin: {count(len(seeds), 'seed')}; thick: the medians. "
    infinite = int(np.isinf(values).sum())
    if infinite:
        what = "that never get there" if target_of(question.metric) else "that diverged"
        caption += f"{infinite} of {values.size} runs {what} are drawn on the dashed line. "
    shown = table.drop(columns="drawn")
    return Figure(name, question.ask, caption.rstrip(), shown, chart)


def _trend_chart(table: pd.DataFrame, order: list[str], title: str, edges: list[float]) -> Spec:
    """Lines of the seeds under that of their medians; dashed, where what is infinite is drawn."""
    middle = table.groupby("network", sort=False)["drawn"].median().reset_index()
    axis = {"labelAngle": 0, "labelExpr": theme.middle_cut_across(len(order))}
    one: dict[str, Any] = {"color": theme.GREY, "opacity": 0.7}
    dots = {"size": 70, "filled": True, "color": theme.ACCENT}
    medians = vega.mark("line", color=theme.ACCENT, strokeWidth=2.4, point=dots)
    whole_width = {"x": {"value": 0}, "x2": {"value": "width"}}
    never = vega.mark("rule", color=theme.MUTED, strokeDash=[4, 3], encoding=whole_width)
    return {
        "data": vega.rows(table[["network", "seed", "drawn"]], 6),
        "width": theme.WIDTH - 60,
        "height": 220,
        "encoding": {
            "x": vega.field("network:N", title=None, sort=order, axis=axis),
            "y": vega.measure("drawn", title, tickCount=6),
        },
        "layer": [
            vega.mark("line", **one, strokeWidth=0.8, encoding={"detail": vega.field("seed:N")}),
            vega.mark("point", **one, filled=True, size=22),
            vega.on_table(middle, medians, 6),
            vega.on_table(pd.DataFrame({"drawn": edges}, dtype=float), never, 6),
        ],
    }


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
        caption += "A bar joins the networks marked on it, no two of which are told apart. "
    if len(shown) < len(ranking.networks):
        caption += f"Only the best {len(shown)} of {len(ranking.networks):,} are drawn. "
    chart = critical_difference_chart(ranking, shown)
    return Figure(name, question.ask, caption.rstrip(), table, chart)


def critical_difference_chart(ranking: Ranking, shown: tuple[str, ...]) -> Spec:
    """Demšar's diagram: ranks on an axis that runs from many (left) to 1 (right)."""
    ranks = np.array(ranking.average_ranks[: len(shown)])
    labels = diagram_labels(ranks)
    bars = [tuple(n for n in bar if n in shown) for bar in ranking.cliques]
    bars = [bar for bar in bars if len(bar) > 1]
    whole = len(shown) == len(ranking.networks)
    low = 1.0 if whole else float(math.floor(ranks.min()))
    high = float(len(shown)) if whole else float(math.ceil(ranks.max()))
    room = 0.32 * (high - low)
    first_row = 1.0 + 0.6 * len(bars)
    height = max((label.row for label in labels), default=0) + first_row + 1

    lines = _label_lines(shown, labels, first_row, (high + 0.1 * room, low - 0.1 * room))
    every = math.ceil((high - low + 1) / 12)
    ticks = np.arange(math.ceil(low), math.floor(high) + 1, every)
    at_rank = dict(zip(shown, ranks, strict=True))
    ink, grey, to = {"color": theme.INK}, {"color": theme.GREY}, {"x2": {"field": "x2"}}
    text = {"text": {"field": "text"}}
    parts = [
        (pd.DataFrame({"x": [high], "x2": [low], "y": [0.3]}),
         vega.mark("rule", **ink, encoding=to)),
        (pd.DataFrame({"x": ticks, "y": 0.3, "y2": 0.1}),
         vega.mark("rule", **ink, encoding={"y2": {"field": "y2"}})),
        (pd.DataFrame({"x": ticks, "y": 0.1, "text": ticks.astype(str)}),
         vega.mark("text", dy=-8, color=theme.MUTED, encoding=text)),
        (lines, vega.mark("rule", **grey, encoding={"y2": {"field": "row"}})),
        (lines.assign(y=lines["row"]),
         vega.mark("rule", **grey, encoding={"x2": {"field": "end"}})),
        *((lines[lines["side"] == side].assign(x=lines["end"], y=lines["row"]),
           vega.mark("text", align=align, dx=shift, **ink, encoding=text))
          for side, align, shift in (("right", "left", 4), ("left", "right", -4))),
    ]  # fmt: skip
    if bars:
        heights = {bar: 0.75 + 0.5 * line for line, bar in enumerate(bars)}
        joined = [
            {"x": max(at_rank[n] for n in bar) + 0.03, "x2": min(at_rank[n] for n in bar) - 0.03,
             "y": y}
            for bar, y in heights.items()
        ]  # fmt: skip
        members = [{"x": at_rank[n], "y": y} for bar, y in heights.items() for n in bar]
        bold = vega.mark("rule", color=theme.ACCENT, strokeWidth=4, encoding=to)
        parts.append((pd.DataFrame(joined), bold))
        dot = vega.mark("point", color=theme.ACCENT, filled=True, size=50, opacity=1)
        parts.append((pd.DataFrame(members), dot))
    # Both domains run backwards: rank 1 is right, row 0 on top.
    across, down = [high + room, low - room], [height, 0]
    return {
        "width": theme.WIDTH - 40,
        "height": max(110, _ROW * height),
        "encoding": {
            "x": vega.field("x:Q", axis=None, scale={"domain": across, "nice": False}),
            "y": vega.field("y:Q", axis=None, scale={"domain": down, "nice": False}),
        },
        "layer": [vega.on_table(table, layer, 6) for table, layer in parts],
    }


def _label_lines(
    shown: tuple[str, ...], labels: tuple[Label, ...], first_row: float, ends: tuple[float, float]
) -> pd.DataFrame:
    """From each rank down to its row, and out to its name."""
    return pd.DataFrame(
        [
            {
                "x": label.average_rank,
                "y": 0.3,
                "row": label.row + first_row,
                "end": ends[1] if label.side == "right" else ends[0],
                "side": label.side,
                "text": f"{middle_cut(shown[label.network], 24)} ({label.average_rank:.2f})",
            }
            for label in labels
        ]
    )
