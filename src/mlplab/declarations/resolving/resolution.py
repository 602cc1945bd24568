"""Shared settings, a network's own and the grid's, merged into networks that have all of theirs.

Every setting remembers where in the file it comes from, so that what is wrong is reported once, where the
wrong value stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlplab.declarations.network import Network
from mlplab.declarations.paths import MISSING, at, entries, merged, other_kind
from mlplab.declarations.problems import Problem, Where, shown
from mlplab.declarations.reading.validation import validate
from mlplab.declarations.resampling import Resampling
from mlplab.declarations.resolving.grid import spread

MOST_SEEDS = 100_000
_ANY = {
    "hidden": [1],
    "optimizer": {"name": "sgd", "learning_rate": 1},
    "data": {"name": "digits"},
}
"""Stand-ins for the settings that every network needs."""


@dataclass(frozen=True)
class Origins:
    """Where the settings of networks stand in the file."""

    shared: Mapping[str, Any]
    own: Mapping[str, Mapping[str, Any]]
    grid: Mapping[Where, Where] = field(default_factory=dict)
    """The path to a generated network's setting -> the path to its value in the grid."""

    def of(self, network: str, where: Where) -> Where:
        """The path in the file to a setting of a network; a default's is the shared setting's."""
        full = ("networks", network, *where)
        if at(self.own[network], where, MISSING) is not MISSING:
            return self._in_grid(full)
        return where

    def found(self, network: str, problem: Problem) -> Problem:
        """A problem of a network, with the path in the file."""
        assert isinstance(problem.where, tuple)
        return replace(problem, where=self.of(network, problem.where))

    def _in_grid(self, full: Where) -> Where:
        for length in range(len(full), 2, -1):
            if full[:length] in self.grid:
                return (*self.grid[full[:length]], *full[length:])
        return full


@dataclass(frozen=True)
class Resolved:
    """A network, with stand-ins for wrong settings, so that the rest can be checked."""

    network: Network
    doubted: frozenset[str] = frozenset()
    """The settings that were wrong; what stands there now means nothing."""


@dataclass(frozen=True)
class Resolution:
    """What could be resolved of every network, and the problems of what could not."""

    resolved: Mapping[str, Resolved]
    origins: Origins
    problems: tuple[Problem, ...]

    @property
    def networks(self) -> dict[str, Network]:
        """The networks that are right."""
        return {name: r.network for name, r in self.resolved.items() if not r.doubted}


def expand_grid(
    values: dict[str, Any],
) -> tuple[dict[str, Any], dict[Where, Where], list[Problem]]:
    """The values with the grid's networks beside the declared ones, and where they come from."""
    if "grid" not in values:
        return values, {}, []
    generated, problems = spread(values["grid"])
    rest = {key: value for key, value in values.items() if key != "grid"}
    declared = rest.get("networks", {})
    if not isinstance(declared, dict):
        return values, {}, problems
    networks = dict(declared)
    origins: dict[Where, Where] = {}
    for network in generated:
        full = ("networks", network.name)
        if network.name in declared:
            expected = "a name that the grid does not generate too"
            problems.append(Problem(full, expected, shown(network.name), "rename this network"))
            continue
        networks[network.name] = network.settings
        origins[full] = ("grid",)
        origins.update({(*full, *path): source for path, source in network.chosen.items()})
    return rest | {"networks": networks}, origins, problems


def resolve(values: Mapping[str, Any], grid: Mapping[Where, Where]) -> Resolution:
    """Every network of a study with all of its settings.

    A network's setting goes before the shared one. Objects merge key by key, unless their kind
    (name, format or distribution) differs: then the network's own stands alone.
    """
    shared = {key: value for key, value in values.items() if key in Network.model_fields}
    declared = values.get("networks")
    if not isinstance(declared, dict) or not declared:
        return Resolution({}, Origins(shared, {}), (_no_networks(values),))
    expected, hint = "an object with the network's settings", 'write {"hidden": [128, 256]}'
    problems = [
        Problem(("networks", name), expected, shown(own), hint)
        for name, own in declared.items()
        if not isinstance(own, dict)
    ]
    own = {name: tree for name, tree in declared.items() if isinstance(tree, dict)}
    origins = Origins(shared, own, grid)
    resolved: dict[str, Resolved] = {}
    faults: dict[str, tuple[Problem, ...]] = {}
    for name, tree in own.items():
        its = merged(shared, tree)
        network, faults[name] = _network(its)
        found = _mended(its, faults[name]) if network is None else Resolved(network)
        if found is not None:
            resolved[name] = found
    problems += _each_once(faults, origins)
    problems += _unused(shared, own)
    return Resolution(resolved, origins, tuple(problems))


def _no_networks(values: Mapping[str, Any]) -> Problem:
    expected = 'an object with at least one network, such as {"small": {"hidden": [64]}}'
    if "networks" in values:
        return Problem(("networks",), expected, shown(values["networks"]))
    hint = 'add "networks": {"mlp": {}}' if "hidden" in values else f"add {expected}"
    return Problem((), 'the key "networks" or "grid"', "neither", hint)


def _network(values: dict[str, Any]) -> tuple[Network | None, tuple[Problem, ...]]:
    seeds, seed_faults = _seeds(values)
    if seeds is not None:
        values["seeds"] = seeds
    validated = validate(Network, values)
    faults = (*validated.faults, *seed_faults)
    return (None if faults else validated.declaration), faults


def _mended(values: Mapping[str, Any], faults: tuple[Problem, ...]) -> Resolved | None:
    """The network with stand-ins where faults lie."""
    doubted = frozenset(str(f.where[0]) if f.where else str(f.missing) for f in faults)
    rest = {key: value for key, value in values.items() if key not in doubted}
    stand_ins = {key: value for key, value in _ANY.items() if key in doubted}
    network, more = _network(rest | stand_ins)
    return None if network is None or more else Resolved(network, doubted)


def _seeds(values: Mapping[str, Any]) -> tuple[list[Any] | None, list[Problem]]:
    """A count N as the seeds 0 to N-1; a list as it is."""
    resampling = values.get("resampling")
    if "seeds" not in values and isinstance(resampling, dict):
        declared = validate(Resampling, resampling).declaration
        return (None if declared is None else list(range(declared.repetitions))), []
    if "seeds" not in values:
        return None, []
    seeds = values["seeds"]
    if isinstance(seeds, int) and not isinstance(seeds, bool) and 1 <= seeds <= MOST_SEEDS:
        return list(range(seeds)), []
    if isinstance(seeds, list):
        # By their text: an entry may be of any kind, and 1 is not True.
        twice = [text for text, times in Counter(map(shown, seeds)).items() if times > 1]
        if twice:
            fault = Problem(
                ("seeds",), "seeds that differ", f"{twice[0]} twice", "remove one of the two"
            )
            return seeds, [fault]
        return seeds, []
    expected = f"a count of seeds from 1 to {MOST_SEEDS}, or a list of seeds"
    if isinstance(seeds, dict):
        expected += "; until_decided is shared by all networks"
    return [0], [Problem(("seeds",), expected, shown(seeds))]


def _each_once(faults: Mapping[str, tuple[Problem, ...]], origins: Origins) -> Iterator[Problem]:
    """The problems of all networks, each once."""
    missing_everywhere = [
        fault
        for fault in next(iter(faults.values()), ())
        if fault.missing and not fault.where and all(_lacks(f, fault) for f in faults.values())
    ]
    for fault in missing_everywhere:
        expected = fault.expected.replace(" (", ", shared or in every network (", 1)
        yield Problem((), expected, "none", fault.hint)
    everywhere = {fault.missing for fault in missing_everywhere}
    reported: set[tuple[Where | str, str | None]] = set()
    for name, its in faults.items():
        found = [
            origins.found(name, fault)
            for fault in its
            if fault.where or fault.missing not in everywhere
        ]
        # One network may have several problems at a path; another's there are the same again.
        new = {(problem.where, problem.missing) for problem in found} - reported
        yield from (problem for problem in found if (problem.where, problem.missing) in new)
        reported |= new


def _lacks(faults: tuple[Problem, ...], missing: Problem) -> bool:
    return any(not fault.where and fault.missing == missing.missing for fault in faults)


def _unused(shared: Mapping[str, Any], own: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """What is wrong with shared settings that no network takes, so that it is told all the same.

    Such a setting is tried in the place of each network's own: right for one, it is no problem.
    """
    leaves = [path for path, value in entries(shared) if not isinstance(value, dict) or not value]
    used = {leaf for leaf in leaves if any(_takes(tree, shared, leaf) for tree in own.values())}

    def unused(where: Where | str) -> bool:
        its = {leaf for leaf in leaves if leaf[: len(where)] == where[: len(leaf)]}
        return bool(its) and its.isdisjoint(used)

    common: dict[Where | str, Problem] | None = None
    for tree in own.values() if len(used) < len(leaves) else ():
        _, faults = _network(merged({**_ANY, **tree}, shared))
        its = {f.where: f for f in faults if not f.missing and unused(f.where)}
        common = (
            its if common is None else {where: f for where, f in common.items() if where in its}
        )
        if not common:
            return
    yield from (common or {}).values()


def _takes(own: Any, shared: Any, where: Where) -> bool:
    """Whether a network has a shared setting as it stands, with nothing of its own in its place."""
    for step in where:
        if step not in own:
            return True
        own, shared = own[step], shared[step]
        both = isinstance(own, dict) and isinstance(shared, dict)
        if not both or other_kind(shared, own):
            return False
    return False
