"""Plain values to declarations, and pydantic's errors to faults that people understand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mlplab.declarations.base import BROKEN_RULES, LARGEST_COUNT, WITHOUT_RULES
from mlplab.declarations.paths import at
from mlplab.declarations.problems import (
    Problem,
    Where,
    closest,
    did_you_mean,
    quoted,
    shortened,
    shown,
)
from mlplab.declarations.reading.wording import (
    TypeSpec,
    field_type_spec,
    follow,
    not_none,
    type_spec,
    words,
)

Declared = TypeVar("Declared", bound=BaseModel)


MOST_ERRORS = 500
"""Errors of one object that are looked at; each is held against the others."""


@dataclass(frozen=True)
class Validated(Generic[Declared]):
    """A declaration, or the reasons why there is none.

    Where only rules between fields are broken there are both, so that more can be checked.
    """

    declaration: Declared | None
    faults: tuple[Problem, ...] = ()


def validate(model: type[Declared], values: Mapping[str, Any]) -> Validated[Declared]:
    """The declaration that plain values make, or every fault in them."""
    # Strict tuples take lists only from JSON; Python values would need tuples.
    text = json.dumps(values)
    try:
        return Validated(model.model_validate_json(text))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[:MOST_ERRORS]
    kept = [d for d in details if not _echo(d, details) and not _other_member(d, details)]
    found: dict[tuple[Where | str, str], Problem] = {}
    for detail in kept:
        for problem in _problems(model, values, detail):
            # A union without tags errs once a member; its words already name them all.
            found.setdefault((problem.where, problem.expected), problem)
    only_rules = all(detail["type"] == BROKEN_RULES for detail in kept)
    declaration = model.model_validate_json(text, context=WITHOUT_RULES) if only_rules else None
    return Validated(declaration, _without_misspelt(tuple(found.values())))


def _echo(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a list is said to be too short only because its items are wrong."""
    loc = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(loc)] == loc and len(other["loc"]) > len(loc) for other in details
    )


def _other_member(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether an object is said to be no plain value or list, though it errs as an object."""
    *outer, kind = detail["loc"] or ("",)
    return str(kind).startswith(("literal[", "tuple[")) and any(
        other["loc"][: len(outer)] == tuple(outer)
        and (len(other["loc"]) > len(outer) + 1 or other["type"] == BROKEN_RULES)
        for other in details
    )


def _without_misspelt(faults: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """The faults without missing keys that stand there misspelt, which is reported once."""
    meant = {(fault.where[:-1], fault.hint) for fault in faults}
    return tuple(
        fault
        for fault in faults
        if fault.missing is None or (fault.where, f'did you mean "{fault.missing}"?') not in meant
    )


def _problems(model: type[BaseModel], values: Any, detail: ErrorDetails) -> Iterator[Problem]:
    """What one error of pydantic means."""
    if detail["type"] == BROKEN_RULES:
        where, _ = follow(type_spec(model), detail["loc"])
        yield from (problem.within(*where) for problem in detail["ctx"]["problems"])
    else:
        yield _problem(model, values, detail)
        yield from _in_any_case(model, values, detail)


def _problem(model: type[BaseModel], values: Any, detail: ErrorDetails) -> Problem:
    kind, loc = detail["type"], detail["loc"]
    if kind == "missing" and not isinstance(loc[-1], str):
        loc = loc[:-1]  # a list is too short
    where, here = follow(type_spec(model), loc)
    if kind == "model_type":
        # The loc ends with the tag that was guessed for a value that has none.
        outer, union = follow(type_spec(model), loc[:-1])
        where, here = (outer, union) if union.members else (where, here)
    if kind.startswith("union_tag"):
        here = not_none(here)
    value = at(values, where)
    match kind:
        case "missing" if isinstance(loc[-1], str):
            # The loc may pass a union's tag, so the holder's path ends one key short.
            return _missing_key(at(values, where[:-1]), where[:-1], loc[-1], words(here))
        case "extra_forbidden":
            return unknown_key(where, here.type, here.type.model_fields)
        case "union_tag_not_found":
            return (
                _no_known_key(value, where, here) if here.keyed() else _no_tag(value, where, here)
            )
        case "union_tag_invalid":
            # Where several keys could decide, the last is the one that was wrong.
            key, options = list(here.tag_choices().items())[-1]
            received, expected = at(value, (key,)), f"one of {quoted(options)}"
            hint = did_you_mean(received, options)
            return Problem((*where, key), expected, shown(received), hint)
        case "less_than_equal" if (detail.get("ctx") or {}).get("le") == LARGEST_COUNT:
            return Problem(where, f"a whole number of at most {LARGEST_COUNT}", shown(value))
        case "string_type" if where[-2:-1] == ("compare",) and isinstance(value, int | float):
            other = at(values, (*where[:-1], 1 - int(where[-1])))
            hint = (
                f'a network is held against a number by "level_of": {shown(other)}, "than": {value}'
            )
            return Problem(where, "the name of a network", shown(value), hint)
    return Problem(where, words(here), shown(value), _hint(here, value))


def _in_any_case(model: type[BaseModel], values: Any, detail: ErrorDetails) -> Iterator[Problem]:
    """What is wrong beside a wrong name, say of an optimizer, whichever of them was meant."""
    if not detail["type"].startswith("union_tag"):
        return
    where, union = follow(type_spec(model), detail["loc"])
    union = not_none(union)
    value = at(values, where)
    if union.keyed() or not isinstance(value, dict):
        return
    choices = union.tag_choices()
    first, *others = (validate(m.type, value).faults for m in union.tagged().values())
    for fault in first:
        if not _of_tag(fault, choices) and all(fault in faults for faults in others):
            yield fault.within(*where)


def _of_tag(fault: Problem, choices: Mapping[str, object]) -> bool:
    """Whether a fault of an object is about the key that tells which kind of object it is."""
    return fault.missing in choices or (bool(fault.where) and fault.where[0] in choices)


def _missing_key(holder: Any, where: Where, key: str, expected: str) -> Problem:
    keys = list(holder) if isinstance(holder, dict) else []
    received = f"only {quoted(keys)}" if keys else "an empty object"
    return Problem(where, f'the key "{key}" ({expected})', received, f'add "{key}"', missing=key)


def _no_tag(value: Any, where: Where, here: TypeSpec) -> Problem:
    """An object that does not say of which kind it is, which one key or another would tell."""
    choices = {key: f"one of {quoted(options)}" for key, options in here.tag_choices().items()}
    (key, expected), *others = choices.items()
    expected += "".join(f') or "{other}" ({options}' for other, options in others)
    meant = [did_you_mean(key, choices) for key in value] if isinstance(value, dict) else []
    hint = next(filter(None, meant), " or ".join(f'add "{key}"' for key in choices))
    return replace(_missing_key(value, where, key, expected), hint=hint)


def _no_known_key(value: Any, where: Where, here: TypeSpec) -> Problem:
    """A union whose member shows by its key, and none of the keys there."""
    known = here.keyed()
    if not isinstance(value, dict):
        homes = [key for key in known if value in _options(field_type_spec(known[key].type, key))]
        hint = f'write {{"{homes[0]}": "{value}"}}' if homes else None
        if "accuracy" in known and isinstance(value, int | float) and 0 < value <= 100:
            hint = f'write {{"accuracy": {value / 100 if value > 1 else value:g}}}'
        return Problem(where, words(here), shown(value), hint)
    hint = next((meant for key in value if (meant := did_you_mean(key, known))), None)
    received = f"only {quoted(value)}" if value else "an empty object"
    return Problem(where, f"one of the keys {quoted(known)}", received, hint)


def unknown_key(where: Where, model: type[BaseModel], known: Iterable[str]) -> Problem:
    """A key that a declaration has not; known: those that may stand in its place."""
    known, key = list(known), str(where[-1])
    home = _home_of(model, key)
    hint = f'it belongs in "{home}"' if home else did_you_mean(key, known) or "remove it"
    expected = f"one of the keys {quoted(known, limit=20)}"
    return Problem(where, expected, f"the unknown key {shown(key)}", hint)


def _home_of(model: type[BaseModel], key: str) -> str | None:
    """The field of a declaration whose own declaration knows the key."""
    for name in model.model_fields:
        inner = field_type_spec(model, name)
        for candidate in (inner, *inner.members):
            if candidate.is_model and key in candidate.type.model_fields:
                return name
    return None


def _hint(here: TypeSpec, value: Any) -> str | None:
    options = _options(here)
    share = _share_of(here, value)
    if share is not None:
        return f"write {share:g}, which is {100 * share:g}%"
    if isinstance(value, str) and (classes := _RANGE.fullmatch(value)):
        first, last = map(int, classes.groups())
        kinds = (here, *not_none(here).members)
        if first < last < 100 and any(get_origin(kind.type) is tuple for kind in kinds):
            return f"write {list(range(first, last + 1))}"
    if isinstance(value, str) and options:
        return did_you_mean(value, options)
    if isinstance(value, str) and here.type in (int, float) and _is_number(value):
        return f"write {shortened(value)} without quotes"
    if isinstance(value, float) and here.type is int and value.is_integer() and value:
        return f"write {int(value)}" if abs(value) < _LONGEST_ADVICE else None
    if isinstance(value, int | str) and _ONE_FITS.match(words(here)):
        parts = value.strip("[]() ").split(",") if isinstance(value, str) else ()
        is_numbers = parts and all(part.strip().isdigit() for part in parts)
        return f"write {shown([*map(int, parts)] if is_numbers else [value])}"
    if isinstance(value, str) and here.is_tagged and not here.keyed():
        for key, options in here.tag_choices().items():
            meant = value if value in options else closest(value, options)
            if meant:
                return f'write {{"{key}": "{meant}"}} with its other keys'
    return None


_RANGE = re.compile(r"(\d{1,2})\s*(?:-|\.\.|to)\s*(\d{1,2})")
"""Classes as people write them: 0-4."""


def _share_of(here: TypeSpec, value: Any) -> float | None:
    """The share that a percentage means, where a number of at most 1 is expected."""
    if isinstance(value, str) and value.strip().endswith("%") and _is_number(value.strip()[:-1]):
        value = float(value.strip()[:-1])
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 < value <= 100:
        return None
    parts = (here, *not_none(here).members)
    bounds = {getattr(i, "le", getattr(i, "lt", None)) for p in parts if p.type is float
              for i in p.metadata}  # fmt: skip
    return value / 100 if 1 in bounds else None


_LONGEST_ADVICE = 1e16
"""A larger number is a slip, and written out it helps nobody."""
_ONE_FITS = re.compile(r"a (?:non-empty )?list(?! of (?:at least )?\d)")
"""Lists that are right with one entry, which is no list of 2 texts."""


def _options(here: TypeSpec) -> list[str]:
    """The words that may stand where literals are expected."""
    return [
        option
        for part in (here, *here.members)
        for option in getattr(part.type, "__args__", ())
        if isinstance(option, str)
    ]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
