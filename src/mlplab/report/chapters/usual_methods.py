"""What the usual methods do on the same rows, beside the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mlplab.records.usual_methods import UsualResult, usual_results
from mlplab.report.context import Context
from mlplab.report.document import Block, Bullets, Chapter, Paragraph, Table, columns, plain
from mlplab.statistics.intervals import t_interval
from mlplab.words import count, with_interval

_METHODS = {
    "classification": "the most frequent class as the least that is to be expected, logistic "
    "regression",
    "regression": "the mean as the least that is to be expected, ridge regression",
}
_MEASURES: dict[str, dict[str, tuple[str, str]]] = {
    "classification": {
        "accuracy": ("test_accuracy", "accuracy"),
        "log loss": ("test_loss", "loss"),
    },
    "regression": {
        "RMSE": ("test_rmse", "rmse"),
        "mean absolute error": ("test_mae", "mae"),
        "R²": ("test_r2", "r2"),
    },
}
"""Heading → the column of a summary, and the metric whose digits it takes."""


def chapter(context: Context) -> Chapter | None:
    """A table for each division of rows; None for studies of other data than tables."""
    found = usual_results(context.results)
    if not found:
        return None
    blocks: list[Block] = [
        Paragraph(
            "The usual methods of scikit-learn, with its defaults, on the very inputs of the "
            f"networks: {_METHODS[context.results.study.task.name]}, and histogram gradient boosting. "
            "They learn from the training rows alone; "
            "validation rows, by which networks are stopped and chosen, are not given to them."
        )
    ]
    for network, results in found.items():
        blocks += _beside(context, network, results, several=len(found) > 1)
    return Chapter("usual", "Beside the usual methods", tuple(blocks))


def _beside(
    context: Context, network: str, results: Sequence[UsualResult], *, several: bool
) -> list[Block]:
    measures = _MEASURES[context.results.study.task.name]
    rows = [_row(name, its, measures) for name, its in _by_method(results).items()]
    leading = context.leading
    data = context.results.study.networks[network].data
    if leading is not None and context.results.study.networks[leading].data == data:
        summary = context.summary
        own = summary[(summary["network"] == leading) & (summary["status"] == "finished")]
        rows.append(
            (
                f"network {plain(leading)}",
                *(_told(own[key].to_numpy(dtype=float), m) for key, m in measures.values()),
                count(len(own), "seed"),
            )
        )
    remarks = {f"{one.method}: {plain(one.remark)}" for one in results if one.remark}
    caption = "Test rows; mean and 95% t interval where seeds differ."
    if several:
        caption = f"On the rows of {plain(network)}. {caption}"
    table = Table(
        caption,
        columns("method", *measures, "over", left=1),
        tuple(rows),
        sortable=True,
    )
    return [table, *([Bullets(tuple(sorted(remarks)))] if remarks else [])]


def _by_method(results: Sequence[UsualResult]) -> dict[str, list[UsualResult]]:
    found: dict[str, list[UsualResult]] = {}
    for one in results:
        found.setdefault(one.method, []).append(one)
    return found


def _row(
    name: str, results: Sequence[UsualResult], measures: Mapping[str, tuple[str, str]]
) -> tuple[str, ...]:
    def values(metric: str) -> np.ndarray:
        return np.array([one.metrics.get(metric, np.nan) for one in results])

    several = results[0].is_random or len(results) > 1
    over = count(len(results), "seed") if several else "no random part"
    return name, *(_told(values(key), metric) for key, metric in measures.values()), over


def _told(values: np.ndarray, metric: str) -> str:
    finite = values[np.isfinite(values)]
    return with_interval(t_interval(finite), metric) if len(finite) else "–"
