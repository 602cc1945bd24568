"""Gradients and dead units by layer, where the study recorded them."""

from __future__ import annotations

from mlplab.declarations.figure import CurveFigure
from mlplab.figures.gradient_size import Diagnostic, layer_figure
from mlplab.report.context import Context
from mlplab.report.document import Chapter, Paragraph, Pictures

_DIAGNOSTICS: dict[Diagnostic, str] = {"gradient_size": "Gradient size", "dead_units": "Dead units"}


def chapter(context: Context) -> Chapter | None:
    """One figure a diagnostic, unless the study draws it already."""
    results, shown = context.results, []
    declared = {f.metric for f in results.study.figures if isinstance(f, CurveFigure)}
    for metric, what in _DIAGNOSTICS.items():
        name, title = f"inside-{metric.replace('_', '-')}", f"{what} by layer"
        if metric not in declared and (figure := layer_figure(results, metric, name, title)):
            shown.append(Pictures((figure,)))
    if not shown:
        return None
    words = Paragraph(
        "Layer 1 is the one nearest to the input. A gradient that shrinks from layer to layer "
        "vanishes: early layers then learn little, unless the optimizer scales its steps."
    )
    return Chapter("inside", "Inside the networks", (words, *shown))
