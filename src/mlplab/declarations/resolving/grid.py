"""A grid of settings, spread into named networks."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlplab.declarations.network import Network
from mlplab.declarations.problems import Problem, Where, did_you_mean, listed, shown
from mlplab.declarations.reading.source_map import SourceMap

LARGEST_GRID = 100_000


@dataclass(frozen=True)
class GridNetwork:
    """One combination: its generated name, its settings and the grid's entries they came from."""

    name: str
    settings: dict[str, Any]
    chosen: Mapping[Where, Where]
    """The way to each setting in the network -> the way to its value in the file."""


def spread(grid: Any, source_map: SourceMap) -> tuple[list[GridNetwork], list[Problem]]:
    """Every combination of a grid {"dotted.path": [values]}, the last path varying fastest.

    Names hold the varied values only, such as "128-128 sgd 0.001".
    """
    problems = list(_problems(grid, source_map))
    if problems:
        return [], problems
    axes = {tuple(key.split(".")): values for key, values in grid.items()}
    varied = [len(values) > 1 for values in axes.values()]
    networks = []
    for positions in itertools.product(*(range(len(values)) for values in axes.values())):
        chosen = list(zip(axes, grid, positions, strict=True))
        words = [
            readable(way, grid[key][position])
            for (way, key, position), varies in zip(chosen, varied, strict=True)
            if varies or not any(varied)
        ]
        settings: dict[str, Any] = {}
        for way, key, position in chosen:
            _put(settings, way, grid[key][position])
        origins = {way: ("grid", key, position) for way, key, position in chosen}
        networks.append(GridNetwork(" ".join(words), settings, origins))
    return networks, list(_same_names(networks, source_map))


def _put(settings: dict[str, Any], way: Where, value: Any) -> None:
    for step in way[:-1]:
        settings = settings.setdefault(str(step), {})
    settings[str(way[-1])] = value


def readable(way: Where, value: Any) -> str:
    """A value as part of a network's name: [128, 64] is 128-64, true needs its key."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return f"{way[-1]}={json.dumps(value)}"
    if isinstance(value, list):
        return "-".join(readable(way, item) for item in value)
    if isinstance(value, dict):
        return " ".join(readable((*way, key), item) for key, item in value.items())
    if isinstance(value, int):
        return str(value)
    return f"{value:g}" if float(f"{value:g}") == value else str(value)


def _problems(grid: Any, source_map: SourceMap) -> Iterator[Problem]:
    if not isinstance(grid, dict) or not grid:
        yield source_map.problem(
            ("grid",),
            expected='an object such as {"optimizer.learning_rate": [0.1, 0.01]}',
            received=shown(grid),
        )
        return
    for key, values in grid.items():
        yield from _axis_problems(key, values, grid, source_map)
    size = 1
    for values in grid.values():
        size *= len(values) if isinstance(values, list) else 1
    if size > LARGEST_GRID:
        yield source_map.problem(
            ("grid",),
            expected=f"at most {LARGEST_GRID} combinations",
            received=str(size),
            hint="vary fewer settings, or fewer values of each",
        )


def _axis_problems(
    key: str, values: Any, grid: Mapping[str, Any], source_map: SourceMap
) -> Iterator[Problem]:
    where = ("grid", key)
    way = key.split(".")
    if way[0] not in Network.model_fields:
        yield source_map.problem(
            where,
            expected=f"a way to a network's setting, starting with {listed(Network.model_fields)}",
            received=shown(key),
            hint=did_you_mean(way[0], Network.model_fields),
        )
    elif not all(way):
        yield source_map.problem(
            where, expected="keys joined by single dots", received=shown(key), hint="check the dots"
        )
    inside = [other for other in grid if key.startswith(other + ".")]
    if inside:
        yield source_map.problem(
            where,
            expected=f'a setting that lies outside "{inside[0]}", which the grid varies as a whole',
            received=shown(key),
            hint="vary one of the two",
        )
    if not isinstance(values, list) or not values:
        hint = None if isinstance(values, list | dict) else f"write {shown([values])}"
        yield source_map.problem(
            where, expected="a non-empty list of values", received=shown(values), hint=hint
        )
        return
    seen: dict[str, int] = {}
    for position, value in enumerate(values):
        first = seen.setdefault(json.dumps(value, sort_keys=True), position)
        if first != position:
            yield source_map.problem(
                (*where, position),
                expected="different values",
                received=f"{shown(value)} again",
                hint="remove one of the two",
            )


def _same_names(networks: list[GridNetwork], source_map: SourceMap) -> Iterator[Problem]:
    seen: set[str] = set()
    told: set[str] = set()
    for network in networks:
        if network.name in seen and network.name not in told:
            told.add(network.name)
            yield source_map.problem(
                ("grid",),
                expected="values that give every network a name of its own",
                received=f'two networks named "{network.name}"',
                hint="declare these networks by name instead",
            )
        seen.add(network.name)
