"""How every figure looks: colours, shapes, line patterns and type."""

from __future__ import annotations

from typing import Any

HUES = ("#095bc7", "#c15224", "#088778", "#df4db7", "#c99400", "#4aa8e0", "#5f6085", "#8a5a44")
HUES_ON_DARK = (
    "#4f83ff",
    "#ff7a1f",
    "#3fb58a",
    "#f58af5",
    "#f5e9a0",
    "#b5ecf5",
    "#857ba3",
    "#a8623a",
)
"""The same on a dark page: as far apart, each with a contrast of 3.8:1 or more to near black."""


def mixed(one: str, other: str, share: float) -> str:
    """A colour between two, `share` of the way from the first to the second in sRGB."""
    parts = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (one, other)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in zip(*parts, strict=True))


COLOURS = (*HUES, *(mixed(hue, "#000000", 0.5) for hue in HUES))
"""Eight hues, then the same at half their lightness. Any two of the first eight differ by at least
18 in CIELAB as seen by normal, protan, deutan and tritan eyes (Machado et al., 2009), and each has
a contrast of about 3:1 with white and with near black."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
"""Seven shapes beside sixteen colours: 112 series that nobody needs colour alone to tell apart."""

ACCENT = COLOURS[0]
INK = "#1d2026"
MUTED = "#5b616c"
GREY = "#767b85"
FAINT = "#d9dce1"
FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', "
    "sans-serif"
)
PUBLISHED_DASH = (6, 4)
SHARES = ("#f3f6fb", "#c3d7f2", "#7fade3", "#2f76cf", "#063a80")
"""Light to dark for shares, as in a confusion matrix."""
WHITE_FROM = 0.7
"""How far along SHARES, from 0 to 1, white text is better read than INK."""

LAYERS = ("#d98a12", "#dd5f55", "#b8358f", "#8046bd", "#4b55cf")
"""From the first layer to the last, visible on white and on near black."""

DIVERGING = ("#b2481e", "#f7f7f7", "#2f76cf")
"""From negative to positive, with what is near zero in the middle."""

SHADED = (SHARES[0], DIVERGING[1])
"""Colours by which a figure of shaded cells is known; a dark page turns its cells around."""

DARK = {
    INK: "#e6e8ec",
    MUTED: "#a2a8b4",
    GREY: "#9aa1ad",
    FAINT: "#343943",
    **dict(zip(HUES, HUES_ON_DARK, strict=True)),
    **{
        deep: mixed(hue, "#ffffff", 0.55)
        for deep, hue in zip(COLOURS[len(HUES) :], HUES_ON_DARK, strict=True)
    },
}
"""What stands for each colour on a dark page; colours that are not here stay as they are."""

WIDTH = 680
HEIGHT = 340


def middle_cut(most: str = "36") -> str:
    """A label that is cut in its middle, as names often differ at their ends.

    most: characters that are left, an expression.
    """
    start, end = f"slice(datum.label, 0, {most} / 2)", f"slice(datum.label, -({most} / 2 - 1))"
    return f"length(datum.label) > {most} ? {start} + '…' + {end} : datum.label"


def middle_cut_across(labels: int) -> str:
    """The same for so many labels side by side, each with its part of a figure's width."""
    return middle_cut(f"(2 * max(4, floor(width / {14 * labels})))")


def shares_scale(exponent: float) -> dict[str, object]:
    """The colours of shares; an exponent below 1 shows small ones."""
    return {"type": "pow", "exponent": exponent, "domain": [0, 1], "range": list(SHARES)}


def ink_on_shares(exponent: float) -> dict[str, object]:
    """The colour of text on a cell that `shares_scale` has coloured by `datum.share`."""
    test = f"pow(datum.share, {exponent}) > {WHITE_FROM}"
    return {"condition": {"test": test, "value": "#ffffff"}, "value": INK}


def colour(index: int) -> str:
    """The hue of the index-th series of a figure."""
    return COLOURS[index % len(COLOURS)]


def shape(index: int) -> str:
    """The marker of the index-th series of a figure."""
    return SHAPES[index % len(SHAPES)]


def config() -> dict[str, Any]:
    """The Vega-Lite configuration that all figures share."""
    titles = {"titleColor": MUTED, "titleFontSize": 11, "titleFontWeight": "normal"}
    return {
        "font": FONT,
        "background": "#ffffff",
        "view": {"stroke": None},
        "axis": {
            **titles,
            "labelColor": MUTED,
            "labelExpr": middle_cut(),
            "labelLimit": 300,
            "labelFontSize": 11,
            "gridColor": FAINT,
            "gridOpacity": 0.7,
            "gridWidth": 0.8,
            "domainColor": MUTED,
            "domainWidth": 0.8,
            "tickColor": MUTED,
            "tickWidth": 0.8,
            "tickSize": 4,
            "labelPadding": 5,
            "titlePadding": 8,
        },
        "axisX": {"grid": False, "labelFlush": False},
        "axisY": {
            "domain": False,
            "ticks": False,
            "titleAngle": 0,
            "titleAlign": "left",
            "titleAnchor": "end",
            "titleBaseline": "bottom",
            "titleX": -44,
            "titleY": -8,
        },
        "legend": {
            **titles,
            "labelColor": INK,
            "labelFontSize": 11,
            "symbolSize": 60,
            "symbolStrokeWidth": 2,
        },
        "header": {
            "labelColor": INK,
            "titleColor": MUTED,
            "labelExpr": middle_cut(),
            "labelFontSize": 12,
            "labelPadding": 6,
        },
        "title": {
            "anchor": "start",
            "color": INK,
            "fontSize": 12,
            "fontWeight": "normal",
            "offset": 10,
        },
    }
