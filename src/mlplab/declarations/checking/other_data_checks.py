"""What is wrong with another data set whose rows are to be unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from mlplab.declarations.network import Network
from mlplab.declarations.open_set import OpenSet
from mlplab.declarations.problems import Problem, shown
from mlplab.declarations.resolving.classes import data_name
from mlplab.declarations.resolving.data_size import data_size

_DIVISION = {"validation", "classes", "split_seed", "scaling", "test"}
"""Settings that do not decide from which files a set is read."""
_WITHOUT_EFFECT = {
    "validation": "as only test rows of the other set are used",
    "scaling": "as its rows are scaled as those of the networks are",
}


def other_data_problems(
    entry: OpenSet, networks: Mapping[str, Network], folder: Path
) -> Iterator[Problem]:
    """Every problem of an entry's `unknown_data` that headers can tell; paths start at the entry.

    networks: those whose settings the entry takes. folder: what paths are relative to.
    """
    other, where = entry.unknown_data, ("unknown_data",)
    if other is None:
        return
    for key, why in _WITHOUT_EFFECT.items():
        if getattr(other, key):
            received = shown(getattr(other, key))
            yield Problem((*where, key), f'no "{key}", {why}', received, "leave it out")
    used = other.model_copy(update={"validation": 0})
    size, problems = data_size(used, folder, fewest_classes=1)
    yield from (problem.within(*where) for problem in problems)
    files = other.model_dump(exclude=_DIVISION)
    for data in dict.fromkeys(network.data for network in networks.values()):
        name = data_name(data)
        if files == data.model_dump(exclude=_DIVISION):
            expected = "another data set than the networks learn from"
            yield Problem(where, expected, f"{name} again", 'name its classes in "unknown"')
            continue
        own, problems = data_size(data, folder)
        if (
            not problems
            and None not in (size.features, own.features)
            and size.features != own.features
        ):
            received = f"{data_name(other)} with {size.features}"
            yield Problem(where, f"a set of {own.features} features, as {name} has", received)
