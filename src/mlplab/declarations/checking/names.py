"""Names of studies and networks, where they are declared and where they are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlplab.declarations.problems import Problem, Where, shown, unknown_name
from mlplab.declarations.reading.names import fault_of_network_name, fault_of_study_name


def declared_names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of all networks of a study file, those in doubt too."""
    declared = values.get("networks")
    return tuple(declared) if isinstance(declared, dict) else ()


def name_problems(study: Any, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the names that a study file gives."""
    if not isinstance(study, str):
        yield Problem(("name",), "a text", shown(study))
    elif fault := fault_of_study_name(study):
        yield Problem(
            ("name",),
            "a plain file name, as the results lie in a folder of that name",
            f"{shown(study)} with {fault}" if study else "an empty one",
        )
    for name in declared_names(values):
        if fault := fault_of_network_name(name):
            expected = "a name that reads on one line and selects one network"
            yield Problem(("networks", name), expected, fault, "rename the network")


MOST_WRONG = 50
"""Wrong names of one list; the rest are counted."""


def list_problems(where: Where, names: Sequence[str], known: Sequence[str]) -> Iterator[Problem]:
    """Names in a list of networks that no network has, or that stand there twice."""
    has, seen, wrong = set(known), set[str](), 0
    for index, name in enumerate(names):
        if name in has and name not in seen:
            seen.add(name)
            continue
        wrong += 1
        if wrong > MOST_WRONG:
            left = sum(name not in has for name in names[index:])
            expected = f"names of networks of this study, as said of the first {MOST_WRONG}"
            yield Problem((*where, index), expected, f"{left:,} more that are none")
            return
        once = Problem((), "every network once", f"{shown(name)} again", "remove it")
        yield (unknown_name(name, known) or once).within(*where, index)
