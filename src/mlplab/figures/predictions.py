"""What a network of regression predicts, held against the truth: points, residuals, errors by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mlplab.figures import theme, vega
from mlplab.figures.figure import Figure
from mlplab.figures.vega import Spec
from mlplab.statistics.intervals import t_interval
from mlplab.words import count, number

if TYPE_CHECKING:
    from mlplab.metrics.regression import RegressionEvaluation

MOST_POINTS = 1_500
"""Beyond so many test rows some are drawn, evenly by their true value."""
_BINS = 10
_SIDE = 340


def predicted_figure(
    network: str, evaluations: Sequence[RegressionEvaluation], name: str
) -> Figure:
    """The mean prediction of every test row over seeds, against its true value."""
    true, predicted = _values(evaluations)
    table = _points(true, predicted)
    target = evaluations[0].target_name
    ends = [float(min(true.min(), table["predicted"].min())),
            float(max(true.max(), table["predicted"].max()))]  # fmt: skip
    place = {
        "x": vega.measure("true", f"true {target}", domain=ends),
        "y": vega.measure("predicted", f"predicted {target}", domain=ends),
    }
    both = {"x": vega.measure("end", domain=ends), "y": vega.measure("end", domain=ends)}
    tips = vega.tips(("true:Q", "true", ".4~g"), ("predicted:Q", "predicted", ".4~g"))
    dashed = vega.mark("line", strokeDash=[4, 3], color=theme.GREY, encoding=both)
    drawing: Spec = {
        "width": _SIDE,
        "height": _SIDE,
        "layer": [
            vega.mark("point", filled=True, size=14, color=theme.ACCENT, opacity=0.35,
                      encoding=place | {"tooltip": tips}) | {"data": vega.rows(table)},
            vega.on_table(pd.DataFrame({"end": ends}), dashed),
        ],
    }  # fmt: skip
    slope = float(np.polyfit(true, predicted.mean(axis=0), 1)[0]) if np.ptp(true) else np.nan
    lean = (
        f" A straight line through the points rises by {slope:.2f} for each 1 of the truth: "
        + ("extremes are drawn to the middle." if slope < 1 else "extremes are overdone.")
        if np.isfinite(slope)
        else ""
    )
    return Figure(
        name,
        f"Predicted against true {target}, {network}",
        f"{_shown(len(true), len(table))} Each point is a test row of {network}, its prediction the "
        f"mean over {count(len(evaluations), 'seed')}; on the dashed line they are right.{lean}",
        table,
        drawing,
    )


def residual_figure(network: str, evaluations: Sequence[RegressionEvaluation], name: str) -> Figure:
    """Residuals (predicted less true) by prediction, with the band that holds nine of ten."""
    true, predicted = _values(evaluations)
    points = _points(true, predicted).assign(
        residual=lambda t: t["predicted"] - t["true"], kind="row"
    )
    mean = predicted.mean(axis=0)
    band = _band(mean, mean - true).assign(kind="band")
    table = pd.concat([points, band], ignore_index=True)
    target = evaluations[0].target_name
    across = vega.measure("predicted", f"predicted {target}")
    up = vega.measure("residual", "residual (predicted less true)")
    limits = {"x": across, "y": vega.field("low:Q"), "y2": {"field": "high"}}
    layers = [
        vega.mark("area", vega.where("datum.kind == 'band'"), color=theme.ACCENT, fillOpacity=0.18,
                  encoding=limits),
        vega.mark("point", vega.where("datum.kind == 'row'"), filled=True, size=14, opacity=0.3,
                  color=theme.ACCENT, encoding={"x": across, "y": up}),
        vega.mark("line", vega.where("datum.kind == 'band'"), strokeWidth=2, color=theme.ACCENT,
                  encoding={"x": across, "y": vega.field("median:Q")}),
        vega.on_table(pd.DataFrame({"zero": [0.0]}),
                      vega.mark("rule", strokeDash=[4, 3], color=theme.GREY,
                                encoding={"y": vega.field("zero:Q")})),
    ]  # fmt: skip
    widths = (band["high"] - band["low"]).to_numpy()
    told = ""
    if len(widths) > 1 and widths[0] > 0:
        times = widths[-1] / widths[0]
        told = f" It is {times:.2g} times as wide at the largest predictions as at the smallest."
    return Figure(
        name,
        f"Residuals of {network}",
        f"{_shown(len(true), len(points))} Predicted less true {target}. The band holds the middle "
        f"90% of residuals in each of {len(band)} groups of equally many rows, the line is their "
        f"median.{told}",
        table,
        {"width": theme.WIDTH, "height": 260, "data": vega.rows(table), "layer": layers},
    )


def error_by_size_figure(
    network: str, evaluations: Sequence[RegressionEvaluation], name: str
) -> Figure:
    """RMSE and bias in groups of rows of similar true values, means over seeds with intervals."""
    true, predicted = _values(evaluations)
    groups = _groups(true)
    rows = []
    for group in groups:
        error = predicted[:, group] - true[group]
        rmse = t_interval(np.sqrt(np.square(error).mean(axis=1)))
        rows.append(
            {
                "from": float(true[group].min()),
                "to": float(true[group].max()),
                "true": float(true[group].mean()),
                "rmse": float(rmse.mean),
                "low": float(rmse.low),
                "high": float(rmse.high),
                "bias": float(error.mean()),
                "rows": len(group),
            }
        )
    table = pd.DataFrame(rows)
    target = evaluations[0].target_name
    across = vega.measure("true", f"true {target} (mean of the group)")
    tips = vega.tips(
        ("from:Q", "from", ".4~g"), ("to:Q", "to", ".4~g"), ("rmse:Q", "RMSE", ".4~g"),
        ("bias:Q", "mean residual", ".4~g"), ("rows:Q", "rows", ",d"),
    )  # fmt: skip
    place = {"x": across, "y": vega.measure("rmse", "RMSE in the group")}
    limits = {"x": across, "y": vega.field("low:Q"), "y2": {"field": "high"}}
    drawing: Spec = {
        "width": theme.WIDTH,
        "height": 220,
        "data": vega.rows(table),
        "layer": [
            vega.mark("line", strokeWidth=1.6, color=theme.ACCENT, encoding=place),
            vega.mark("rule", vega.where("isValid(datum.low)"), strokeWidth=1.4,
                      color=theme.ACCENT, encoding=limits),
            vega.mark("point", filled=True, size=46, opacity=1, color=theme.ACCENT,
                      encoding=place | {"tooltip": tips}),
        ],
    }  # fmt: skip
    worst = table.loc[table["rmse"].idxmax()]
    return Figure(
        name,
        f"Error of {network} by size of {target}",
        f"RMSE of test rows in {len(table)} groups of equally many rows by their true {target}; "
        f"means over {count(len(evaluations), 'seed')}, bars their 95% t intervals where there are "
        f"several. It is largest, {number(worst['rmse'], 'rmse')}, from "
        f"{number(worst['from'], 'rmse')} to {number(worst['to'], 'rmse')}.",
        table,
        drawing,
    )


def _values(evaluations: Sequence[RegressionEvaluation]) -> tuple[np.ndarray, np.ndarray]:
    """True values (row,) and predictions (seed, row) float64."""
    return evaluations[0].true_values(), np.stack([e.predicted_values() for e in evaluations])


def _points(true: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    order = np.argsort(true, kind="stable")
    if len(order) > MOST_POINTS:
        order = order[np.linspace(0, len(order) - 1, MOST_POINTS).round().astype(np.int64)]
    return pd.DataFrame({"true": true[order], "predicted": predicted.mean(axis=0)[order]})


def _groups(by: np.ndarray) -> list[np.ndarray]:
    """Row numbers in groups of equally many, in the order of a value; equal values stay together."""
    edges = np.unique(np.quantile(by, np.linspace(0, 1, min(_BINS, max(1, len(by) // 10)) + 1)))
    place = np.clip(np.searchsorted(edges, by, side="right") - 1, 0, max(len(edges) - 2, 0))
    return [rows for g in range(max(len(edges) - 1, 1)) if len(rows := np.flatnonzero(place == g))]


def _band(predicted: np.ndarray, residual: np.ndarray) -> pd.DataFrame:
    rows = [
        {
            "predicted": float(predicted[g].mean()),
            "low": float(np.quantile(residual[g], 0.05)),
            "median": float(np.median(residual[g])),
            "high": float(np.quantile(residual[g], 0.95)),
        }
        for g in _groups(predicted)
    ]
    return pd.DataFrame(rows)


def _shown(rows: int, drawn: int) -> str:
    if drawn == rows:
        return f"{rows:,} test rows."
    return f"{drawn:,} of {rows:,} test rows, evenly by their true value."
