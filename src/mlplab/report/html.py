"""A report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files

import jinja2
from markupsafe import Markup

from mlplab.figures import theme
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
    figures_of,
    within,
)
from mlplab.report.inline import bounded, plain, to_html
from mlplab.user_folders import cache_folder
from mlplab.words import count, listed, middle_cut


def page(
    title: str,
    chapters: Sequence[Chapter],
    drawings: Mapping[str, Drawing] | None = None,
    files: Mapping[str, Collection[str]] | None = None,
) -> str:
    """The whole page.

    Args:
        title: of the report.
        chapters: in their order.
        drawings: of figures, by name: what is seen where scripts do not run. A script makes the
            interactive picture of each figure when it comes into view, with or without a drawing.
        files: the kinds of files (svg, png, csv) that lie in figures/, by figure.
    """
    renderer = _Renderer(drawings or {}, files or {})
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(_resource("template.html"))
    return template.render(
        title=bounded(title),
        chapters=[(c.anchor, c.title, c.is_folded, Markup(renderer.chapter(c))) for c in chapters],
        style=Markup(_resource("style.css") + dark_rules()),
        script=Markup(_resource("page.js")),
        vega=Markup(_vega()),
        specifications=[(name, Markup(text)) for name, text in renderer.specifications],
        has_drawings=bool(drawings),
    )


def dark_rules() -> str:
    """CSS that gives every colour of the figures its counterpart on a dark page."""
    rules = "".join(
        f'figure:not([data-shaded]) .picture [{paint}="{light}"], .keys [{paint}="{light}"] '
        f"{{ {paint}: {dark}; }}\n"
        for light, dark in theme.DARK.items()
        for paint in ("fill", "stroke")
    )
    return f"@media screen and (prefers-color-scheme: dark) {{\n{rules}}}\n"


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
    import vl_convert  # takes a third of a second, and only the first report needs it

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

    def __init__(
        self, drawings: Mapping[str, Drawing], files: Mapping[str, Collection[str]]
    ) -> None:
        self._drawings, self._files = drawings, files
        self._figure_numbers = itertools.count(1)
        self._table_numbers = itertools.count(1)
        self.specifications: list[tuple[str, str]] = []

    def chapter(self, chapter: Chapter) -> str:
        """Its heading and its blocks; of a folded one all but the answer behind a summary."""
        heading = f'<h2 id="heading-{chapter.anchor}">{escape(chapter.title)}</h2>'
        if not chapter.is_folded:
            return f"{heading}\n{self.blocks(chapter.blocks)}"
        lead, rest = chapter.blocks[: chapter.lead], chapter.blocks[chapter.lead :]
        shown = self.blocks(lead)
        if not rest:
            return f"{heading}\n{shown}"
        what = f'<span class="quiet">{_contents(rest)}</span>'
        summary = what if lead else f"{heading} {what}"
        above = f"{heading}\n{shown}\n" if lead else ""
        return (
            f'{above}<details class="chapter"><summary>{summary}</summary>'
            f'<div class="folded">{self.blocks(rest)}</div></details>'
        )

    def blocks(self, blocks: Sequence[Block]) -> str:
        """Blocks, one after another."""
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
        opened = " open" if block.open else ""
        return (
            f"<details{opened}><summary>{to_html(block.summary)}</summary>"
            f'<div class="folded">{self.blocks(block.blocks)}</div></details>'
        )

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
            f'<div class="table"><p class="caption" id="table-{number}"><b>Table {number}.</b> '
            f'{to_html(block.caption)}</p><div class="scroll" role="region" tabindex="0" '
            f'aria-labelledby="table-{number}"><table class="{" ".join(kinds)}" '
            f'aria-labelledby="table-{number}"><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div></div>"
        )

    def _figure(self, figure: Figure) -> str:
        name, caption = escape(figure.name), escape(bounded(figure.caption))
        text = _script_safe(figure.specification)
        self.specifications.append((figure.name, text))
        links = " ".join(
            f'<a href="figures/{name}.{kind}" download>{kind.upper()}</a>'
            for kind in self._files.get(figure.name, ())
        )
        notes = "".join(f'<p class="mistake">{to_html(plain(n))}</p>' for n in figure.notes)
        number = next(self._figure_numbers)
        drawing = self._drawings.get(figure.name)
        shaded = " data-shaded" if any(colour in text for colour in theme.SHADED) else ""
        return (
            f'<figure id="figure-{name}" data-figure="{name}"{shaded}>'
            f"<h4>{escape(bounded(figure.title))}</h4>{_keys(figure.keys)}"
            f'<div class="picture" role="img" tabindex="0" aria-label="{caption}">'
            f"{drawing.picture if drawing else ''}</div>"
            f'<figcaption><b>Figure {number}.</b> {caption} <span class="files">{links}</span>'
            f"</figcaption>{notes}</figure>"
        )


def _contents(blocks: Sequence[Block]) -> str:
    """How many figures and tables are folded away."""
    tables = sum(isinstance(block, Table) for block in within(blocks))
    counted = [(len(figures_of(blocks)), "figure"), (tables, "table")]
    return listed([count(n, one) for n, one in counted if n]) or "more"


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
        entries.append(
            f"<label>{box}{drawn}<span>{escape(middle_cut(key.label, 60))}{note}</span></label>"
        )
    return '<fieldset class="keys"><legend>Show or hide</legend>' + "".join(entries) + "</fieldset>"


def _script_safe(specification: Mapping[str, object]) -> str:
    """JSON that may stand inside a script element."""
    text = json.dumps(specification, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
