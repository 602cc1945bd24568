"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape

from mlplab.figures.figure import Figure
from mlplab.report.document import (
    Block,
    Bullets,
    Chapter,
    Code,
    Details,
    Facts,
    Heading,
    Note,
    Paragraph,
    Pictures,
    Table,
    Trial,
    plain,
)
from mlplab.report.inline import to_text


def document(
    title: str, chapters: Sequence[Chapter], files: Mapping[str, Collection[str]] | None = None
) -> str:
    """The whole report.

    Args:
        title: of the report.
        chapters: in their order.
        files: the kinds of files (svg, png, csv) that lie in figures/, by figure.
    """
    parts = [f"# {plain(title)}"]
    for chapter in chapters:
        parts.append(f"## {plain(chapter.title)}")
        parts += [render(block, files or {}) for block in chapter.blocks]
    return "\n\n".join(parts) + "\n"


def render(block: Block, files: Mapping[str, Collection[str]] | None = None) -> str:
    """One block; `files` as of `document`."""
    match block:
        case Paragraph():
            return block.text
        case Bullets():
            return "\n".join(f"* {item}" for item in block.items)
        case Note():
            return f"> **{block.title}.** {block.text}"
        case Heading():
            return f"### {block.text}"
        case Facts():
            return "\n".join(f"* {fact.label}: **{fact.value}**" for fact in block.facts)
        case Table():
            return _table(block)
        case Pictures():
            return "\n\n".join(_figure(figure, files or {}) for figure in block.figures)
        case Details():
            inner = "\n\n".join(render(b, files) for b in block.blocks)
            summary = escape(to_text(block.summary), quote=False)
            return f"<details><summary>{summary}</summary>\n\n{inner}\n\n</details>"
        case Code():
            return f"```{block.language}\n{block.text}\n```"
        case Trial():
            return "In report.html the network can be tried."


def _table(block: Table) -> str:
    rule = ["---:" if c.align == "right" else ":---" for c in block.columns]
    lines = [[plain(c.title) for c in block.columns], rule, *block.rows]
    body = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{body}\n\n*{plain(to_text(block.caption))}*" if block.caption else body


def _figure(figure: Figure, files: Mapping[str, Collection[str]]) -> str:
    """Its picture where there is a file of it; else its title and words."""
    caption, kinds = plain(figure.caption), files.get(figure.name, ())
    parts = [f"**{plain(figure.title)}**"]
    picture = next((kind for kind in ("svg", "png") if kind in kinds), None)
    if picture:
        parts.append(f"![{caption}](figures/{figure.name}.{picture})")
    numbers = f" ([numbers](figures/{figure.name}.csv))" if "csv" in kinds else ""
    parts.append(caption + numbers)
    parts += [f"> {plain(note)}" for note in figure.notes]
    return "\n\n".join(parts)
