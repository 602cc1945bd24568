"""How a study names classes: by their names, or by their indices in a set whose names are words."""

from __future__ import annotations

from collections.abc import Sequence

from mlplab.declarations.data import Data, KnownData
from mlplab.declarations.known_data import KNOWN_SETS
from mlplab.declarations.problems import Problem, did_you_mean, quoted, shown
from mlplab.declarations.roles import ClassName


def index_of(wanted: ClassName, names: Sequence[str]) -> int | None:
    """The index of a class in its set; None where it is none of the set's.

    A class is given by its name; a number is the name written so, or, in a set whose class names
    are words, the index, from 0. A text is never an index.
    """
    if str(wanted) in names:
        return names.index(str(wanted))
    if isinstance(wanted, int) and _are_words(names) and 0 <= wanted < len(names):
        return wanted
    return None


def name_of(wanted: ClassName, names: Sequence[str] | None) -> str:
    """A class as its set names it; as it is given where the set has none such, or is not known."""
    index = None if names is None else index_of(wanted, names)
    return str(wanted) if names is None or index is None else names[index]


def indices_of(
    classes: Sequence[ClassName], names: Sequence[str], of: str
) -> tuple[list[int], list[Problem]]:
    """The indices of declared classes in their order, and what is wrong with them.

    names: of the set's classes. of: what the set is called in words. Paths of problems start at
    the list.
    """
    indices: list[int] = []
    problems: list[Problem] = []
    for position, wanted in enumerate(classes):
        index = index_of(wanted, names)
        if index is None:
            problems.append(no_such_class(wanted, names, of).within(position))
        elif index in indices:
            problems.append(twice(names[index]).within(position))
        else:
            indices.append(index)
    return indices, problems


def no_such_class(wanted: ClassName, names: Sequence[str], of: str) -> Problem:
    """A class that a set does not have; where it stands is for the caller to say."""
    hint = did_you_mean(wanted, names) or "choose among these"
    if _are_words(names) and wanted in [str(index) for index in range(len(names))]:
        hint = f"write {wanted} without quotes for the class at that index, or its name"
    return Problem((), f"a class of {of}: {quoted(names)}", shown(wanted), hint)


def not_kept(wanted: ClassName, kept: Sequence[str], of: str) -> Problem:
    """A class that is not among those which data.classes keep."""
    hint = did_you_mean(wanted, kept) or "choose among these"
    return Problem((), f"a class that is kept of {of}: {quoted(kept)}", shown(wanted), hint)


def twice(name: str) -> Problem:
    """A class that is given again; where it stands is for the caller to say."""
    return Problem((), "each class once", f'"{name}" a second time', "leave it out")


def all_class_names(data: Data) -> tuple[str, ...] | None:
    """The class names of a whole declared set, None where only the data could tell."""
    return KNOWN_SETS[data.name].class_names if isinstance(data, KnownData) else None


def class_names_of(data: Data) -> tuple[str, ...] | None:
    """The names of the classes that are declared, None where only the data could tell."""
    names = all_class_names(data)
    return tuple(name_of(c, names) for c in data.classes) if data.classes else names


def data_name(data: Data) -> str:
    """What declared data are called in words."""
    return data.name if isinstance(data, KnownData) else f"the {data.format} data"


def _are_words(names: Sequence[str]) -> bool:
    return not any(name.lstrip("-").isdecimal() for name in names)
