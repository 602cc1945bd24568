"""The columns of a table: what a network makes of them, and which of them it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from mlplab.declarations.data import CsvData, TableData
from mlplab.declarations.problems import BadInput
from mlplab.figures.of_study import slug
from mlplab.records.results import Run
from mlplab.report.context import Context
from mlplab.report.document import (
    Block,
    Bullets,
    Chapter,
    Note,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.words import count, listed, number

# What reads data is imported where a table is reported: it takes longer than most reports.
if TYPE_CHECKING:
    from mlplab.analysis.importance import Importance
    from mlplab.data.columns import Column
    from mlplab.data.fitted import Preparation

MOST_ROWS = 200
_SCALED = {
    "standard": "standardised", "robust": "scaled by quartiles, extremes drawn in",
    "quantile": "put through its quantiles", "unit": "divided by the largest", "none": "as it is",
}  # fmt: skip


def chapter(context: Context) -> Chapter | None:
    """Of the leading network: importance of columns, and how each became inputs."""
    name = context.leading
    runs = [run for run in context.runs.get(name or "", ()) if run.diverged_at is None]
    if name is None or not runs or context.results.folder is None:
        return None
    if not isinstance(context.results.study.networks[name].data, TableData | CsvData):
        return None
    from mlplab.analysis.importance import column_importance

    blocks: list[Block] = []
    try:
        found = column_importance(context.results, runs)
        if found is not None:
            blocks += _importance(name, found)
        blocks += _preparation(context, runs[0])
    except BadInput as error:
        blocks.append(Note(plain(str(error.problems[0])), "Columns are not looked at"))
    return Chapter("columns", "Columns", tuple(blocks)) if blocks else None


def _importance(name: str, found: Importance) -> Iterator[Block]:
    from mlplab.figures.importance import importance_figure, importance_table

    table = importance_table(found)
    first = table.iloc[0]
    cost = f"{number(first['loss'])} points" if found.metric.is_fraction else number(
        first["loss"], found.metric.name
    )  # fmt: skip
    idle = [str(row["column"]) for _, row in table.iterrows() if row["low"] <= 0 <= row["high"]]
    lead = (
        f"{plain(name)} needs column **{plain(str(first['column']))}** most: shuffling it costs {cost} of "
        f"test {found.metric.title}."
    )
    if idle and len(found.losses) > 1:
        names = listed(map(plain, idle), most=6)
        verb = "makes" if len(idle) == 1 else "make"
        lead += f" Shuffling {names} {verb} no difference that the seeds show."
    yield Paragraph(lead, lead=True)
    yield Pictures((importance_figure(name, found, f"importance-of-{slug(name)}"),))


def _preparation(context: Context, run: Run) -> Iterator[Block]:
    from mlplab.analysis.test_part import data_of
    from mlplab.data.loading import load

    network = context.results.study.networks[run.network]
    data = data_of(context.results, run)
    dataset = load(network.data_of(run.seed), context.results.study.folder, lambda line: None)
    own = data.preparation
    learned = np.concatenate([data.train_rows, data.validation_rows])
    scaling = getattr(network.data, "scaling", None) or "standard"
    rows, place = [], 0
    widths = own.features_by_column
    for column in own.columns or ():
        its = slice(place, place + len(column.parts))
        place += len(column.parts)
        train, test = dataset.inputs[learned, its], dataset.inputs[data.test_rows, its]
        missing = [_share(np.isnan(part).any(axis=1)) for part in (train, test)]
        unseen = _share((test == -1).any(axis=1)) if column.kind == "category" else "–"
        treated = _treatment(own, column, its, _SCALED.get(scaling, str(scaling)))
        rows.append(
            (plain(column.name), column.kind, treated, str(widths[column.name]), *missing, unseen)
        )
    left = len(rows) - MOST_ROWS
    caption = (
        "What was fitted on the training rows and is kept with every run. Missing: share of the rows; "
        "unseen: of test rows whose category training rows do not have."
    )
    if left > 0:
        caption += f" The first {MOST_ROWS} columns; {left:,} more are treated alike."
    heads = columns("column", "kind", "treatment", "inputs", "missing, training", "missing, test",
                    "unseen", left=3)  # fmt: skip
    total = sum(widths.values())
    yield Paragraph(
        f"{count(len(rows), 'column')} became {count(total, 'input')}, by what was seen in "
        f"{len(data.train_rows):,} training rows."
    )
    yield Table(caption, heads, tuple(rows[:MOST_ROWS]), sortable=True)
    if dataset.notes:
        yield Bullets(tuple(plain(note) + "." for note in dataset.notes[:20]))


def _treatment(own: Preparation, column: Column, its: slice, scaled: str) -> str:
    expansion = own.expansion
    if column.kind == "category":
        return f"one-hot, {count(len(column.categories), 'category', 'categories')}"
    if column.kind == "boolean":
        return f"0 for {plain(column.categories[0])}, 1 for {plain(column.categories[1])}"
    told = scaled
    if column.kind == "date":
        parts = listed(part.partition(": ")[2] for part in column.parts)
        told = f"{count(len(column.parts), 'number')}: {parts}"
    if expansion is not None and expansion.indicated[its].any():
        fill = expansion.fill[its]
        told += (
            f"; missing ones become the median, {number(fill[0], '')}, and are indicated"
            if len(fill) == 1
            else "; missing ones become the medians, and are indicated"
        )
    return told


def _share(held: np.ndarray) -> str:
    return f"{held.mean():.1%}" if len(held) and held.any() else "0"
