"""The few marks that text of a report may hold, as HTML."""

from __future__ import annotations

import re
from html import escape

_MARKS = re.compile(
    r"\\(?P<escaped>[\\`*_\[\]<>|#~])"
    r"|`(?P<code>[^`]+)`"
    r"|\*\*(?P<strong>(?:\\.|[^*\\])+)\*\*"
    r"|\*(?P<emphasis>(?:\\.|[^*\\])+)\*"
)


def to_html(text: str) -> str:
    """Inline Markdown as HTML; all else is escaped."""
    parts, end = [], 0
    for mark in _MARKS.finditer(text):
        parts.append(escape(text[end : mark.start()], quote=False))
        parts.append(_element(mark))
        end = mark.end()
    parts.append(escape(text[end:], quote=False))
    return "".join(parts)


def to_text(text: str) -> str:
    """Inline Markdown without its marks."""
    return _MARKS.sub(
        lambda m: m["escaped"] or m["code"] or to_text(m["strong"] or m["emphasis"] or ""), text
    )


def _element(mark: re.Match[str]) -> str:
    if mark["escaped"]:
        return escape(mark["escaped"])
    if mark["code"]:
        return f"<code>{escape(mark['code'])}</code>"
    if mark["strong"]:
        return f"<strong>{to_html(mark['strong'])}</strong>"
    return f"<em>{to_html(mark['emphasis'])}</em>"
