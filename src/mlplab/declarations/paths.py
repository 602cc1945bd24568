"""Nested values by their paths: keys and list indices, from the outside in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlplab.declarations.problems import Where

MISSING: Any = object()
"""A default for `at` that no file holds."""
KINDS = ("name", "format", "distribution")
"""Keys that say what kind of thing an object is."""


def at(values: Any, path: Sequence[str | int], default: Any = None) -> Any:
    """The value at the end of a path; the default where there is none."""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return default
    return values


def put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Put a value at a path, in place; what stands in its way becomes an object."""
    *outer, last = path
    for step in outer:
        if not isinstance(values.get(step), dict):
            values[step] = {}
        values = values[step]
    values[last] = value


def entries(values: Mapping[str, Any], path: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Every value with its path, objects before what is in them."""
    for key, value in values.items():
        yield (*path, key), value
        if isinstance(value, dict):
            yield from entries(value, (*path, key))


def merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Own settings over shared ones, objects of the same kind key by key."""
    result = dict(shared)
    for key, value in own.items():
        base = shared.get(key)
        if isinstance(value, dict) and isinstance(base, dict) and not other_kind(base, value):
            result[key] = merged(base, value)
        else:
            result[key] = value
    return result


def other_kind(shared: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Whether two objects say that they are of different kinds."""
    kinds = [{key: tree[key] for key in KINDS if key in tree} for tree in (shared, own)]
    return all(kinds) and kinds[0] != kinds[1]
