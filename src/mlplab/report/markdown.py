"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from typing import Any

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
    if isinstance(block, Pictures):
        return "\n\n".join(_figure(figure, files or {}) for figure in block.figures)
    if isinstance(block, Details):
        inner = "\n\n".join(render(b, files) for b in block.blocks)
        summary = escape(to_text(block.summary), quote=False)
        return f"<details><summary>{summary}</summary>\n\n{inner}\n\n</details>"
    return _RENDERERS[type(block)](block)


def _paragraph(block: Paragraph) -> str:
    return block.text


def _bullets(block: Bullets) -> str:
    return "\n".join(f"* {item}" for item in block.items)


def _note(block: Note) -> str:
    return f"> **{block.title}.** {block.text}"


def _heading(block: Heading) -> str:
    return f"### {block.text}"


def _facts(block: Facts) -> str:
    return "\n".join(f"* {fact.label}: **{fact.value}**" for fact in block.facts)


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


def _code(block: Code) -> str:
    return f"```{block.language}\n{block.text}\n```"


_RENDERERS: Mapping[type, Callable[[Any], str]] = {
    Paragraph: _paragraph,
    Bullets: _bullets,
    Note: _note,
    Heading: _heading,
    Facts: _facts,
    Table: _table,
    Code: _code,
}
