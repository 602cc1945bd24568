"""The figures that a study declares, or those that suit it when it declares none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from mlplab.analysis import trivial
from mlplab.analysis.test_part import roc_curves_of
from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.declarations.problems import BadInput, Problem
from mlplab.declarations.reading.names import fault_of_study_name
from mlplab.figures import published
from mlplab.figures.curves import curve_figures
from mlplab.figures.ensemble import drawn_by_default, runs_by_network
from mlplab.figures.figure import Figure
from mlplab.figures.gradient_size import layer_figure
from mlplab.figures.roc import roc_figure
from mlplab.metrics.classification import Evaluation

if TYPE_CHECKING:
    from mlplab.records.results import Results


RESERVED = (
    "overview-", "published-", "confusion-", "roc-of-", "cost-", "choice-", "inside-", "tuning-",
    "errors-of-", "precision-of-",
)  # fmt: skip
"""How the names of the report's own figures begin."""


@dataclass(frozen=True)
class Undrawn:
    """A figure that cannot be drawn, and why."""

    title: str
    why: Problem


def declared_figures(results: Results) -> list[list[Figure] | Undrawn]:
    """Each figure of the study, with those that belong beside it; empty where nothing is there."""
    facts = published.load(results.study.compare_with) if results.study.compare_with else None
    made: list[list[Figure] | Undrawn] = []
    taken: set[str] = set()
    for declared in results.study.figures or automatic(results):
        stem = slug(declared.title)
        name = unused(f"figure-{stem}" if stem.startswith(RESERVED) else stem, taken)
        if isinstance(declared, RocFigure):
            made.append(_roc(declared, results, name))
        elif declared.metric in ("gradient_size", "dead_units"):
            figure = layer_figure(
                results, declared.metric, name, declared.title, declared.networks, declared.steps
            )
            made.append([figure] if figure else [])
        else:
            beside = None
            if declared.published is not None:
                beside = facts.figure(declared.published) if facts else None
            drawn = curve_figures(declared, results, name, beside)
            if "test" in declared.splits and declared.metric in results.study.task.metrics:
                told = trivial.in_words(results, declared.metric)
                drawn = [replace(f, caption=f"{f.caption} {told}".rstrip()) for f in drawn]
            made.append(drawn)
    return made


def automatic(results: Results) -> Sequence[CurveFigure]:
    """The main metric and loss by network, the main one again for each optimizer of several."""
    networks = {name: results.study.networks[name] for name in drawn_by_default(results)}
    split: Literal["test", "validation"] = "test"
    main = results.study.task.metrics[results.study.task.main]
    figures = [
        CurveFigure(title=f"Test {main.title} over training", metric=main.name, split=split),
        CurveFigure(title="Test loss over training", metric="loss", split=split),
    ]
    by_optimizer: dict[str, list[str]] = {}
    for name, network in networks.items():
        by_optimizer.setdefault(network.optimizer.name, []).append(name)
    if len(networks) > 8 and 1 < len(by_optimizer) < len(networks):
        figures += [
            CurveFigure(
                title=f"Test {main.title} with {optimizer}", metric=main.name, networks=tuple(names)
            )
            for optimizer, names in by_optimizer.items()
        ]
    if len(networks) == 1:
        figures.append(
            CurveFigure(title="Learning curve", metric=main.name, split=("batch", "test"))
        )
    return figures


def slug(title: str) -> str:
    """A title as the stem of a file: Accuracy by depth → accuracy-by-depth."""
    plain = title.lower().replace("ε", "epsilon")
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "figure"
    return stem if fault_of_study_name(stem) is None else f"figure-{stem}"


def unused(stem: str, taken: set[str]) -> str:
    """The stem, with a number behind it if it is taken; it is taken from now on."""
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return name


def _roc(declared: RocFigure, results: Results, name: str) -> list[Figure] | Undrawn:
    runs = runs_by_network(results).get(declared.network, ())
    found = [(run, run.evaluation) for run in runs if isinstance(run.evaluation, Evaluation)]
    if not found:
        return []
    drawn, evaluations = found[0][0], [evaluation for _, evaluation in found]
    try:
        curves = roc_curves_of(results, drawn)
    except BadInput as error:
        return Undrawn(declared.title, error.problems[0])
    return [roc_figure(declared.network, evaluations, curves, drawn.seed, name, declared.title)]
