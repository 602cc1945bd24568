"""The JSON Schema of a study file, so that editors complete and explain it.

It is made from the declarations. What only resolution can tell (a setting that is neither shared
nor a network's own) it lets pass; `mlplab check` finds it.
"""

from __future__ import annotations

import json
from typing import Any

from mlplab.declarations.network import Network
from mlplab.declarations.reading.names import LONGEST_STUDY
from mlplab.declarations.resolving.resolution import MOST_SEEDS
from mlplab.declarations.study import Presentation
from mlplab.declarations.until_decided import UntilDecided

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COMMENTS = {"^//": {"description": "A comment: keys that start with // are ignored."}}


def study_schema() -> dict[str, Any]:
    """The schema of a study file."""
    network, network_parts = _parts(Network)
    presentation, presentation_parts = _parts(Presentation)
    settings = network["properties"]
    settings["seeds"] = count_or_list(settings["seeds"])
    # A network may leave to the shared settings what it does not say, at any depth.
    for part in network_parts.values():
        part.pop("required", None)
    definitions = {
        name: _open_to_comments(part)
        for name, part in {**presentation_parts, **network_parts}.items()
    }
    definitions["Network"] = _object(settings, "A network; it overrides any shared setting.")
    properties = {
        "$schema": {"type": "string", "description": "Where this schema lies, for editors."},
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_STUDY,
            "description": "The study's name, and that of the folder with its results.",
        },
        **presentation["properties"],
        **settings,
        "seeds": until_decided_too(settings["seeds"]),
        "networks": {
            "type": "object",
            "description": "Networks by name.",
            "patternProperties": _COMMENTS,
            "additionalProperties": {"$ref": "#/$defs/Network"},
        },
        "grid": {
            "type": "object",
            "description": 'Networks as a product of lists, such as {"hidden": [[64], [128, 128]], '
            '"optimizer.learning_rate": [0.1, 0.001]}; generated names hold the varied values, or '
            'are made by "name", such as "{hidden}-{optimizer.learning_rate}".',
            "properties": {"name": {"type": "string"}},
            "patternProperties": _COMMENTS,
            "additionalProperties": {"type": "array", "minItems": 1},
        },
    }
    return {
        "$schema": DIALECT,
        "title": "mlplab study",
        **_object(properties, "A study of multilayer perceptrons for mlplab."),
        "anyOf": [{"required": ["networks"]}, {"required": ["grid"]}],
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as the text of the file that ships with mlplab."""
    return json.dumps(study_schema(), indent=2, ensure_ascii=False) + "\n"


def _parts(
    model: type[Network | Presentation | UntilDecided],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A declaration's schema and those it refers to, their unions freed of tags."""
    schema = _any_of(model.model_json_schema())
    return schema, schema.pop("$defs", {})


def _any_of(schema: Any) -> Any:
    """Unions as anyOf: where no member's tag is required, more than one may fit."""
    if isinstance(schema, dict):
        renamed = {("anyOf" if key == "oneOf" else key): value for key, value in schema.items()}
        return {key: _any_of(value) for key, value in renamed.items() if key != "discriminator"}
    if isinstance(schema, list):
        return [_any_of(item) for item in schema]
    return schema


def count_or_list(seeds: dict[str, Any]) -> dict[str, Any]:
    """The schema of a list of seeds, with a count as the other way of writing one."""
    count = {"type": "integer", "minimum": 1, "maximum": MOST_SEEDS}
    apart = ("default", "description")
    listed = {key: value for key, value in seeds.items() if key not in apart}
    about = {key: seeds[key] for key in apart if key in seeds}
    return {"anyOf": [count, {**listed, "uniqueItems": True}], **about}


def until_decided_too(seeds: dict[str, Any]) -> dict[str, Any]:
    """The schema of shared seeds, which may also be as many as questions need."""
    return {**seeds, "anyOf": [*seeds["anyOf"], _open_to_comments(_parts(UntilDecided)[0])]}


def _object(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "patternProperties": _COMMENTS,
        "additionalProperties": False,
    }


def _open_to_comments(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") != "object":
        return part
    inner = {name: _open_to_comments(p) for name, p in part.get("properties", {}).items()}
    return {**part, **({"properties": inner} if inner else {}), "patternProperties": _COMMENTS}


if __name__ == "__main__":
    print(schema_text(), end="")
