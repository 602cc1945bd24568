"""One figure: its numbers, its chart and its words, from which page, SVG, PNG and CSV are made."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt
import pandas as pd

from mlplab.figures import theme
from mlplab.figures.drawing import Job, Key

@dataclass(frozen=True, eq=False)
class Figure:
    """One definition a figure: everything that is shown or written of it comes from here."""

    name: str
    """The stem of its files."""
    title: str
    caption: str
    """What is drawn, and what came out, in sentences made from the numbers; the text alternative
    of the picture."""
    table: pd.DataFrame
    """The figure's numbers, as its CSV file gives them."""
    chart: alt.TopLevelMixin
    keys: tuple[Key, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader should know besides: caveats, published mistakes."""

    @cached_property
    def specification(self) -> dict[str, Any]:
        """The Vega-Lite specification of the interactive picture.

        Its legend is left to whoever shows it (`keys`), since a legend of the page can be reached
        with a keyboard and wraps on a narrow screen.
        """
        spec = self.chart.to_dict()
        spec["config"] = theme.config() | {"legend": {"disable": True}, "background": None}
        spec.pop("$schema", None)
        return spec

    @property
    def job(self) -> Job:
        """What is needed to draw it as SVG and PNG."""
        return Job(self.name, self.title, self.keys, still(self.specification))

    def csv(self) -> str:
        """The figure's numbers as CSV."""
        return self.table.to_csv(index=False, float_format="%.10g", lineterminator="\n")


def still(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification without what only a live picture needs: the layers named `hover`, and the
    clipping of every line by itself, which a rasterizer pays dearly for.

    So a chart gives a panel no lines that go on beyond its frame.
    """
    spec = copy.deepcopy(spec)

    def prune(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("mark"), dict):
                part["mark"].pop("clip", None)
            if isinstance(part.get("layer"), list):
                part["layer"] = [x for x in part["layer"] if x.get("name") != "hover"]
            for value in part.values():
                prune(value)
        elif isinstance(part, list):
            for value in part:
                prune(value)

    prune(spec)
    spec["params"] = [p for p in spec.get("params", ()) if "select" not in p]
    return spec


def compact(table: pd.DataFrame, digits: int = 5) -> alt.InlineData:
    """A table as the small CSV text that Vega-Lite reads from within a specification.

    Fractions keep `digits` significant digits: no screen shows the difference.
    """
    return alt.InlineData(
        values=table.to_csv(index=False, lineterminator="\n", float_format=f"%.{digits}g"),
        format=alt.DataFormat(
            type="csv",
            parse={
                name: "number" if pd.api.types.is_numeric_dtype(table[name]) else "string"
                for name in table.columns
            },
        ),
    )
