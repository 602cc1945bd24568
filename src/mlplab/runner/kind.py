"""Which runs can train in one stack, told from their data or from what is declared of these."""

from __future__ import annotations

from collections.abc import Hashable

from mlplab.declarations.data import (
    Data,
    IdxData,
    ImageFolderData,
    KnownData,
    TableData,
    declared_scaling,
)
from mlplab.declarations.form import Form
from mlplab.declarations.roles import Roles
from mlplab.declarations.training import Training
from mlplab.objectives.objective import Objective
from mlplab.trainer.captured_step import objective_can_be_captured
from mlplab.trainer.compiled_networks import is_compiled


def kind_of(
    layers: tuple[int, ...],
    form: Form,
    training: Training,
    objective: Objective,
    dropout: float,
    data: Hashable,
    device: str,
) -> tuple[Hashable, ...]:
    """Return what runs of one stack have in common.

    Others of one shape could train together, but a stack is measured as often as the most eager of
    them asks, and one form computes all of it: compiled, captured or eager.

    Args:
        data: equal for runs that are given the same inputs and labels, whichever rows they take.
        device: cpu or cuda.
    """
    return (
        layers,
        form,
        training.batch_size,
        training.evaluate_every,
        data,
        objective_can_be_captured(objective),
        is_compiled(form, dropout, objective, device),
    )


def declared_data(data: Data, roles: Roles | None) -> Hashable:
    """Return what decides inputs and labels, as far as a declaration tells without its data.

    Where scaling is fitted on training rows, these are all that the declaration says; else it does
    not matter which rows are for training and which for validation, nor which classes are taken.
    """
    scaling = declared_scaling(data)
    is_of_bytes = isinstance(data, KnownData | IdxData | ImageFolderData)
    fitted = isinstance(data, TableData) or scaling != "none"
    if fitted and not (is_of_bytes and scaling == "unit"):
        return data, roles
    return data.model_copy(update={"validation": 0, "classes": None, "scaling": scaling})
