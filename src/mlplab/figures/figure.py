"""One figure: its numbers, its chart and its words, from which page, SVG, PNG and CSV are made."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlplab.figures import theme
from mlplab.figures.drawing import Job, Key, draw
from mlplab.figures.vega import Spec
from mlplab.records.export import without_formulas

if TYPE_CHECKING:
    import altair as alt


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
    drawing: Spec | alt.TopLevelMixin
    """The picture in the Vega-Lite grammar, or as an Altair chart; without what figures share."""
    keys: tuple[Key, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader should know besides: caveats, published mistakes."""

    @cached_property
    def specification(self) -> Spec:
        """The Vega-Lite specification of the interactive picture.

        Its legend is left to whoever shows it (`keys`), since a legend of the page can be reached
        with a keyboard and wraps on a narrow screen.
        """
        hidden = {"legend": {"disable": True}, "background": None}
        return {**self._spec, "config": theme.config() | hidden}

    @property
    def chart(self) -> alt.TopLevelMixin:
        """The figure as an Altair chart, for a notebook."""
        import altair

        spec = {**self._spec, "title": self.title, "config": theme.config()}
        chart: alt.TopLevelMixin = altair.Chart.from_dict(spec)
        return chart

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:
        """The figure in a notebook: interactive, and as a still picture where that is all there is."""
        spec = {**self._spec, "title": self.title, "config": theme.config()}
        return {
            "application/vnd.vegalite.v6+json": spec,
            "image/svg+xml": draw(self.job).svg,
            "text/plain": f"{self.title}. {self.caption}",
        }

    @property
    def _spec(self) -> Spec:
        if isinstance(self.drawing, dict):
            return self.drawing
        spec: Spec = self.drawing.to_dict(validate=False)
        spec.pop("$schema", None)
        return spec

    @property
    def job(self) -> Job:
        """What is needed to draw it as SVG and PNG."""
        return Job(self.name, self.title, self.keys, still(self.specification))

    def csv(self) -> str:
        """The figure's numbers as CSV."""
        table = without_formulas(self.table)
        return table.to_csv(index=False, float_format="%.10g", lineterminator="\n")


def still(spec: Spec) -> Spec:
    """The specification without what only a live picture needs: the layers named `hover`, zooming,
    and the clipping of every line by itself, which a rasterizer pays dearly for.

    So a chart gives a panel no lines that go on beyond its frame.
    """
    spec = copy.deepcopy(spec)

    def prune(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("mark"), dict):
                part["mark"].pop("clip", None)
            if isinstance(part.get("layer"), list):
                part["layer"] = [x for x in part["layer"] if x.get("name") != "hover"]
            if isinstance(part.get("params"), list):
                part["params"] = [p for p in part["params"] if "select" not in p]
            for value in part.values():
                prune(value)
        elif isinstance(part, list):
            for value in part:
                prune(value)

    prune(spec)
    return spec
