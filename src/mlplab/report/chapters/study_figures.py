"""The figures that the study asks for."""

from __future__ import annotations

from mlplab.figures.of_study import declared_figures
from mlplab.report.context import Context
from mlplab.report.document import Block, Chapter, Details, Paragraph, Pictures, plain
from mlplab.words import listed

MOST_OPEN = 2
"""Figures of the study that are seen at once; the others are folded away."""


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
    pictures = [Pictures(tuple(group)) for group in groups]
    blocks += pictures[:MOST_OPEN]
    if folded := tuple(pictures[MOST_OPEN:]):
        told = listed([f"“{plain(block.figures[0].title)}”" for block in folded], most=6)
        blocks.append(Details(f"More curves: {told}", folded))
    return Chapter("figures", "Curves", tuple(blocks))
