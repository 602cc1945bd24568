"""The Vega-Lite grammar, as short functions that give plain specifications.

A report has dozens of figures; Altair checks and copies each part of each of them, which takes a
minute where this takes none. `Figure.chart` gives the checked Altair chart of any figure.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

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
