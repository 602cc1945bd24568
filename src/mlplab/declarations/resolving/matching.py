"""Networks that are to be as large as another get their widths, before anything else is checked.

The network that is recorded and trained holds the widths that were found, as if they had been
declared; so results are the same whichever way they were come by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mlplab.declarations.matched import Matched
from mlplab.declarations.network import Network
from mlplab.declarations.problems import Problem, shown, unknown_name
from mlplab.declarations.resolving.data_size import data_size
from mlplab.declarations.resolving.resolution import Resolution, Resolved
from mlplab.declarations.resolving.size import Size, are_alike, size_of
from mlplab.declarations.resolving.widths import Widths, nearest_widths
from mlplab.words import large_count

_IN_WORDS = {"parameters": "parameters", "flops": "training FLOPs"}


@dataclass(frozen=True)
class Matching:
    """Networks with their widths found, and what is to be told of that."""

    resolution: Resolution
    problems: tuple[Problem, ...] = ()
    matched: Mapping[str, Matched] = field(default_factory=dict)
    """What each of them was matched to, by its name."""
    notes: tuple[str, ...] = ()


def match_widths(resolution: Resolution, folder: Path) -> Matching:
    """Give every network that is matched to another its widths.

    folder: where the study lies, for own data, whose header may have to be read. A network in
    doubt, or matched to one in doubt, is left as it is: its problems are known already.
    """
    resolved = dict(resolution.resolved)
    problems: dict[Problem, None] = {}
    notes: list[str] = []
    for name, its in resolution.resolved.items():
        wanted = its.network.matched
        if wanted is None:
            continue
        found = _found(name, wanted, resolution.resolved, folder)
        if isinstance(found, Problem):
            problems[resolution.origins.found(name, found)] = None
        elif found is not None:
            resolved[name] = replace(its, network=found.network)
            notes.append(found.note(name, wanted))
    matched = {
        name: wanted
        for name, its in resolution.resolved.items()
        if (wanted := its.network.matched) is not None
    }
    return Matching(replace(resolution, resolved=resolved), tuple(problems), matched, tuple(notes))


@dataclass(frozen=True)
class _Found:
    network: Network
    count: int
    target: int

    def note(self, name: str, wanted: Matched) -> str:
        widths = "-".join(map(str, self.network.hidden))
        return (
            f"{name} is matched to {wanted.to} with hidden layers of {widths}: {large_count(self.count)} "
            f"{_IN_WORDS[wanted.by]} beside {large_count(self.target)}."
        )


def _found(
    name: str, wanted: Matched, networks: Mapping[str, Resolved], folder: Path
) -> _Found | Problem | None:
    """The network with its widths, why there are none, or None where something is in doubt."""
    fault = next(_name_faults(name, wanted, networks), None)
    if fault is not None:
        return fault
    own, other = networks[name], networks[wanted.to]
    if own.doubted or other.doubted:
        return None
    sizes = []
    for which, network in ((name, own.network), (wanted.to, other.network)):
        data, faults = data_size(network.data, folder)
        if faults:
            return None
        classes = data.classes or network.outputs
        if data.features is None or classes is None:
            return Problem(
                ("matched",),
                "data whose features and classes are known before training",
                f"{shown(which)}, of which only its data would tell them",
                'add "outputs" with the number of classes, or declare the widths',
            )
        sizes.append((data.features, classes))
    return _search(name, wanted, own.network, other.network, *sizes)


def _name_faults(name: str, wanted: Matched, networks: Mapping[str, Resolved]) -> Iterator[Problem]:
    where = ("matched", "to")
    if not networks[name].network.hidden:
        yield Problem(("matched",), "a network with hidden layers, whose widths are found", "none")
    elif unknown := unknown_name(wanted.to, networks):
        yield unknown.within(*where)
    elif wanted.to == name:
        hint = 'name another one; "matched": null takes a shared setting back'
        yield Problem(where, "another network", f"{shown(name)} itself", hint)
    elif (chained := networks[wanted.to].network.matched) is not None:
        yield Problem(
            where,
            "a network with widths of its own",
            f"{shown(wanted.to)}, which is matched to {shown(chained.to)} itself",
            "match both to another one"
            if chained.to == name
            else f"write {shown(chained.to)} here too",
        )


def _search(
    name: str,
    wanted: Matched,
    own: Network,
    other: Network,
    own_data: tuple[int, int],
    other_data: tuple[int, int],
) -> _Found | Problem:
    def counted(size: Size) -> int:
        return size.parameters if wanted.by == "parameters" else size.training_flops

    def count(widths: Widths) -> int:
        return counted(size_of(own.model_copy(update={"hidden": widths}), *own_data))

    target = counted(size_of(other, *other_data))
    widths = nearest_widths(own.hidden, target, count)
    nearest = count(widths)
    if not are_alike((nearest, target)):
        what = _IN_WORDS[wanted.by]
        return Problem(
            ("matched",),
            f"widths with which {name} comes within 2% of the {large_count(target)} {what} of {wanted.to}",
            f"{large_count(nearest)} {what} at the nearest, with hidden layers of "
            f"{'-'.join(map(str, widths))}",
            "give it fewer layers, or other proportions"
            if nearest > target
            else "give its layers other proportions",
        )
    return _Found(own.model_copy(update={"hidden": widths, "matched": None}), nearest, target)
