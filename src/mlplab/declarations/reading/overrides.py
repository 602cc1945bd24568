"""Settings given on the command line: path=value, put into the study as it was read."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mlplab.declarations.problems import BadInput, Problem, Where, closest, shortened, shown
from mlplab.declarations.reading.json_text import parse_object
from mlplab.declarations.reading.source_map import SourceLocation, SourceMap

_JSON_ONLY = ("[", "{", '"')
"""How lists, objects and quoted text start; what starts so and cannot be read is no plain text."""
_MOST_DIGITS = 9
"""Of a position in a list."""


@dataclass(frozen=True)
class Override:
    """One path=value as it was given, with the value read as JSON, or else as text."""

    given: str
    path: str
    value: Any

    @property
    def place(self) -> SourceLocation:
        return SourceLocation(f"--set {shortened(self.given)}")


def parse(given: str) -> Override:
    """The override that a text path=value means; raises BadInput when it is none."""
    path, sign, text = given.partition("=")
    path = path.strip()
    if not sign or not path:
        raise BadInput(
            Problem("", "path=value", shown(given), "such as training.steps=500", None, "--set")
        )
    return Override(given, path, _value(text.strip(), f"--set {shortened(given)}"))


def _value(text: str, name: str) -> Any:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if not text.startswith(_JSON_ONLY):
            return text
        raise BadInput(
            Problem(
                "",
                "a whole JSON value, as it starts like one",
                shown(text),
                "put path=value in single quotes, so that the shell hands it on as it is",
                None,
                name,
            )
        ) from error
    except (ValueError, RecursionError):
        pass  # numbers and nesting without end are told of below
    read = parse_object('{"value": ' + text + "}", name)
    if read.problems:
        raise BadInput(replace(problem, where="", line=None) for problem in read.problems)
    return read.values["value"]


def steps_of(path: str) -> list[str | int]:
    """The steps of a dotted path; hidden[0] and hidden.0 mean the same."""
    return [step for step in re.split(r"\.|\[|\]\.?", path) if step != ""]


def apply(
    values: dict[str, Any], source_map: SourceMap, overrides: Iterable[Override]
) -> tuple[dict[str, Any], SourceMap, list[Problem]]:
    """A copy of the values with every override in it, and the places of what they put there."""
    values = copy.deepcopy(values)
    known = dict(source_map.known)
    problems: list[Problem] = []
    for override in overrides:
        try:
            where = put(values, override)
        except BadInput as error:
            problems.extend(error.problems)
        else:
            known = {way: place for way, place in known.items() if way[: len(where)] != where}
            # Objects that this override had to make on its way are its own, too.
            made = next(n for n in range(1, len(where) + 1) if where[:n] not in known)
            known |= {where[:length]: override.place for length in range(made, len(where) + 1)}
    return values, SourceMap(source_map.file, known), problems


def put(values: dict[str, Any], override: Override) -> Where:
    """Put one override into the values, in place; the way to where it now stands."""
    holder: Any = values
    where: Where = ()
    rest = override.path
    while True:
        step, rest = _next_step(holder, rest, where, override)
        where = (*where, step)
        if not rest:
            holder[step] = override.value
            return where
        holder = holder.setdefault(step, {}) if isinstance(holder, dict) else holder[step]


def _next_step(holder: Any, rest: str, where: Where, override: Override) -> tuple[str | int, str]:
    """The first step of a path within a holder, and the path after it.

    Keys may hold dots themselves, so the longest known key that starts the path is taken.
    """
    if isinstance(holder, list):
        return _position(holder, rest, where, override)
    if not isinstance(holder, dict):
        raise _stuck(where, holder, rest, override)
    for key in sorted(holder, key=len, reverse=True):
        if rest == key:
            return key, ""
        if rest.startswith((key + ".", key + "[")):
            after = rest[len(key) :].removeprefix(".")
            if not after:
                raise _malformed(override)
            return key, after
    if where == ("networks",):
        raise _unknown_network(holder, rest, override)
    step, after = re.match(r"([^.\[]*)\.?(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    if not step:
        raise _malformed(override)
    return step, after


def _position(holder: list[Any], rest: str, where: Where, override: Override) -> tuple[int, str]:
    match = re.match(rf"\[?(\d{{1,{_MOST_DIGITS}}})(?!\d)\]?\.?(.*)", rest, re.DOTALL)
    if match is None or int(match[1]) >= len(holder):
        raise BadInput(
            Problem(
                shortened(override.path),
                f"a position from 0 to {len(holder) - 1}" if holder else "no position: it is empty",
                shown(rest.strip("[]")),
                f"the list is {shown(holder)}",
                None,
                override.place.file,
            )
        )
    return int(match[1]), match[2]


def _stuck(where: Where, holder: Any, rest: str, override: Override) -> BadInput:
    way = ".".join(map(str, where))
    return BadInput(
        Problem(
            shortened(override.path),
            f"a way through objects and lists, but {way} is {shown(holder)}",
            f"{shown(rest)} after it",
            f"set {way} itself",
            None,
            override.place.file,
        )
    )


def _malformed(override: Override) -> BadInput:
    return BadInput(
        Problem(
            shortened(override.path),
            "keys joined by single dots",
            shown(override.path),
            "such as training.steps=500",
            None,
            override.place.file,
        )
    )


def _unknown_network(holder: dict[str, Any], rest: str, override: Override) -> BadInput:
    word = rest.split(".")[0]
    meant = closest(word, holder)
    hint = f'did you mean "{meant}"?' if meant else "`mlplab plan` lists the networks"
    return BadInput(
        Problem(
            shortened(override.path),
            "the name of a network of the study",
            shown(word),
            hint,
            None,
            override.place.file,
        )
    )
