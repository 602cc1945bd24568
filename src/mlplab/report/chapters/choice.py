"""Which network to take, by a stated rule, and all that is known of that network."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlplab.analysis.calibration import CalibrationOverSeeds
from mlplab.analysis.choice.best import NoChoice
from mlplab.analysis.choice.rule import Candidate, Choice, Spread
from mlplab.analysis.choice.words import (
    caveats_of,
    comparison_in_words,
    margin_in_words,
    outcome_in_words,
    rule_in_words,
)
from mlplab.declarations.choice import CostName
from mlplab.declarations.figure import CurveFigure, Split
from mlplab.declarations.problems import BadInput
from mlplab.declarations.task import REGRESSION, Metric
from mlplab.figures.calibration import reliability_figure
from mlplab.figures.confusion import confusion_figure
from mlplab.figures.curves import curve_figures
from mlplab.report.chapters import prediction_errors
from mlplab.report.chapters.evaluation import MEASURES, cell, curve_blocks
from mlplab.report.context import Context
from mlplab.report.document import (
    Block,
    Bullets,
    Chapter,
    Details,
    Note,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.words import count, number, points, with_interval, with_limits

MOST_SHOWN = 25
_UNITS: dict[CostName, str] = {
    "parameters": "parameters",
    "flops": "training FLOPs",
    "seconds": "seconds",
}


def chapter(context: Context) -> Chapter | None:
    """The rule, what it chose, how every candidate compares, and the chosen one in full."""
    choice = context.chosen
    title = "Which network to take"
    if isinstance(choice, NoChoice):
        if len(context.results.study.networks) < 2 or context.ranking is None:
            return None
        return Chapter("choice", title, (Paragraph(f"No network is chosen: {choice.reason}."),))
    rule = rule_in_words(choice)
    blocks: list[Block] = [
        Paragraph(f"The rule: {rule}.", lead=True),
        Paragraph(f"**{plain(outcome_in_words(choice))}.**", lead=True),
    ]
    if caveats := tuple(plain(caveat) for caveat in caveats_of(choice)):
        blocks.append(Bullets(caveats))
    blocks.append(_table(choice))
    full = tuple(_in_full(context, choice))
    if full:
        title_of_it = "in full" if choice.chosen else "the best mean so far, in full"
        blocks.append(Details(f"**{plain(choice.shown.network)}**, {title_of_it}", full))
    return Chapter("choice", title, tuple(blocks))


def _table(choice: Choice) -> Table:
    shown, metric = choice.candidates, choice.metric
    title = metric.title
    unit = "in points, " if metric.is_fraction else ""
    caption = (
        f"Candidates, the cheapest first. {title[0].upper()}{title[1:]}: final, {choice.split}. ±: half "
        f"of a 95% interval, of {title} for other seeds and rows, of a cost for other seeds; in "
        f"brackets its limits, where they are uneven. Less the best other: {unit}with "
        f"{comparison_in_words(choice)}. Pareto front: no other is at "
        "least as good and as cheap by that cost, and better in one, by their means."
    )
    if len(shown) > MOST_SHOWN:
        best = sorted(shown, key=lambda c: -metric.sign * c.value.mean)[:MOST_SHOWN]
        shown = tuple(c for c in shown if c in best or c.network == choice.chosen)
        beside = "" if choice.shown in best else " and the chosen one"
        caption += f" Only the best {MOST_SHOWN} of {len(choice.candidates):,}{beside} are shown."
    heads = columns(
        "network", *_UNITS.values(), title, "less the best other",
        f"within {margin_in_words(choice)}", "on the Pareto front of", left=1,
    )  # fmt: skip
    return Table(caption, heads, tuple(_row(c, choice) for c in shown), sortable=True)


def _row(candidate: Candidate, choice: Choice) -> tuple[str, ...]:
    name = plain(candidate.network)
    pareto_front = [cost for cost in _UNITS if cost in candidate.pareto_front]
    return (
        f"**{name}**" if candidate.network == choice.chosen else name,
        *(_cost(candidate.costs[cost], cost) for cost in _UNITS),
        with_limits(candidate.value, 4)
        if choice.metric.is_fraction
        else with_interval(candidate.value, choice.metric.name),
        _difference(candidate, choice.metric),
        "yes" if candidate.qualifies else "not shown",
        ", ".join(pareto_front) or "–",
    )


def _difference(candidate: Candidate, metric: Metric) -> str:
    limits = candidate.low, candidate.high
    if metric.is_fraction:
        return f"{points(limits[0])} to {points(limits[1])}"
    return " to ".join(
        f"{'+' if limit > 0 else ''}{number(limit, metric.name)}" for limit in limits
    )


def _cost(spread: Spread, cost: CostName) -> str:
    if cost == "parameters":
        return f"{spread.mean:,.0f}"
    if cost == "flops":
        half = (spread.high - spread.low) / 2
        told = f"{spread.mean:.3g} ± {half:.1g}" if half > 0 else f"{spread.mean:.3g}"
        return told.replace("e+", "e")
    digits = max(0, 3 - len(f"{spread.mean:.0f}".lstrip("0")))
    return with_limits(spread, digits, (0, math.inf))


def _in_full(context: Context, choice: Choice) -> Iterator[Block]:
    """The table and curves of the chosen network; its matrix and calibration, or its errors."""
    name = choice.shown.network
    if context.predictions(name):
        yield from _predictions_in_full(context, choice)
        return
    found = context.evaluations(name)
    if not found:
        return
    evaluations = [evaluation for _, evaluation in found]
    calibration, missing = _calibration(context, name)
    measured = [(label, cell(evaluations, *measure)) for label, measure in MEASURES.items()]
    if calibration is not None:
        ece = "expected calibration error (ECE)"
        measured.append((ece, with_interval(calibration.expected_error)))
    yield Table(
        f"On the {sum(evaluations[0].support):,} test rows; means over "
        f"{count(len(evaluations), 'seed')} with the half width of their 95% t interval. Averages "
        "are over classes (macro) or over rows (weighted).",
        columns("measure", "test set", left=1),
        tuple(measured),
    )
    yield _learning_curve(context, choice)
    yield from curve_blocks(context, name, "choice-roc", "choice-precision")
    yield Pictures((confusion_figure(name, evaluations, "choice-confusion"),), small=True)
    if calibration is not None:
        yield Pictures((reliability_figure(calibration, "choice-calibration"),), small=True)
    elif missing:
        yield Note(missing, "No calibration")


def _learning_curve(context: Context, choice: Choice) -> Pictures:
    name = choice.shown.network
    splits: list[Split] = ["batch", "test"]
    if choice.split == "validation":
        splits.insert(1, "validation")
    declared = CurveFigure(
        title=f"Learning curve of {name}",
        metric=context.results.study.task.main,
        networks=(name,),
        split=tuple(splits),
    )
    return Pictures(tuple(curve_figures(declared, context.results, "choice-learning-curve")))


def _predictions_in_full(context: Context, choice: Choice) -> Iterator[Block]:
    name = choice.shown.network
    evaluations = [evaluation for _, evaluation in context.predictions(name)]
    rows = [
        (REGRESSION.metrics[metric].title, prediction_errors.cell(evaluations, metric), trivial)
        for metric, trivial in zip(
            prediction_errors.MEASURES, prediction_errors.baseline_cells(evaluations), strict=True
        )
    ]
    yield Table(
        f"On the {evaluations[0].rows:,} test rows; means over {count(len(evaluations), 'seed')} with "
        "the half width of their 95% t interval.",
        columns("measure", "test set", prediction_errors.BASELINE, left=1),
        tuple(rows),
    )
    yield _learning_curve(context, choice)
    yield from prediction_errors.pictures(name, evaluations, "choice-errors")


def _calibration(context: Context, name: str) -> tuple[CalibrationOverSeeds | None, str]:
    """The calibration, or why there is none."""
    try:
        return context.calibration(name), ""
    except BadInput as error:
        return None, plain(error.problems[0])
