"""Settings given on the command line: path=value, put into the study as it was read."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mlplab.declarations.paths import at
from mlplab.declarations.problems import BadInput, Problem, Where, closest, refuse, shortened, shown
from mlplab.declarations.reading.json_text import parse_object
from mlplab.declarations.reading.source_map import SourceLocation, SourceMap

_JSON_ONLY = ("[", "{", '"')
"""How lists, objects and quoted text start; what starts so and cannot be read is no plain text."""
_MOST_DIGITS = 9
"""Of an index of a list."""
_GIVES_WAY = {("training", "steps"): "epochs", ("training", "epochs"): "steps"}
"""By the end of a path: the setting beside it that says the same in another way."""


@dataclass(frozen=True)
class Override:
    """One path=value as it was given, with the value read as JSON, or else as text."""

    given: str
    path: str
    value: Any

    @property
    def option(self) -> str:
        """What problems call it."""
        return f"--set {shortened(self.given)}"

    def refusal(self, expected: str, received: str, hint: str) -> BadInput:
        """Why it cannot be put into a study."""
        path = shortened(self.path)
        return BadInput(Problem(path, expected, received, hint, None, self.option))


def parse(given: str) -> Override:
    """The override that a text path=value means; raises BadInput when it is none."""
    path, sign, text = given.partition("=")
    if not sign or not path.strip():
        hint = "such as training.steps=500"
        refuse("", expected="path=value", received=shown(given), hint=hint, file="--set")
    override = Override(given, path.strip(), None)
    return replace(override, value=_value(text.strip(), override.option))


def _value(text: str, option: str) -> Any:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        if not text.startswith(_JSON_ONLY):
            return text
        expected = "a whole JSON value, as it starts like one"
        hint = "put path=value in single quotes, so that the shell hands it on as it is"
        refuse("", expected=expected, received=shown(text), hint=hint, file=option)
    except (ValueError, RecursionError):
        pass  # the parser below refuses numbers and nesting without end
    read = parse_object('{"value": ' + text + "}", option)
    if read.problems:
        raise BadInput(replace(problem, where="", line=None) for problem in read.problems)
    return read.values["value"]


def steps_of(path: str) -> list[str | int]:
    """The steps of a dotted path; hidden[0] and hidden.0 mean the same."""
    return [step for step in re.split(r"\.|\[|\]\.?", path) if step != ""]


def apply(
    values: dict[str, Any], source_map: SourceMap, overrides: Iterable[Override]
) -> tuple[dict[str, Any], SourceMap, list[Problem], list[str]]:
    """A copy of the values with every override in it, where these stand, problems and notes."""
    values = copy.deepcopy(values)
    known = dict(source_map.known)
    problems: list[Problem] = []
    notes: list[str] = []
    for override in overrides:
        try:
            where = _put(values, override)
        except BadInput as error:
            problems.extend(error.problems)
        else:
            known = {path: location for path, location in known.items()
                     if path[: len(where)] != where}  # fmt: skip
            # Objects that this override had to make on its way are its own, too.
            made = next(n for n in range(1, len(where) + 1) if where[:n] not in known)
            location = SourceLocation(override.option)
            known |= {where[:length]: location for length in range(made, len(where) + 1)}
            other = _GIVES_WAY.get(where[-2:])  # type: ignore[arg-type]
            gone = at(values, where[:-1]).pop(other, None) if other else None
            if gone is not None:
                notes.append(f'"{other}": {gone} gives way to {override.option}.')
    return values, SourceMap(source_map.file, known), problems, notes


def _put(values: dict[str, Any], override: Override) -> Where:
    """Put one override into the values, in place; the path to where it now stands."""
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
        return _index(holder, rest, override)
    if not isinstance(holder, dict):
        path = ".".join(map(str, where))
        expected = f"a path through objects and lists, but {path} is {shown(holder)}"
        raise override.refusal(expected, f"{shown(rest)} after it", f"set {path} itself")
    starts = (k for k in holder if rest == k or rest.startswith((f"{k}.", f"{k}[")))
    key = max(starts, key=len, default=None)
    if key is None and where == ("networks",):
        word = rest.split(".")[0]
        meant = closest(word, holder)
        hint = f'did you mean "{meant}"?' if meant else "`mlplab plan` lists the networks"
        raise override.refusal("the name of a network of the study", shown(word), hint)
    if key is None:
        key = re.split(r"[.\[]", rest, maxsplit=1)[0]
    after = rest[len(key) :]
    if not key or after == ".":
        hint = "such as training.steps=500"
        raise override.refusal("keys joined by single dots", shown(override.path), hint)
    return key, after.removeprefix(".")


def _index(holder: list[Any], rest: str, override: Override) -> tuple[int, str]:
    match = re.match(rf"\[?(\d{{1,{_MOST_DIGITS}}})(?!\d)\]?\.?(.*)", rest, re.DOTALL)
    if match is None or int(match[1]) >= len(holder):
        expected = f"an index from 0 to {len(holder) - 1}" if holder else "no index: it is empty"
        raise override.refusal(expected, shown(rest.strip("[]")), f"the list is {shown(holder)}")
    return int(match[1]), match[2]
