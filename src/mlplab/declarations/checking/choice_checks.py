"""What is wrong with the rule of choice though every part of it is right by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlplab.declarations.problems import Problem, did_you_mean, listed, shown
from mlplab.declarations.reading.source_map import SourceMap
from mlplab.declarations.study import Study


def choice_problems(
    study: Study, values: Mapping[str, Any], source_map: SourceMap
) -> Iterator[Problem]:
    """Networks that a study's rule names and that it does not have, or has named already."""
    declared = values.get("networks")
    known = list(declared) if isinstance(declared, dict) else []
    names = study.choice.networks or ()
    for place, name in enumerate(names):
        where = ("choice", "networks", place)
        if name not in known:
            yield source_map.problem(
                where,
                expected="the name of a network of this study",
                received=shown(name),
                hint=did_you_mean(name, known) or f"it has {listed(known)}",
            )
        elif name in names[:place]:
            yield source_map.problem(
                where,
                expected="every network once",
                received=f"{shown(name)} again",
                hint="remove it",
            )
