"""The figures that the study asks for."""

from __future__ import annotations

from mlplab.figures.of_study import Undrawn, declared_figures
from mlplab.report.context import Context
from mlplab.report.document import Block, Chapter, Details, Note, Paragraph, Pictures, plain
from mlplab.words import listed

MOST_OPEN = 2
"""Figures of the study that are seen at once; the others are folded away."""


def chapter(context: Context) -> Chapter | None:
    """Each figure, with the real loss beside a published one that is not."""
    found = declared_figures(context.results)
    groups = [group for group in found if group and not isinstance(group, Undrawn)]
    undrawn = [
        Note(plain(figure.why), f"Not drawn: {plain(figure.title)}")
        for figure in found
        if isinstance(figure, Undrawn)
    ]
    if not groups and not undrawn:
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
    blocks += undrawn
    return Chapter("figures", "Curves", tuple(blocks))
