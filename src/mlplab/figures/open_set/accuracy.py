"""AUROC against accuracy on known classes: whether a better classifier is a better detector."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from mlplab.analysis.open_set.tasks import Task
from mlplab.figures import vega
from mlplab.figures.figure import Figure
from mlplab.figures.open_set.areas import series_keys
from mlplab.words import listed

_FEWEST = 10
"""Below so many points the interval of a rank correlation is not to be trusted."""
_WEAK, _STRONG = 0.3, 0.7


def accuracy_figure(tasks: Sequence[Task], name: str) -> Figure | None:
    """AUROC against the accuracy on known classes, a point a network and seed."""
    table = _points(tasks)
    if table.empty:
        return None
    ranked = table.groupby("detector")["auroc"].mean().sort_values(ascending=False)
    names = [d for d in dict.fromkeys(("softmax", ranked.index[0])) if d in ranked.index]
    table = table[table["detector"].isin(names)].reset_index(drop=True)
    if table["accuracy"].nunique() < 4:
        return None
    return Figure(
        name=name,
        title="AUROC against accuracy on known classes",
        caption=(
            "A point is one network and seed, at every training length and split that was tested; "
            f"correlations are judged as if points were independent. {_verdicts(table, names)}"
        ),
        table=table,
        drawing={
            "data": vega.rows(table),
            "params": [vega.HIDDEN],
            "width": 440,
            "height": 300,
            **_points_drawn(names),
        },
        keys=series_keys(names, shape="circle", line=False),
    )


def _points(tasks: Sequence[Task]) -> pd.DataFrame:
    table = pd.DataFrame(
        [
            {
                "detector": series.detector,
                "network": series.network,
                "seed": seed,
                "split": task.split.title,
                "accuracy": series.accuracy_of(seed),
                "auroc": finding.metrics["auroc"],
                "roles": task.split.roles_in_words,
            }
            for task in tasks
            for series in task.detectors
            if series.method is None
            for seed, finding in series.findings.items()
        ]
    )
    if table.empty:
        return table
    # A network that is tested in two ways, with other thresholds, say, is one point where it is one.
    table = table.drop_duplicates(["detector", "network", "seed", "auroc", "roles"])
    return table.drop(columns="roles")


def _points_drawn(names: Sequence[str]) -> vega.Spec:
    tips = ("detector:N", "network:N", "seed:Q", "split:N", ("accuracy:Q", "accuracy", ".4f"))
    return vega.mark(
        "point",
        vega.not_hidden("detector"),
        filled=True,
        size=36,
        opacity=0.65,
        encoding={
            "x": vega.measure("accuracy", "accuracy on known classes"),
            "y": vega.measure("auroc", "AUROC"),
            "color": vega.coloured("detector", names),
            "tooltip": vega.tips(*tips, ("auroc:Q", "AUROC", ".4f")),
        },
    )


def _verdicts(table: pd.DataFrame, names: Sequence[str]) -> str:
    """What rank correlations say of each detector, those of one verdict together."""
    alike: dict[str, list[str]] = {}
    for name in names:
        its = table[table["detector"] == name]
        # Spearman's; NaN where one side does not vary
        r, n = its["accuracy"].rank().corr(its["auroc"].rank()), len(its)
        told = (
            f"{name} (n = {n})" if math.isnan(r) else f"{name} (rank correlation {r:+.2f}, n = {n})"
        )
        alike.setdefault(correlation_in_words(r, n), []).append(told)
    return " ".join(f"{words}: {listed(told)}." for words, told in alike.items())


def correlation_in_words(r: float, n: int) -> str:
    """Whether a better classifier is the better detector, of a rank correlation of n points.

    By its 95% interval on Fisher's scale (Bonett and Wright, Psychometrika 2000), as if points
    were independent of one another.
    """
    if math.isnan(r):
        return "Nothing can be told, for one of the two does not vary"
    if n < _FEWEST:
        return "Too few points to tell whether a better classifier is a better detector"
    middle = math.atanh(max(min(r, 1 - 1e-9), 1e-9 - 1))
    half = 1.96 * math.sqrt((1 + r * r / 2) / (n - 3))
    low, high = math.tanh(middle - half), math.tanh(middle + half)
    if low > -_WEAK and high < _WEAK:
        return "A better classifier is hardly better or worse as a detector"
    if low <= 0 <= high:
        return "These points do not tell whether a better classifier is a better detector"
    kind = "better" if r > 0 else "worse"
    often = "mostly" if abs(r) >= _STRONG else "often" if abs(r) >= _WEAK else "slightly more often"
    return f"A better classifier is {often} the {kind} detector"
