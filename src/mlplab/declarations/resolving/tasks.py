"""What each network is to do: told by its data, and with it the objective that goes without saying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlplab.declarations.base import Declaration
from mlplab.declarations.choice import ChoiceRule
from mlplab.declarations.data import Data, TableData
from mlplab.declarations.figure import CurveFigure
from mlplab.declarations.network import Network
from mlplab.declarations.objective import MeanSquaredError
from mlplab.declarations.problems import shown
from mlplab.declarations.resolving.data_size import data_size
from mlplab.declarations.resolving.resolution import Resolution, Resolved
from mlplab.declarations.study import Presentation
from mlplab.declarations.task import REGRESSION, Task

REGRESSION_MARGIN = 0.01
"""By which fraction of the lowest RMSE a chosen network may be worse, where nothing is said."""


def with_tasks(resolution: Resolution, folder: Path) -> tuple[Resolution, list[str]]:
    """Networks whose data say what there is to predict, a quantity with an objective for it, and notes.

    folder: where the study lies. Where only headers are looked at, a table that does not declare
    its task stays as it is.
    """
    found: dict[Data, Data] = {}
    resolved: dict[str, Resolved] = {}
    for name, its in resolution.resolved.items():
        data = its.network.data
        if isinstance(data, TableData) and "data" not in its.doubted:
            if data not in found:
                found[data] = _with_task(data, folder)
            its = replace(its, network=_settled(its.network, found[data]))
        resolved[name] = its
    notes = [
        f"target {shown(data.target)} is taken for a quantity; "
        '"task": "classification" takes its values for classes.'
        for data, settled in found.items()
        if isinstance(data, TableData) and settled is not data
    ]
    return replace(resolution, resolved=resolved), notes


def _with_task(data: TableData, folder: Path) -> Data:
    task = data.task or data_size(data, folder)[0].task
    return data.model_copy(update={"task": task}) if task == "regression" else data


def _settled(network: Network, data: Data) -> Network:
    changed: dict[str, Any] = {} if data is network.data else {"data": data}
    if data.task == REGRESSION.name and "objective" not in network.model_fields_set:  # type: ignore[union-attr]
        changed["objective"] = MeanSquaredError(name="mse")
    return network.model_copy(update=changed) if changed else network


def presented_for(task: Task, presentation: Presentation) -> Presentation:
    """What a study says beside its networks, with the metric of its task where none is given."""
    if task is not REGRESSION:
        return presentation
    changed: dict[str, Any] = {
        "figures": tuple(
            _with(figure, {"metric": task.main}) if isinstance(figure, CurveFigure) else figure
            for figure in presentation.figures
        ),
        "choice": _choice(presentation.choice),
    }
    if presentation.tune is not None:
        changed["tune"] = _with(presentation.tune, {"metric": task.main})
    return presentation.model_copy(update=changed)


def _choice(rule: ChoiceRule) -> ChoiceRule:
    if rule.model_fields_set & {"within", "within_fraction"}:
        return rule
    return rule.model_copy(update={"within_fraction": REGRESSION_MARGIN})


def _with(declaration: Declaration, defaults: Mapping[str, Any]) -> Declaration:
    """The declaration with these values where it gives none."""
    missing = {k: v for k, v in defaults.items() if k not in declaration.model_fields_set}
    return declaration.model_copy(update=missing)
