"""A resolved study as the JSON of a study file, every setting written out."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from mlplab.declarations.base import Declaration
from mlplab.declarations.study import Presentation, Study


def study_values(study: Study) -> dict[str, Any]:
    """The plain values of a study file that loads as an equal study, whatever defaults become."""
    values: dict[str, Any] = {"name": study.name}
    for key in Presentation.model_fields:
        if getattr(study, key) != Presentation.model_fields[key].default:
            values[key] = _plain(getattr(study, key))
    every = {**study.templates, **study.networks}
    until = study.until_decided
    if until is not None:
        values["seeds"] = until.model_dump(mode="json")
    values["networks"] = {
        name: network.model_dump(mode="json", exclude={"seeds"} if until else None)
        for name, network in every.items()
    }
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, Declaration):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [item.model_dump(mode="json") for item in value]
    return value


def study_json(study: Study) -> str:
    """The text of a study file that loads as an equal study."""
    return to_json(study_values(study), indent=2).decode() + "\n"
