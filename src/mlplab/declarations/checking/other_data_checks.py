"""What is wrong with another data set whose rows are to be unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mlplab.declarations.data import Data
from mlplab.declarations.network import Network
from mlplab.declarations.open_set import OpenSet
from mlplab.declarations.problems import Problem, Where, shown
from mlplab.declarations.resolving.classes import data_name
from mlplab.declarations.resolving.data_size import data_size

_DIVISION = {"validation", "classes", "split_seed", "scaling", "test"}
"""Settings that do not decide from which files a set is read."""
_WITHOUT_EFFECT = {
    "validation": "as only test rows of the other set are used",
    "scaling": "as its rows are scaled as those of the networks are",
}


def other_data_faults(
    entry: OpenSet, where: Where, networks: Mapping[str, Network], folder: Path
) -> Iterator[Problem]:
    """Every problem of an entry's `unknown_data` that headers can tell.

    networks: those whose settings the entry takes. folder: what paths are relative to.
    """
    other, where = entry.unknown_data, (*where, "unknown_data")
    if other is None:
        return
    for key, why in _WITHOUT_EFFECT.items():
        if getattr(other, key):
            yield Problem((*where, key), f'no "{key}", {why}', shown(getattr(other, key)),
                        "leave it out")  # fmt: skip
    used = other.model_copy(update={"validation": 0})
    size, faults = data_size(used, folder, fewest_classes=1)
    yield from (replace(fault, where=(*where, *fault.where)) for fault in faults)
    for data in dict.fromkeys(network.data for network in networks.values()):
        yield from _beside(other, size.features, data, where, folder)


def _beside(
    other: Data, features: int | None, data: Data, where: Where, folder: Path
) -> Iterator[Problem]:
    """What is wrong with the other set beside the one that networks learn from."""
    name = data_name(data)
    if _files(other) == _files(data):
        yield Problem(where, "another data set than the networks learn from", f"{name} again",
                    'name its classes in "unknown"')  # fmt: skip
        return
    own, faults = data_size(data, folder)
    if not faults and None not in (features, own.features) and features != own.features:
        yield Problem(where, f"a set of {own.features} features, as {name} has",
                    f"{data_name(other)} with {features}")  # fmt: skip


def _files(data: Data) -> Mapping[str, object]:
    return data.model_dump(exclude=_DIVISION)
