"""From a specification to SVG and PNG, without a browser."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import vl_convert

from mlplab.figures import theme

if TYPE_CHECKING:
    from mlplab.figures.figure import Key

VEGA_LITE = "6.1"
_MARKERS = {
    "circle": "M0,-4.2A4.2,4.2 0 1 1 0,4.2A4.2,4.2 0 1 1 0,-4.2Z",
    "square": "M-3.8,-3.8H3.8V3.8H-3.8Z",
    "triangle-up": "M0,-4.8L4.8,3.8H-4.8Z",
    "triangle-down": "M0,4.8L4.8,-3.8H-4.8Z",
    "triangle-right": "M4.8,0L-3.8,4.8V-4.8Z",
    "diamond": "M0,-5.4L4.6,0L0,5.4L-4.6,0Z",
    "cross": "M-1.6,-4.8H1.6V-1.6H4.8V1.6H1.6V4.8H-1.6V1.6H-4.8V-1.6H-1.6Z",
}
_MARGIN = 18
_LONG_FRACTION = re.compile(r"(\d+\.\d)\d+")
_NEEDLESS = re.compile(r' (?:font-family="[^"]*"|opacity="1"|stroke-opacity="1"|stroke-dasharray="1,0")')
_OPENING = re.compile(r"<svg[^>]*>")


def base_svg(spec: dict[str, Any]) -> str:
    """A Vega-Lite specification as SVG, positions rounded to a tenth of a pixel.

    The font is left to the element that the picture is put into.
    """
    svg = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    svg = _NEEDLESS.sub("", svg)
    return re.sub(
        r' (d|transform|x|y|x2|y2)="([^"]*)"',
        lambda m: f' {m[1]}="{_LONG_FRACTION.sub(chr(92) + "1", m[2])}"',
        svg,
    )


def png(svg: str, scale: float = 2.0) -> bytes:
    """An SVG as PNG, `scale` pixels to a point."""
    return vl_convert.svg_to_png(svg, scale=scale)


def swatch(key: Key, width: int = 26) -> str:
    """The line and marker of a legend entry as SVG, centred on (width/2, 0)."""
    parts = []
    if key.line != "none":
        dash = ' stroke-dasharray="5 3"' if key.line == "dashed" else ""
        parts.append(
            f'<path d="M1,0H{width - 1}" stroke="{key.colour}" stroke-width="2"{dash} fill="none"/>'
        )
    if key.shape:
        parts.append(
            f'<path d="{_MARKERS[key.shape]}" transform="translate({width / 2:g},0)" '
            f'fill="{key.colour}"/>'
        )
    return "".join(parts)


def framed_svg(svg: str, title: str, keys: Sequence[Key]) -> str:
    """A picture with its title and legend above it, as one SVG that stands by itself."""
    opening = _OPENING.search(svg)
    assert opening is not None
    width, height = (
        float(re.search(rf'\b{name}="([\d.]+)"', opening[0])[1])  # type: ignore[index]
        for name in ("width", "height")
    )
    whole = max(width, 360.0) + 2 * _MARGIN
    lines = textwrap.wrap(title, max(20, int((whole - 2 * _MARGIN) / 8.2))) or [""]
    head = [
        f'<text x="{_MARGIN}" y="{_MARGIN + 14 + 21 * i}" font-size="16" font-weight="600" '
        f'fill="{theme.INK}">{escape(line)}</text>'
        for i, line in enumerate(lines)
    ]
    top = _MARGIN + 21 * len(lines) + 8
    for x, row, key in _places(keys, whole - 2 * _MARGIN):
        y = top + 10 + 20 * row
        head.append(
            f'<g transform="translate({_MARGIN + x:g},{y - 4})">{swatch(key)}</g>'
            f'<text x="{_MARGIN + x + 32:g}" y="{y}" font-size="11.5" fill="{theme.INK}">'
            f'{escape(key.label)} <tspan fill="{theme.MUTED}">{escape(key.note)}</tspan></text>'
        )
        top_of_picture = y + 16
    if not keys:
        top_of_picture = top
    whole_height = top_of_picture + height + _MARGIN
    inner = svg[opening.end() : svg.rindex("</svg>")]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'version="1.1" width="{whole:g}" height="{whole_height:g}" '
        f'viewBox="0 0 {whole:g} {whole_height:g}" font-family="{escape(theme.FONT)}">'
        f'<title>{escape(title)}</title>'
        f'<rect width="{whole:g}" height="{whole_height:g}" fill="#ffffff"/>'
        f'{"".join(head)}<g transform="translate({_MARGIN},{top_of_picture:g})">{inner}</g></svg>\n'
    )


def _places(keys: Sequence[Key], width: float) -> Iterator[tuple[float, int, Key]]:
    """(x, row, key): legend entries in columns of equal width, row by row."""
    if not keys:
        return
    longest = max(6.3 * len(f"{key.label} {key.note}") + 52 for key in keys)
    columns = max(1, int(width // longest))
    for place, key in enumerate(keys):
        yield (place % columns) * longest, place // columns, key
