"""The figures that the study asks for."""

from __future__ import annotations

from mlplab.figures.of_study import declared_figures
from mlplab.report.context import Context
from mlplab.report.document import Block, Chapter, Paragraph, Pictures


def chapter(context: Context) -> Chapter | None:
    """Each figure, with the real loss beside a published one that is not."""
    groups = [group for group in declared_figures(context.results) if group]
    if not groups:
        return None
    blocks: list[Block] = [
        Paragraph(
            "Point at a curve for its numbers. The boxes above a figure turn its series off and "
            "on. Drag to move, Ctrl and the wheel (or + and −) to zoom, double-click (or 0) to go "
            "back."
        )
    ]
    blocks += [Pictures(tuple(group)) for group in groups]
    return Chapter("figures", "Curves", tuple(blocks))
