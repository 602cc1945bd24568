"""The indices, in a set, of the classes that a declaration names."""

from __future__ import annotations

from collections.abc import Sequence

from mlplab.declarations.problems import BadInput, Problem, dotted
from mlplab.declarations.resolving.classes import indices_of
from mlplab.declarations.roles import ClassName


def class_indices(
    class_names: Sequence[str], classes: Sequence[ClassName] | None, setting: str, of: str
) -> list[int]:
    """The index of each declared class among `class_names`, in the declared order; None for all.

    setting: where the classes are declared. of: what the data are called in words.

    Raises:
        BadInput: a class that the set does not have, or one twice.
    """
    if classes is None:
        return list(range(len(class_names)))
    indices, problems = indices_of(classes, class_names, of)
    if problems:
        raise BadInput(
            Problem(f"{setting}{dotted(f.where)}", f.expected, f.received, f.hint) for f in problems
        )
    return indices
