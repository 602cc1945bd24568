"""How each network of regression did on the test part: errors, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlplab.declarations.task import REGRESSION
from mlplab.figures.of_study import slug, unused
from mlplab.figures.predictions import error_by_size_figure, predicted_figure, residual_figure
from mlplab.metrics.regression import RegressionEvaluation
from mlplab.report.context import Context
from mlplab.report.document import (
    Block,
    Chapter,
    Details,
    Paragraph,
    Pictures,
    Table,
    columns,
    plain,
)
from mlplab.statistics.intervals import t_interval
from mlplab.words import number, with_interval

MEASURES = ("rmse", "mae", "r2")
BASELINE = "mean of the training rows"


def chapter(context: Context) -> Chapter | None:
    """A table of all networks beside the trivial baseline, then each with its predictions."""
    found = {
        name: [e for _, e in its] for name in context.tabled if (its := context.predictions(name))
    }
    if not found:
        return None
    first = next(iter(found.values()))[0]
    blocks: list[Block] = [
        Paragraph(
            f"On {first.rows:,} test rows, with the weights that were kept, in the unit of "
            f"{plain(first.target_name)}. Means over seeds with the half width of their 95% t "
            "interval; the test rows are the same for all."
        ),
        _table(found),
    ]
    pictured = [name for name in context.pictured if name in found]
    if len(pictured) < len(found):
        blocks.append(Paragraph(f"The best {len(pictured)} with figures."))
    taken: set[str] = set()
    for place, name in enumerate(pictured):
        stem = unused(slug(name), taken)
        blocks.append(
            Details(
                f"**{plain(name)}** · RMSE {cell(found[name], 'rmse')}",
                pictures(name, found[name], f"errors-of-{stem}"),
                open=place == 0,
            )
        )
    return Chapter("evaluation", "Errors of predictions", tuple(blocks))


def pictures(
    name: str, evaluations: Sequence[RegressionEvaluation], stem: str
) -> tuple[Block, ...]:
    """Predicted against true, residuals, and errors by size of the target."""
    return (
        Pictures((predicted_figure(name, evaluations, f"{stem}-predicted"),), small=True),
        Pictures((residual_figure(name, evaluations, f"{stem}-residuals"),)),
        Pictures((error_by_size_figure(name, evaluations, f"{stem}-by-size"),)),
    )


def cell(evaluations: Sequence[RegressionEvaluation], metric: str) -> str:
    """One metric of a network's evaluations: its mean over seeds with its interval."""
    values = np.array([getattr(e, metric) for e in evaluations])
    values = values[np.isfinite(values)]
    return with_interval(t_interval(values), metric) if len(values) else "–"


def baseline_cells(evaluations: Sequence[RegressionEvaluation]) -> tuple[str, ...]:
    """What the mean of the training rows comes to, in the order of `MEASURES`."""
    return tuple(number(evaluations[0].baseline[metric], metric) for metric in MEASURES)


def _table(found: dict[str, list[RegressionEvaluation]]) -> Table:
    titles = [REGRESSION.metrics[metric].title for metric in MEASURES]
    rows = [
        (plain(name), str(len(its)), *(cell(its, metric) for metric in MEASURES))
        for name, its in found.items()
    ]
    rows.append((f"*{BASELINE}*", "", *baseline_cells(next(iter(found.values())))))
    return Table(
        "Best first. R² is the fraction of the variance of the test rows that is explained; the last "
        f"row predicts the {BASELINE} for every row.",
        columns("network", "n", *titles),
        tuple(rows),
        sortable=True,
    )
