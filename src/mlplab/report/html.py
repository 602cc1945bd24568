"""A report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files

import jinja2
from markupsafe import Markup

from mlplab.figures import theme
from mlplab.figures.drawing import VEGA_LITE, Drawing, swatch
from mlplab.figures.figure import Figure
from mlplab.records.atomic import replacing
from mlplab.report.document import Block, Chapter, Table, Trial, figures_of, within
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
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    filters: dict[str, Callable[..., object]] = {
        "bounded": bounded,
        "inline": lambda text: Markup(to_html(text)),
        "plain": plain,
        "short": lambda text: middle_cut(text, 60),
        "swatch": lambda key: Markup(swatch(key)),
        "cell": _cell,
        "json": _json,
    }
    environment.filters.update(filters)
    has_trial = any(isinstance(b, Trial) for c in chapters for b in within(c.blocks))
    return environment.from_string(_resource("template.html")).render(
        title=bounded(title),
        chapters=chapters,
        drawings=drawings or {},
        files=files or {},
        specifications={f.name: _for_script(f) for c in chapters for f in c.figures},
        figure_number=itertools.count(1).__next__,
        table_number=itertools.count(1).__next__,
        contents=_contents,
        is_shaded=lambda text: any(colour in text for colour in theme.SHADED),
        style=Markup(
            _resource("style.css") + dark_rules() + (_resource("try_it.css") if has_trial else "")
        ),
        trial=Markup(_resource("try_it.js")) if has_trial else "",
        script=Markup(_resource("page.js")),
        vega=Markup(_vega()),
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


def _contents(blocks: Sequence[Block]) -> str:
    """How many figures and tables are folded away."""
    tables = sum(isinstance(block, Table) for block in within(blocks))
    counted = [(len(figures_of(blocks)), "figure"), (tables, "table")]
    return listed([count(n, one) for n, one in counted if n]) or "more"


def _cell(text: str) -> Markup:
    """A table's cell, what follows ± set apart."""
    return Markup(_PLUS_MINUS.sub(r' <span class="interval">\1</span>', to_html(text)))


def _for_script(figure: Figure) -> Markup:
    """A figure's specification as JSON that may stand inside a script element."""
    return _json(figure.specification)


def _json(value: object) -> Markup:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return Markup(text.replace("\u2029", "\\u2029"))
