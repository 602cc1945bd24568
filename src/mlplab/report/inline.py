"""Inline Markdown of a report's sentences, as HTML and as plain text."""

from __future__ import annotations

import re
from html import escape

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("zero").enable(["escape", "backticks", "emphasis", "entity"])
_MARKS = re.compile(r"[\\`*_&]")
_LONG = re.compile(r"[^\s]{121,}")
_ESCAPED = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]|#~"}
    | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " ", "\r": " "}
)


def plain(text: object) -> str:
    """Text in which no mark means anything, such as a name that a user gave.

    A word of more than 120 characters is shortened in its middle, so that no name fills a page.
    """
    return bounded(str(text)).translate(_ESCAPED)


def bounded(text: str) -> str:
    """The text, every word of more than 120 characters shortened in its middle."""
    return _LONG.sub(lambda word: f"{word[0][:60]}…{word[0][-40:]}", text)


def to_html(text: str) -> str:
    """Inline Markdown as HTML; all else is escaped."""
    if not _MARKS.search(text):
        return escape(text, quote=False)
    return str(_MARKDOWN.renderInline(text))


def to_text(text: str) -> str:
    """Inline Markdown without its marks."""
    (inline,) = _MARKDOWN.parseInline(text)
    return "".join(token.content for token in inline.children or ())
