"""Gradients and dead units by layer, where the study recorded them."""

from __future__ import annotations

from mlplab.declarations.figure import CurveFigure
from mlplab.figures.gradient_size import layer_figure
from mlplab.report.context import Context
from mlplab.report.document import Chapter, Paragraph, Pictures


def chapter(context: Context) -> Chapter | None:
    """One figure a diagnostic, unless the study draws it already."""
    declared = {
        figure.metric for figure in context.results.study.figures if isinstance(figure, CurveFigure)
    }
    figures = []
    if "gradient_size" not in declared:
        title = "Gradient size by layer"
        figures.append(
            layer_figure(context.results, "gradient_size", "inside-gradient-size", title)
        )
    if "dead_units" not in declared:
        title = "Dead units by layer"
        figures.append(layer_figure(context.results, "dead_units", "inside-dead-units", title))
    shown = [Pictures((figure,)) for figure in figures if figure is not None]
    if not shown:
        return None
    words = Paragraph(
        "Layer 1 is the one nearest to the input. A gradient that shrinks from layer to layer "
        "vanishes: early layers then learn little, unless the optimizer scales its steps."
    )
    return Chapter("inside", "Inside the networks", (words, *shown))
