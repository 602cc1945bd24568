"""A grid of settings, spread into named networks."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mlplab.declarations.network import Network
from mlplab.declarations.paths import MISSING, at, put
from mlplab.declarations.problems import (
    MOST_COMPARED,
    Problem,
    Where,
    did_you_mean,
    quoted,
    shown,
)
from mlplab.declarations.reading.dialect_words import SETTINGS, folded
from mlplab.declarations.tuning import repeated

LARGEST_GRID = 100_000


@dataclass(frozen=True)
class GridNetwork:
    """One combination: its generated name, its settings and the grid's entries they came from."""

    name: str
    settings: dict[str, Any]
    chosen: Mapping[Where, Where]
    """The path to each setting in the network -> the path to its value in the file."""


def spread(grid: Any) -> tuple[list[GridNetwork], list[Problem]]:
    """Every combination of a grid {"dotted.path": [values]}, the last path varying fastest.

    A "name" such as "{hidden}-{optimizer.name}" names the networks; by default they are named by
    the values that vary, such as "128-128 sgd 0.001".
    """
    template = grid.get("name") if isinstance(grid, dict) else None
    if template is not None:
        grid = {key: values for key, values in grid.items() if key != "name"}
    problems = [*_problems(grid)]
    if template is not None and not problems:
        problems += _template_problems(template, grid)
    if problems:
        return [], problems
    paths = {key: tuple(key.split(".")) for key in grid}
    varied = [key for key, values in grid.items() if len(values) > 1] or list(grid)
    networks = []
    for indices in itertools.product(*(range(len(values)) for values in grid.values())):
        chosen = dict(zip(grid, indices, strict=True))
        settings: dict[str, Any] = {}
        for key, index in chosen.items():
            put(settings, paths[key], grid[key][index])
        words = (readable(paths[key], grid[key][chosen[key]]) for key in varied)
        name = " ".join(words) if template is None else _named(template, settings)
        origins = {paths[key]: ("grid", key, index) for key, index in chosen.items()}
        networks.append(GridNetwork(name, settings, origins))
    same = _same_names(networks, varied if template is not None else None)
    return networks, list(same)


_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def _named(template: str, settings: Mapping[str, Any]) -> str:
    """The template with settings in its braces; nothing where a combination has no such setting."""

    def word(found: re.Match[str]) -> str:
        path = tuple(found[1].split("."))
        value = at(settings, path, MISSING)
        return "" if value is MISSING else readable(path, value)

    return _PLACEHOLDER.sub(word, template)


def _template_problems(template: Any, grid: Mapping[str, Any]) -> Iterator[Problem]:
    where = ("grid", "name")
    example = "".join(f"{{{key}}}-" for key in islice(grid, 2)).rstrip("-")
    if not isinstance(template, str):
        yield Problem(where, "a text with settings of the grid in braces", shown(template),
                      f'write "name": "{example}"')  # fmt: skip
        return
    inside = {
        f"{key}.{inner}" for key, values in grid.items() for value in values
        if isinstance(value, dict) for inner in value
    }  # fmt: skip
    for path in _PLACEHOLDER.findall(template):
        if path not in grid and path not in inside:
            hint = did_you_mean(path, grid) or f'such as "name": "{example}"'
            yield Problem(
                where, f"settings of the grid in braces: {quoted(grid)}", shown(path), hint
            )


def readable(path: Where, value: Any) -> str:
    """A value as part of a network's name: [128, 64] is 128-64, true needs its key."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return f"{path[-1]}={json.dumps(value)}"
    if isinstance(value, list):
        return "-".join(readable(path, item) for item in value)
    if isinstance(value, dict):
        return " ".join(readable((*path, key), item) for key, item in value.items())
    if isinstance(value, int):
        return str(value)
    return f"{value:g}" if float(f"{value:g}") == value else str(value)


def _problems(grid: Any) -> Iterator[Problem]:
    if not isinstance(grid, dict) or not grid:
        expected = 'an object such as {"optimizer.learning_rate": [0.1, 0.01]}'
        yield Problem(("grid",), expected, shown(grid))
        return
    for key, values in grid.items():
        yield from _axis_problems(key, values, grid)
    size = math.prod(len(values) for values in grid.values() if isinstance(values, list))
    if size > LARGEST_GRID:
        expected = f"at most {LARGEST_GRID} combinations"
        yield Problem(
            ("grid",), expected, str(size), "vary fewer settings, or fewer values of each"
        )


def _axis_problems(key: str, values: Any, grid: Mapping[str, Any]) -> Iterator[Problem]:
    where = ("grid", key)
    first, *_ = path = key.split(".")
    if first not in Network.model_fields:
        expected = f"a path to a network's setting, starting with {quoted(Network.model_fields)}"
        known = SETTINGS.get(folded(path[-1]))
        hint = f'write "{known}"' if known else did_you_mean(first, Network.model_fields)
        yield Problem(where, expected, shown(key), hint)
    elif not all(path):
        yield Problem(where, "keys joined by single dots", shown(key), "check the dots")
    inside = next(
        (other for other in islice(grid, MOST_COMPARED) if key.startswith(other + ".")), None
    )
    if inside:
        expected = f'a setting that lies outside "{inside}", which the grid varies as a whole'
        yield Problem(where, expected, shown(key), "vary one of the two")
    if not isinstance(values, list) or not values:
        hint = None if isinstance(values, list | dict) else f"write {shown([values])}"
        yield Problem(where, "a non-empty list of values", shown(values), hint)
        return
    yield from repeated(values, where)


def _same_names(networks: list[GridNetwork], varied: list[str] | None) -> Iterator[Problem]:
    """varied: the settings that vary, where the grid has a name of its own."""
    hint = "declare these networks by name instead"
    if varied is not None:
        hint = f'write every varied setting in it: "{"-".join(f"{{{key}}}" for key in varied)}"'
    for name, count in Counter(network.name for network in networks).items():
        if count > 1:
            yield Problem(
                ("grid",) if varied is None else ("grid", "name"),
                "values that give every network a name of its own",
                f"{count:,} networks named {shown(name)}",
                hint,
            )
            return
