"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

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


def document(title: str, chapters: Sequence[Chapter]) -> str:
    """The whole report."""
    parts = [f"# {plain(title)}"]
    for chapter in chapters:
        parts.append(f"## {plain(chapter.title)}")
        parts += [render(block) for block in chapter.blocks]
    return "\n\n".join(parts) + "\n"


def render(block: Block) -> str:
    """One block."""
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


def _pictures(block: Pictures) -> str:
    parts = []
    for figure in block.figures:
        alternative = plain(figure.caption).replace("\n", " ")
        parts.append(f"**{plain(figure.title)}**")
        parts.append(f"![{alternative}](figures/{figure.name}.svg)")
        parts.append(f"{plain(figure.caption)} ([numbers](figures/{figure.name}.csv))")
        parts += [f"> {plain(note)}" for note in figure.notes]
    return "\n\n".join(parts)


def _details(block: Details) -> str:
    inner = "\n\n".join(render(b) for b in block.blocks)
    summary = escape(to_text(block.summary), quote=False)
    return f"<details><summary>{summary}</summary>\n\n{inner}\n\n</details>"


def _code(block: Code) -> str:
    return f"```{block.language}\n{block.text}\n```"


_RENDERERS: Mapping[type, Callable[[Any], str]] = {
    Paragraph: _paragraph,
    Bullets: _bullets,
    Note: _note,
    Heading: _heading,
    Facts: _facts,
    Table: _table,
    Pictures: _pictures,
    Details: _details,
    Code: _code,
}
