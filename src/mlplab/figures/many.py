"""What to draw when there are more networks than a person can tell apart."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from mlplab.figures import theme, vega
from mlplab.figures.ensemble import Ensemble, last_values
from mlplab.figures.vega import Spec

MOST_SERIES = 50
"""Beyond so many, a figure shows quantile bands and the notable few."""
_BANDS = (("middle 90% of networks", 0.05, 0.95), ("middle half of networks", 0.25, 0.75))


def notable(ensembles: Sequence[Ensemble], *, larger_is_better: bool, each: int = 3) -> list[int]:
    """Places of the few worth naming: the best and the worst at the end, and the one whose seeds
    differ most; best first."""
    last = [last_values(ensemble.values) for ensemble in ensembles]
    last = [values[np.isfinite(values)] for values in last]
    ends = np.array([values.mean() if len(values) else np.nan for values in last])
    spread = np.array([values.std() if len(values) > 1 else np.nan for values in last])
    order = np.argsort(-ends if larger_is_better else ends, kind="stable")
    finite = [int(i) for i in order if np.isfinite(ends[i])]
    chosen = [*finite[:each], *finite[-each:]]
    if np.isfinite(spread).any():
        chosen.append(int(np.nanargmax(spread)))
    return list(dict.fromkeys(chosen))


def _mean(values: np.ndarray) -> np.ndarray:
    """(evaluation,) over seeds that have a value."""
    present = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(present, values, 0.0).sum(axis=0) / present.sum(axis=0)


def quantile_rows(ensembles: Sequence[Ensemble]) -> pd.DataFrame:
    """Median and bands over networks of their means at each step.

    Columns: kind (`band` or `median of networks`), series, step, value, low, high, n (networks at the step).
    """
    steps = np.unique(np.concatenate([e.steps for e in ensembles]))
    means = np.full((len(ensembles), len(steps)), np.nan)
    for row, ensemble in enumerate(ensembles):
        means[row, np.searchsorted(steps, ensemble.steps)] = _mean(ensemble.values)
    n = np.isfinite(means).sum(axis=0)

    def rows(kind: str, series: str, **quantiles: float) -> pd.DataFrame:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # steps where no network has a value
            values = {name: np.nanquantile(means, q, axis=0) for name, q in quantiles.items()}
        return pd.DataFrame({"kind": kind, "series": series, "step": steps, **values, "n": n})

    bands = [rows("band", label, low=low, high=high) for label, low, high in _BANDS]
    median = rows("median of networks", "median network", value=0.5)
    return pd.concat([*bands, median], ignore_index=True)


def quantile_layers(title: str) -> list[Spec]:
    """The grey bands and the median, beneath the notable few."""
    grey = {"color": {"value": theme.GREY}}
    band = {"y": vega.field("low:Q", title=title), "y2": {"field": "high"}}
    return [
        vega.mark("area", vega.where("datum.kind == 'band'"), fillOpacity=0.2, clip=True,
                  encoding=band | grey | {"detail": vega.field("series:N")}),
        vega.mark("line", vega.where("datum.kind == 'median of networks'"), strokeWidth=1.6,
                  clip=True, encoding=grey),
    ]  # fmt: skip


def quantile_caption(networks: int) -> str:
    """What the grey is."""
    return (
        f"Of {networks:,} networks the grey bands hold the middle 90% and the middle half of the "
        "networks' means, the grey line their median; the best, the worst and the least steady "
        "are drawn by name. `mlplab export` gives them all."
    )
