"""A report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files

import jinja2
import vl_convert
from markupsafe import Markup

from mlplab.figures.drawing import VEGA_LITE, Drawing, Key, swatch
from mlplab.figures.figure import Figure
from mlplab.records.atomic import replacing
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
)
from mlplab.report.inline import to_html
from mlplab.user_folders import cache_folder


def page(title: str, chapters: Sequence[Chapter], drawings: Mapping[str, Drawing]) -> str:
    """The whole page.

    drawings: of every figure, by name; a figure is shown as its drawing until a script makes the
    interactive picture of it, and stays one where scripts do not run.
    """
    shown = sum(len(drawing.picture) for drawing in drawings.values())
    renderer = _Renderer(drawings, inline_folded=shown <= MOST_INLINE)
    body = [(c.anchor, c.title, Markup(renderer.blocks(c.blocks))) for c in chapters]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(_resource("template.html"))
    return template.render(
        title=title,
        chapters=body,
        style=Markup(_resource("style.css")),
        script=Markup(_resource("page.js")),
        vega=Markup(_vega()),
        specifications=[(name, Markup(text)) for name, text in renderer.specifications],
    )


MOST_INLINE = 2_000_000
"""Beyond so many characters of drawings, figures that are folded away have none of their own: the
page stays small, and a script draws them when they are unfolded."""


WIDE = 7
"""Beyond so many columns a table sets intervals below their means."""
_PLUS_MINUS = re.compile(r" (± [\d.e+-]+)")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed, as vl-convert carries them.

    To put them together takes seconds, so the result is kept in the user's cache.
    """
    name = f"vega-{version('vl-convert-python')}-{VEGA_LITE}.js"
    folder = cache_folder()
    if folder is not None:
        with contextlib.suppress(OSError):
            return (folder / name).read_text("utf-8")
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    bundle = re.sub(r"</(script)", r"<\\/\1", bundle, flags=re.IGNORECASE)
    if folder is not None:
        with contextlib.suppress(OSError), replacing(folder / name) as unfinished:
            unfinished.write_text(bundle, "utf-8")
    return bundle


def _resource(name: str) -> str:
    return (files("mlplab.report") / name).read_text("utf-8")


class _Renderer:
    """Blocks to HTML; counts figures and tables, and collects the specifications."""

    def __init__(self, drawings: Mapping[str, Drawing], *, inline_folded: bool) -> None:
        self._drawings = drawings
        self._inline_folded = inline_folded
        self._folded = 0
        self._figure_numbers = itertools.count(1)
        self._table_numbers = itertools.count(1)
        self.specifications: list[tuple[str, str]] = []

    def blocks(self, blocks: Sequence[Block]) -> str:
        return "\n".join(self._block(block) for block in blocks)

    def _block(self, block: Block) -> str:
        match block:
            case Paragraph():
                lead = ' class="lead"' if block.lead else ""
                return f"<p{lead}>{to_html(block.text)}</p>"
            case Bullets():
                items = "".join(f"<li>{to_html(item)}</li>" for item in block.items)
                return f"<ul>{items}</ul>"
            case Note():
                return (
                    f'<aside class="note"><strong>{to_html(block.title)}.</strong> '
                    f"{to_html(block.text)}</aside>"
                )
            case Heading():
                anchor = f' id="{escape(block.anchor)}"' if block.anchor else ""
                return f"<h3{anchor}>{to_html(block.text)}</h3>"
            case Facts():
                return self._facts(block)
            case Table():
                return self._table(block)
            case Pictures():
                kind = "pictures small" if block.small else "pictures"
                shown = "\n".join(self._figure(figure) for figure in block.figures)
                return f'<div class="{kind}" data-count="{len(block.figures)}">{shown}</div>'
            case Details():
                return self._details(block)
            case Code():
                return f"<pre><code>{escape(block.text)}</code></pre>"

    def _details(self, block: Details) -> str:
        self._folded += 1
        inner = self.blocks(block.blocks)
        self._folded -= 1
        opened = " open" if block.open else ""
        return (
            f"<details{opened}><summary>{to_html(block.summary)}</summary>"
            f'<div class="folded">{inner}</div></details>'
        )

    def _picture(self, figure: Figure) -> str:
        if self._inline_folded or not self._folded:
            return self._drawings[figure.name].picture
        return f'<img src="figures/{escape(figure.name)}.svg" alt="" loading="lazy">'

    def _facts(self, block: Facts) -> str:
        parts = "".join(
            f"<div><dt>{to_html(f.label)}</dt><dd>{to_html(f.value)}</dd></div>"
            for f in block.facts
        )
        return f'<dl class="facts">{parts}</dl>'

    def _table(self, block: Table) -> str:
        head = "".join(
            f'<th scope="col" class="{c.align}">{escape(c.title)}</th>' for c in block.columns
        )
        aligned = [c.align for c in block.columns]
        rows = []
        for row in block.rows:
            first = f'<th scope="row" class="{aligned[0]}">{to_html(row[0])}</th>'
            cells = "".join(
                f'<td class="{align}">{_cell(cell)}</td>'
                for align, cell in zip(aligned[1:], row[1:], strict=True)
            )
            rows.append(f"<tr>{first}{cells}</tr>")
        number = next(self._table_numbers)
        kinds = ["sortable"] * block.sortable + ["wide"] * (len(block.columns) > WIDE)
        return (
            f'<div class="table" role="region" tabindex="0" aria-label="Table {number}">'
            f'<table class="{" ".join(kinds)}"><caption>'
            f"<b>Table {number}.</b> {to_html(block.caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        )

    def _figure(self, figure: Figure) -> str:
        name = escape(figure.name)
        self.specifications.append((figure.name, _script_safe(figure.specification)))
        links = " ".join(
            f'<a href="figures/{name}.{kind}" download>{kind.upper()}</a>'
            for kind in ("svg", "png", "csv")
        )
        notes = "".join(f'<p class="mistake">{to_html(note)}</p>' for note in figure.notes)
        number = next(self._figure_numbers)
        return (
            f'<figure id="figure-{name}" data-figure="{name}">'
            f"<h4>{escape(figure.title)}</h4>{_keys(figure.keys)}"
            f'<div class="picture" role="img" tabindex="0" aria-label="{escape(figure.caption)}">'
            f"{self._picture(figure)}</div>"
            f"<figcaption><b>Figure {number}.</b> {escape(figure.caption, quote=False)} "
            f'<span class="files">{links}</span></figcaption>{notes}</figure>'
        )


def _cell(text: str) -> str:
    """A table's cell, what follows ± set apart."""
    return _PLUS_MINUS.sub(r' <span class="interval">\1</span>', to_html(text))


def _keys(keys: Sequence[Key]) -> str:
    if not keys:
        return ""
    entries = []
    for key in keys:
        drawn = f'<svg width="26" height="14" viewBox="0 -7 26 14" aria-hidden="true">{swatch(key)}</svg>'
        note = f' <span class="quiet">{escape(key.note)}</span>' if key.note else ""
        box = (
            f'<input type="checkbox" checked data-series="{escape(key.switch)}">'
            if key.switch
            else ""
        )
        entries.append(f"<label>{box}{drawn}<span>{escape(key.label)}{note}</span></label>")
    return '<fieldset class="keys"><legend>Show or hide</legend>' + "".join(entries) + "</fieldset>"


def _script_safe(specification: Mapping[str, object]) -> str:
    """JSON that may stand inside a script element."""
    text = json.dumps(specification, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
