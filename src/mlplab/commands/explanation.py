"""Every key of a study in words, taken from the declarations so that it cannot drift from them."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel

from mlplab.declarations.base import LARGEST_COUNT
from mlplab.declarations.data import CsvData, IdxData, KnownData, NpzData
from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.declarations.initial_weights import Glorot, He, Normal, Uniform
from mlplab.declarations.metric import (
    AccuracyTarget,
    AreaMetric,
    AtStepMetric,
    BestMetric,
    DivergedMetric,
    FinalMetric,
    FlopsToMetric,
    GapMetric,
    GradientMetric,
    LossTarget,
    SecondsToMetric,
    StepsToMetric,
)
from mlplab.declarations.network import Network
from mlplab.declarations.objective import BY_NAME, CrossEntropy
from mlplab.declarations.open_set import DetectorSettings, OpenSet, Split
from mlplab.declarations.optimizer import (
    Adagrad,
    Adam,
    AdamW,
    ConstantSchedule,
    CosineSchedule,
    RmsProp,
    Sgd,
    StepSchedule,
)
from mlplab.declarations.question import PairQuestion, RankingQuestion, TrendQuestion
from mlplab.declarations.roles import Roles
from mlplab.declarations.study import Presentation
from mlplab.declarations.training import EarlyStopping, Training

_OPENING = """\
A study is one JSON file: `name`, `networks` (a name for each, and its settings), and what they
share. `data`, `training`, `seeds`, `initial_weights`, `activation` and every other setting of a
network may stand at the top, for all networks, or within a network, for that one. `grid` makes
networks as a product of lists, named after their settings. `mlplab check FILE` says what is wrong
with a study, and `--set path=value` reaches any value from the command line.
"""

_METRICS = (
    FinalMetric,
    BestMetric,
    AtStepMetric,
    AreaMetric,
    GapMetric,
    GradientMetric,
    DivergedMetric,
    StepsToMetric,
    SecondsToMetric,
    FlopsToMetric,
)

_SECTIONS: tuple[tuple[str, str, tuple[type[BaseModel], ...]], ...] = (
    ("A network, and what networks share", "", (Network,)),
    ("Data", "`data`", (KnownData, IdxData, NpzData, CsvData)),
    ("Training", "`training`", (Training, EarlyStopping)),
    ("Optimizers", "`optimizer`", (Sgd, Adagrad, RmsProp, Adam, AdamW)),
    ("Schedules", "`optimizer.schedule`", (ConstantSchedule, StepSchedule, CosineSchedule)),
    ("Initial weights", "`initial_weights`", (Uniform, Normal, Glorot, He)),
    ("Objectives", "`objective`", (CrossEntropy, *BY_NAME.values())),
    ("Roles of classes", "`roles`", (Roles,)),
    ("What the study asks and the report shows", "", (Presentation,)),
    ("Questions", "an entry of `questions`", (PairQuestion, TrendQuestion, RankingQuestion)),
    ("Metrics", "the `metric` of a question", _METRICS),
    ("Targets", "what is to be reached", (AccuracyTarget, LossTarget)),
    ("Open-set recognition", "an entry of `open_set`", (OpenSet, Split, DetectorSettings)),
    ("Figures", "an entry of `figures`", (CurveFigure, RocFigure)),
)
_SECTION_OF = {
    declaration.__name__: heading for heading, _, among in _SECTIONS for declaration in among
}


def explain() -> str:
    """Return a Markdown page with one row for every key that a study may have."""
    lines = ["# The study file, key by key", "", _OPENING]
    for heading, place, declarations in _SECTIONS:
        tables = {declaration: _rows(declaration) for declaration in declarations}
        shared = _shared(list(tables.values()))
        lines += [f"## {heading}", ""]
        for declaration, rows in tables.items():
            own = [row for row in rows if row not in shared]
            lines += [_lead(declaration, place), "", *_table(own)]
        if shared:
            lines += ["Each of these also has:", "", *_table(shared)]
    return "\n".join(lines).rstrip() + "\n"


def _shared(tables: list[list[str]]) -> list[str]:
    """Return the rows that all of several tables have, word for word."""
    if len(tables) < 2:
        return []
    return [row for row in tables[0] if all(row in table for table in tables)]


def _table(rows: list[str]) -> list[str]:
    if not rows:
        return []
    return ["| key | takes | by default | |", "| --- | --- | --- | --- |", *rows, ""]


def _lead(declaration: type[BaseModel], place: str) -> str:
    """Name a declaration as the study does, and say what it is."""
    schema = declaration.model_json_schema()
    words = " ".join(schema.get("description", "").split())
    named = [part["const"] for part in schema["properties"].values() if "const" in part]
    name = f"`{_json(named[0])}`" if named else declaration.__name__
    return f"**{name}** ({place}): {words}" if place else words


def _rows(declaration: type[BaseModel]) -> list[str]:
    schema = declaration.model_json_schema()
    required = schema.get("required", ())
    rows = []
    for key, part in sorted(schema["properties"].items(), key=lambda item: item[0] not in required):
        default = "must be given" if key in required else f"`{_json(part.get('default'))}`"
        words = re.sub(r"\bNone\b", "`null`", " ".join(part.get("description", "").split()))
        rows.append(f"| `{key}` | {_taken(part)} | {default} | {words} |".replace("  ", " "))
    return rows


def _json(value: Any) -> str:
    return json.dumps(value)


def _taken(part: dict[str, Any]) -> str:
    """Say in words which values a JSON schema admits."""
    if "const" in part:
        return f"`{_json(part['const'])}`"
    if "enum" in part:
        return ", ".join(f"`{_json(value)}`" for value in part["enum"])
    for several in ("anyOf", "oneOf"):
        if several in part:
            return " or ".join(dict.fromkeys(_taken(one) for one in part[several]))
    if "$ref" in part:
        return f"an object: see {_SECTION_OF[part['$ref'].rpartition('/')[2]]}"
    form = part.get("type")
    if form == "array":
        return f"a list: {_taken(part.get('items', part.get('prefixItems', [{}])[0]))}"
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
