"""Known and unknown rows beside one another: histograms on one axis."""

from __future__ import annotations

import pandas as pd

from mlplab.analysis.open_set.findings import Histogram
from mlplab.figures import theme, vega
from mlplab.figures.drawing import Key
from mlplab.figures.vega import Spec

_SIDES = {"known": theme.COLOURS[0], "unknown": theme.COLOURS[1]}
SIDE_KEYS = tuple(Key(f"{side} test rows", colour) for side, colour in _SIDES.items())


def side_table(histogram: Histogram, **more: str) -> pd.DataFrame:
    """A row a side and bin, with its share of the side's rows; more: columns before these."""
    edges = histogram.edges
    return pd.DataFrame(
        [
            {**more, "side": side, "from": low, "to": high, "share": share}
            for side in _SIDES
            for low, high, share in zip(
                edges[:-1], edges[1:], getattr(histogram, side), strict=True
            )
        ]
    )


def side_bars(x: Spec, y: Spec, what: str, form: str) -> Spec:
    """Bars of both sides; what, form: the lower edge in tips and the format of both edges."""
    tips = (("side:N", "rows"), ("from:Q", what, form), ("to:Q", "to", form))
    return vega.mark(
        "rect",
        opacity=0.5,
        encoding={
            "x": x,
            "x2": {"field": "to"},
            "y": y,
            "y2": {"datum": 0},
            "color": vega.coloured("side", list(_SIDES), list(_SIDES.values())),
            "tooltip": vega.tips(*tips, ("share:Q", "share", ".1%")),
        },
    )


def line_at(value: float, scale: Spec, title: str | None = None, **look: object) -> Spec:
    """An upright line."""
    x = vega.field("at:Q", title=title, scale=scale)
    look = {"color": theme.INK, "strokeWidth": 1.2, **look}
    return {"data": {"values": [{"at": value}]}, **vega.mark("rule", encoding={"x": x}, **look)}
