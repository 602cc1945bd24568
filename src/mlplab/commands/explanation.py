"""Every key of a study in words, taken from the declarations so that it cannot drift from them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from mlplab.declarations.base import LARGEST_COUNT, Declaration
from mlplab.declarations.describing import describe
from mlplab.declarations.network import Network
from mlplab.declarations.schema import count_or_list
from mlplab.declarations.study import Presentation

_OPENING = """\
A study is one JSON file: `name`, `networks` (a name for each, and its settings), and what they
share. `data`, `training`, `seeds`, `initial_weights`, `activation` and every other setting of a
network may stand at the top, for all networks, or within a network, for that one. `grid` makes
networks as a product of lists, named after their settings. `mlplab check FILE` says what is wrong
with a study, and `--set path=value` reaches any value from the command line.
"""


class _Sections:
    """Every declaration that a study can hold, gathered by the key under which it stands."""

    def __init__(self) -> None:
        self.by_place: dict[str, list[type[BaseModel]]] = {}
        self.place_of: dict[str, str] = {}
        for root in (Network, Presentation):
            self._add(root)

    def _add(self, declaration: type[BaseModel], path: str = "") -> None:
        for key, field in declaration.model_fields.items():
            place = f"{path}.{key}" if path else key
            for met in _declarations(field.annotation):
                if met.__name__ not in self.place_of:
                    self.place_of[met.__name__] = place
                    self.by_place.setdefault(place, []).append(met)
                    self._add(met, place)


def _declarations(annotation: Any) -> Iterator[type[BaseModel]]:
    """Find the declarations that a type names, at any depth of unions, lists and annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _declarations(part)


def explain() -> str:
    """Return a Markdown page with one row for every key that a study may have."""
    describe(Declaration)
    sections = _Sections()
    lines = ["# The study file, key by key", "", _OPENING]
    lines += ["## A network, and what networks share", "", *_table(_rows(Network, sections))]
    lines += ["## Beside the networks", "", *_table(_rows(Presentation, sections))]
    for place, declarations in sections.by_place.items():
        lines += [f"## `{place}`", "", *_section(declarations, sections)]
    return "\n".join(lines).rstrip() + "\n"


def _section(declarations: list[type[BaseModel]], sections: _Sections) -> Iterator[str]:
    """Tell each declaration, and what several have in common only once."""
    tables = {declaration: _rows(declaration, sections) for declaration in declarations}
    shared = _shared(list(tables.values()))
    for declaration, rows in tables.items():
        own = [row for row in rows if row not in shared]
        yield from (_lead(declaration), "", *_table(own))
    if shared:
        yield from ("Each of these also has:", "", *_table(shared))


def _shared(tables: list[list[str]]) -> list[str]:
    """Return the rows that all of several tables have, word for word."""
    if len(tables) < 2:
        return []
    return [row for row in tables[0] if all(row in table for table in tables)]


def _table(rows: list[str]) -> list[str]:
    if not rows:
        return []
    return ["| key | takes | by default | |", "| --- | --- | --- | --- |", *rows, ""]


def _lead(declaration: type[BaseModel]) -> str:
    """Name a declaration as the study does, and say what it is."""
    schema = declaration.model_json_schema()
    words = " ".join(schema.get("description", "").split())
    named = [part["const"] for part in schema["properties"].values() if "const" in part]
    return f"**`{_json(named[0])}`**: {words}" if named else words


def _rows(declaration: type[BaseModel], sections: _Sections) -> list[str]:
    schema = declaration.model_json_schema()
    required, properties = schema.get("required", ()), schema["properties"]
    if declaration is Network:
        properties["seeds"] = count_or_list(properties["seeds"])
    rows = []
    for key, part in sorted(properties.items(), key=lambda item: item[0] not in required):
        default = "must be given" if key in required else f"`{_json(part.get('default'))}`"
        words, taken = " ".join(part.get("description", "").split()), _taken(part, sections)
        if "`null`" in taken:  # elsewhere None is a word that cells may hold
            words = re.sub(r"\bNone\b", "`null`", words)
        row = f"| `{key}` | {taken} | {default} | {words} |"
        rows.append(row.replace("  ", " "))
    return rows


def _json(value: Any) -> str:
    return json.dumps(value)


def _taken(part: dict[str, Any], sections: _Sections) -> str:
    """Say in words which values a JSON schema admits."""
    if "const" in part:
        return f"`{_json(part['const'])}`"
    if "enum" in part:
        return ", ".join(f"`{_json(value)}`" for value in part["enum"])
    for several in ("anyOf", "oneOf"):
        if several in part:
            return " or ".join(dict.fromkeys(_taken(one, sections) for one in part[several]))
    if "$ref" in part:
        return f"an object: see `{sections.place_of[part['$ref'].rpartition('/')[2]]}`"
    form = part.get("type")
    if form == "array":
        return f"a list: {_taken(part.get('items', part.get('prefixItems', [{}])[0]), sections)}"
    if isinstance(part.get("additionalProperties"), dict):
        return f"an object: for each key {_taken(part['additionalProperties'], sections)}"
    return {
        "integer": "a whole number" + _range(part),
        "number": "a number" + _range(part),
        "boolean": "`true`, `false`",
        "string": "text",
        "null": "`null`",
    }.get(str(form), "anything")


def _range(part: dict[str, Any]) -> str:
    bounds = [
        f"{words} {part[key]:g}"
        for key, words in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
            ("exclusiveMaximum", "below"),
        )
        if key in part and abs(part[key]) < LARGEST_COUNT
    ]
    return " " + ", ".join(bounds) if bounds else ""
