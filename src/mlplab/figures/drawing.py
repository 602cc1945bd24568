"""From a specification to SVG and PNG, without a browser."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from mlplab import words
from mlplab.figures import theme

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
_GEOMETRY = re.compile(r' (d|transform|x|y|x2|y2)="([^"]*)"')
# What adds nothing: whoever shows the picture says what it is (and a dash without a gap costs a
# rasterizer a second a line).
_NEEDLESS = re.compile(
    r' (?:font-family="[^"]*"|opacity="1"|stroke-opacity="1"|stroke-dasharray="1,0"'
    r'|aria-[a-z]+="[^"]*"|role="[^"]*"|pointer-events="none"|font-weight="normal"'
    r'|stroke-miterlimit="10")'
)
_OPENING = re.compile(r"<svg[^>]*>")
_FAINT = re.compile(r'<\w+ [^>]*?\bopacity="[^>]*>')
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PAINT = re.compile(r' (fill|stroke)="(?!none"|transparent")')


@dataclass(frozen=True)
class Key:
    """One entry of a figure's legend."""

    label: str
    colour: str
    shape: str | None = None
    """A marker of `theme.SHAPES`; None for a line alone."""
    line: bool = True
    dash: tuple[int, ...] = ()
    note: str = ""
    """Beside the label, for example the final value and n."""
    switch: str | None = None
    """The series that this entry turns off and on in the page; None for none."""

    @classmethod
    def of_series(cls, index: int, label: str, note: str = "", *, line: bool = True) -> Key:
        """The entry of the index-th series of a figure, which a reader can turn off."""
        return cls(label, theme.colour(index), theme.shape(index), line, note=note, switch=label)


@dataclass(frozen=True)
class Job:
    """One figure to be drawn."""

    name: str
    title: str
    keys: tuple[Key, ...]
    specification: Mapping[str, Any]


@dataclass(frozen=True)
class Drawing:
    """A figure as pictures."""

    picture: str
    """SVG without title and legend, as the page shows it."""
    svg: str
    """SVG that stands by itself, with title and legend."""
    png: bytes
    """The same, two pixels to a point."""


def draw(job: Job) -> Drawing:
    """Draw one figure."""
    import vl_convert  # takes a third of a second, and a page alone does without

    job = _without_signs_that_xml_lacks(job)
    picture = base_svg(job.specification)
    svg = framed_svg(picture, job.title, job.keys)
    return Drawing(picture, svg, vl_convert.svg_to_png(svg, scale=2.0))


def _without_signs_that_xml_lacks(job: Job) -> Job:
    """The job with �, where names (of classes, say) hold what no SVG may: it could not be drawn."""

    def mended(value: Any) -> Any:
        match value:
            case str():
                return _NOT_XML.sub("\ufffd", value)
            case dict():
                return {mended(key): mended(inner) for key, inner in value.items()}
            case list() | tuple():
                return [mended(inner) for inner in value]
        return value

    keys = tuple(replace(k, label=mended(k.label), note=mended(k.note)) for k in job.keys)
    specification = mended(dict(job.specification))
    return replace(job, title=mended(job.title), keys=keys, specification=specification)


def base_svg(specification: Mapping[str, Any]) -> str:
    """A Vega-Lite specification as SVG, positions rounded to a tenth of a pixel.

    The font is left to the element that the picture is put into.
    """
    import vl_convert

    svg = vl_convert.vegalite_to_svg(dict(specification), vl_version=VEGA_LITE)
    return _GEOMETRY.sub(_rounded, _FAINT.sub(_with_faint_paint, _NEEDLESS.sub("", svg)))


def _with_faint_paint(element: re.Match[str]) -> str:
    """The opacity of an element that is only filled or only stroked as that of its paint.

    It is the same picture, but a rasterizer makes no layer of its own for the element, which costs
    as much as a whole figure.
    """
    tag = element[0]
    paints = _PAINT.findall(tag)
    if len(paints) != 1 or f" {paints[0]}-opacity=" in tag:
        return tag
    return tag.replace(" opacity=", f" {paints[0]}-opacity=")


def _rounded(attribute: re.Match[str]) -> str:
    shorter = _LONG_FRACTION.sub(r"\1", attribute[2])
    return f' {attribute[1]}="{shorter}"'


def swatch(key: Key, width: int = 26) -> str:
    """The line and marker of a legend entry as SVG, centred on (width/2, 0)."""
    parts = []
    if key.line:
        dash = f' stroke-dasharray="{" ".join(map(str, key.dash))}"' if key.dash else ""
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
    if opening is None:
        raise ValueError("expected an SVG picture")
    width, height = (_length(opening[0], name) for name in ("width", "height"))
    whole = max(width, 360.0) + 2 * _MARGIN
    lines = textwrap.wrap(title, max(20, int((whole - 2 * _MARGIN) / 8.2))) or [""]
    head = [
        f'<text x="{_MARGIN}" y="{_MARGIN + 14 + 21 * i}" font-size="16" font-weight="600" '
        f'fill="{theme.INK}">{escape(line)}</text>'
        for i, line in enumerate(lines)
    ]
    top = _MARGIN + 21 * len(lines) + 8
    bottom_of_head = top
    for x, row, key in _places(keys, whole - 2 * _MARGIN):
        y = top + 10 + 20 * row
        bottom_of_head = y + 16
        head.append(
            f'<g transform="translate({_MARGIN + x:g},{y - 4})">{swatch(key)}</g>'
            f'<text x="{_MARGIN + x + 32:g}" y="{y}" font-size="11.5" fill="{theme.INK}">'
            f"{escape(words.middle_cut(key.label))} "
            f'<tspan fill="{theme.MUTED}">{escape(key.note)}</tspan></text>'
        )
    whole_height = bottom_of_head + height + _MARGIN
    inner = svg[opening.end() : svg.rindex("</svg>")]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'version="1.1" width="{whole:g}" height="{whole_height:g}" '
        f'viewBox="0 0 {whole:g} {whole_height:g}" font-family="{escape(theme.FONT)}">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{whole:g}" height="{whole_height:g}" fill="#ffffff"/>'
        f'{"".join(head)}<g transform="translate({_MARGIN},{bottom_of_head:g})">{inner}</g></svg>\n'
    )


def _length(tag: str, name: str) -> float:
    found = re.search(rf'\b{name}="([\d.]+)"', tag)
    return float(found[1]) if found else 0.0


def _places(keys: Sequence[Key], width: float) -> Iterator[tuple[float, int, Key]]:
    """(x, row, key): legend entries in columns of equal width, row by row."""
    if not keys:
        return
    longest = max(6.3 * len(f"{words.middle_cut(key.label)} {key.note}") + 52 for key in keys)
    columns = max(1, int(width // longest))
    for place, key in enumerate(keys):
        yield (place % columns) * longest, place // columns, key
