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
            "Point at a curve for its numbers. A click on a name turns it off and on, a double click "
            "leaves it alone. Drag to move, Ctrl and the wheel to zoom, double-click to go back; "
            "from the keyboard, arrows, + and −, and 0."
        )
    ]
    blocks += [Pictures(tuple(group)) for group in groups]
    return Chapter("figures", "Curves", tuple(blocks))
