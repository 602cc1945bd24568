"""The Vega-Lite grammar, as short functions that give plain specifications.

A report has dozens of figures; Altair checks and copies each part of each of them, which takes a
minute where this takes none. `Figure.chart` gives the checked Altair chart of any figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from mlplab.figures import theme

Spec = dict[str, Any]

HIDDEN: Spec = {"name": "hidden", "value": []}
"""The series that are turned off; a page sets it."""


def field(name: str, **settings: Any) -> Spec:
    """A channel bound to a column: `step:Q` is quantitative, `series:N` nominal."""
    column, _, kind = name.partition(":")
    return {"field": column, "type": {"Q": "quantitative", "N": "nominal"}[kind], **settings}


def tip(name: str, title: str | None = None, format: str | None = None) -> Spec:
    """A line of a tooltip."""
    settings = {"title": title or name.partition(":")[0], "format": format}
    return field(name, **{k: v for k, v in settings.items() if v is not None})


def mark(kind: str, *transforms: Spec, encoding: Spec | None = None, **settings: Any) -> Spec:
    """One layer: a kind of mark, what happens to the data first, and the channels it sets."""
    layer: Spec = {"mark": {"type": kind, **settings}}
    if transforms:
        layer["transform"] = list(transforms)
    if encoding:
        layer["encoding"] = encoding
    return layer


def where(expression: str) -> Spec:
    """Only rows of which an expression is true."""
    return {"filter": expression}


def zoom(name: str = "zoom") -> Spec:
    """Drag to move, Ctrl or ⌘ and the wheel to zoom; a plain wheel scrolls the page."""
    return {
        "name": name,
        "select": {"type": "interval", "zoom": "wheel![event.ctrlKey || event.metaKey]"},
        "bind": "scales",
    }


def not_hidden(column: str) -> Spec:
    """Only rows of series that are turned on."""
    return where(f"indexof(hidden, datum.{column}) < 0")


def rows(table: pd.DataFrame, digits: int = 5) -> Spec:
    """A table as small CSV text within a specification.

    Fractions keep `digits` significant digits: no screen shows the difference.
    """
    return {
        "values": table.to_csv(index=False, lineterminator="\n", float_format=f"%.{digits}g"),
        "format": {
            "type": "csv",
            "parse": {
                name: "number" if pd.api.types.is_numeric_dtype(table[name]) else "string"
                for name in table.columns
            },
        },
    }


def tips(*lines: str | tuple[str, ...]) -> list[Spec]:
    """A tooltip: columns, each alone or with its title and its format."""
    return [tip(line) if isinstance(line, str) else tip(*line) for line in lines]


def measure(
    column: str,
    title: str | None = None,
    *,
    domain: Sequence[float] | None = None,
    scale: Spec | None = None,
    **axis: Any,
) -> Spec:
    """A quantitative axis that need not reach to 0.

    Args:
        column: of the table.
        title: of the axis.
        domain: from where to where it reaches; None for what the data ask for.
        scale: other settings of the scale.
        axis: settings of the axis: tickCount, format.
    """
    reach: Spec = {"zero": False} if domain is None else {"domain": list(domain), "nice": False}
    settings: Spec = {"axis": axis} if axis else {}
    return field(f"{column}:Q", title=title, scale=reach | (scale or {}), **settings)


def coloured(column: str, names: Sequence[str], colours: Sequence[str] | None = None) -> Spec:
    """The colour channel of series: those of the theme, where no others are given."""
    used = colours or [theme.colour(i) for i in range(len(names))]
    scale = {"domain": list(names), "range": list(used)}
    return field(f"{column}:N", title=None, scale=scale)


def shaped(column: str, names: Sequence[str]) -> Spec:
    """The shape channel of series."""
    scale = {"domain": list(names), "range": [theme.shape(i) for i in range(len(names))]}
    return field(f"{column}:N", title=None, scale=scale)


def on_table(table: pd.DataFrame, layer: Spec, digits: int = 5) -> Spec:
    """A layer with data of its own."""
    return {"data": rows(table, digits), **layer}
