"""Where in a set the classes stand that a declaration names."""

from __future__ import annotations

from collections.abc import Sequence

from mlplab.data.refusal import refuse
from mlplab.declarations.problems import did_you_mean, listed, shown


def class_places(
    class_names: Sequence[str], classes: Sequence[int | str] | None, setting: str
) -> list[int]:
    """The place of each declared class among `class_names`, in the declared order; None for all.

    A class is declared by its name; a number is the name written so, or, in a set whose class
    names are words, the position counted from 0.

    Raises:
        BadInput: a class that the set does not have, or one twice.
    """
    if classes is None:
        return list(range(len(class_names)))
    by_name = {name: c for c, name in enumerate(class_names)}
    numbered = any(name.lstrip("-").isdecimal() for name in class_names)
    places: list[int] = []
    for position, wanted in enumerate(classes):
        where = f"{setting}[{position}]"
        place = by_name.get(str(wanted))
        if place is None and isinstance(wanted, int) and not numbered:
            place = wanted if 0 <= wanted < len(class_names) else None
        if place is None:
            refuse(
                where,
                expected=f"a class of the set: {listed(class_names)}",
                came=shown(wanted),
                mend=did_you_mean(wanted, class_names) or "choose among these",
            )
        if place in places:
            refuse(
                where,
                expected="each class once",
                came=f"{shown(class_names[place])} a second time",
                mend="leave it out",
            )
        places.append(place)
    return places
