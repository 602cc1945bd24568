"""How each network did on the test part: rates, losses, areas, and who was taken for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from mlplab.analysis.test_part import roc_curves_of
from mlplab.declarations.problems import BadInput
from mlplab.figures.confusion import confusion_figure
from mlplab.figures.of_study import slug, unused
from mlplab.figures.precision_recall import can_be_drawn, precision_recall_figure
from mlplab.figures.roc import roc_figure
from mlplab.metrics.classification import Evaluation
from mlplab.report.context import MOST_ROWS, Context
from mlplab.report.document import (
    Block,
    Chapter,
    Details,
    Note,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.statistics.intervals import t_interval
from mlplab.words import count, number, with_interval

MEASURES: dict[str, tuple[Callable[[Evaluation], float | None], str]] = {
    "accuracy": (lambda e: e.accuracy, "accuracy"),
    "log loss": (lambda e: e.log_loss, "loss"),
    "precision, macro": (lambda e: e.macro.precision, "accuracy"),
    "recall, macro": (lambda e: e.macro.recall, "accuracy"),
    "F1, macro": (lambda e: e.macro.f1, "accuracy"),
    "precision, weighted": (lambda e: e.weighted.precision, "accuracy"),
    "recall, weighted": (lambda e: e.weighted.recall, "accuracy"),
    "F1, weighted": (lambda e: e.weighted.f1, "accuracy"),
    "ROC area, macro": (lambda e: e.areas.macro, "accuracy"),
}
"""What is told of a network, each with the metric whose decimals it takes."""
_IN_FULL_ONLY = ("precision, weighted", "recall, weighted")
"""Told of a single network; a table of all of them would grow too wide to be read."""

MOST_CLASSES = 50
"""Beyond so many classes a table holds those that are told worst."""


def chapter(context: Context) -> Chapter | None:
    """A table of all networks, then each with its classes, ROC curves and confusion matrix."""
    evaluations = {
        name: [e for _, e in found]
        for name in context.tabled
        if (found := context.evaluations(name))
    }
    if not evaluations:
        return None
    rows = int(np.sum(next(iter(evaluations.values()))[0].support))
    blocks: list[Block] = [
        Paragraph(
            f"On {rows:,} test rows, with the weights that were kept. Means over seeds "
            "with the half width of their 95% t interval; "
            + (
                "the test rows are the same for all."
                if context.results.study.resampling is None
                else "each repetition has test rows of its own."
            )
        ),
        _table(context, evaluations),
    ]
    pictured = [name for name in context.pictured if name in evaluations]
    if len(pictured) < len(evaluations):
        blocks.append(
            Paragraph(f"The best {len(pictured)} in full; `mlplab export` has the others.")
        )
    taken: set[str] = set()
    blocks += [_network(context, name, taken) for name in pictured]
    return Chapter("evaluation", "Evaluation", tuple(blocks))


def _table(context: Context, evaluations: dict[str, list[Evaluation]]) -> Table:
    assert context.ranking is not None
    every = len(context.ranking.networks)
    measures = {label: m for label, m in MEASURES.items() if label not in _IN_FULL_ONLY}
    caption = (
        "Best first, by test accuracy. Macro: averaged over classes; weighted: by their test rows."
    )
    if every > MOST_ROWS:
        caption += f" Of {count(every, 'network')} the best {MOST_ROWS - 10} and the last 10."
    rows = (
        *(
            (plain(name), str(len(found)), *(cell(found, *m) for m in measures.values()))
            for name, found in evaluations.items()
        ),
        *_trivial(evaluations, measures),
    )
    return Table(caption, columns("network", "n", *measures), rows, sortable=True)


_BASELINE = {
    "accuracy": "accuracy", "log loss": "log_loss", "recall, macro": "balanced_accuracy",
    "F1, macro": "macro_f1", "ROC area, macro": "auroc", "Brier score": "brier_score",
    "average precision": "average_precision",
}  # fmt: skip


def _trivial(
    evaluations: dict[str, list[Evaluation]], measures: Iterable[str]
) -> Iterator[tuple[str, ...]]:
    """The row of the trivial baseline, where the records have it."""
    found = next(iter(evaluations.values()))[0].baseline
    if found:
        values = (found.get(_BASELINE.get(label, "")) for label in measures)
        cells = ("–" if value is None else number(value) for value in values)
        yield "*class frequencies of the training rows*", "", *cells


def cell(
    evaluations: Sequence[Evaluation], measure: Callable[[Evaluation], float | None], metric: str
) -> str:
    """One measure of a network's evaluations: its mean over seeds with its interval."""
    values = [v for e in evaluations if (v := measure(e)) is not None]
    return with_interval(t_interval(np.array(values)), metric) if values else "–"


def _network(context: Context, name: str, taken: set[str]) -> Details:
    found = context.evaluations(name)
    evaluations = [e for _, e in found]
    stem = unused(slug(name), taken)
    accuracy = with_interval(t_interval(np.array([e.accuracy for e in evaluations])))
    confusion = Pictures((confusion_figure(name, evaluations, f"confusion-{stem}"),), small=True)
    blocks = [confusion, *curve_blocks(context, name, f"roc-of-{stem}", f"precision-of-{stem}")]
    return Details(f"**{plain(name)}** · {accuracy}", (*blocks, _classes(name, evaluations)))


def curve_blocks(context: Context, name: str, roc_name: str, precision_name: str) -> list[Block]:
    """The ROC curves of a network's first seed, of two classes its precision and recall too.

    Where they cannot be drawn, a note says why.
    """
    found = context.evaluations(name)
    run, evaluation = found[0]
    try:
        curves = roc_curves_of(context.results, run)
    except BadInput as error:
        return [Note(plain(error.problems[0]), "No ROC curves")]
    evaluations = [e for _, e in found]
    roc = roc_figure(name, evaluations, curves, run.seed, roc_name)
    if not can_be_drawn(evaluation):
        return [Pictures((roc,))]
    precision = precision_recall_figure(name, evaluation, curves, run.seed, precision_name)
    return [Pictures((roc,)), Pictures((precision,))]


def _classes(name: str, evaluations: Sequence[Evaluation]) -> Table:
    support = np.array(evaluations[0].support)
    order = np.arange(len(support))
    if len(order) > MOST_CLASSES:
        f1 = np.mean([e.f1 for e in evaluations], axis=0)
        occurring = np.flatnonzero(support)
        order = np.sort(occurring[np.argsort(f1[occurring], kind="stable")[:MOST_CLASSES]])

    def rate(key: str, index: int) -> str:
        if key != "precision" and not support[index]:
            return "–"
        return with_interval(t_interval(np.array([getattr(e, key)[index] for e in evaluations])))

    rows = []
    for index in order.tolist():
        areas = [a for e in evaluations if (a := e.areas.classes[index]) is not None]
        rows.append(
            (
                plain(evaluations[0].class_names[index]),
                f"{support[index]:,}",
                *(rate(key, index) for key in ("precision", "recall", "f1")),
                f"{np.mean(areas):.5f}" if areas else "–",
            )
        )
    caption = f"{plain(name)}, class by class; means over {count(len(evaluations), 'seed')}."
    if len(order) < len(support):
        caption += f" Of {len(support):,} classes the {len(order)} with the lowest F1."
    if not support.all():
        caption += " A class without test rows has no recall and no F1."
    return Table(
        caption, columns("class", "rows", "precision", "recall", "F1", "ROC area"), tuple(rows)
    )
