"""Where values stand: the file and line of every value of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlplab.declarations.problems import Problem, Where, dotted


@dataclass(frozen=True)
class Place:
    """A file (or an option of the command line) and, where it has lines, the line."""

    file: str
    line: int | None = None


@dataclass(frozen=True)
class Places:
    """The place of every value that was read; unknown ways lie where their parent does."""

    file: str
    known: Mapping[Where, Place] = field(default_factory=dict)

    def of(self, where: Where) -> Place:
        """The place of a value, or of the nearest value around it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.known:
                return self.known[where[:length]]
        return Place(self.file)

    def problem(
        self, where: Where, *, expected: str, came: str, mend: str | None = None
    ) -> Problem:
        """A problem with the value at `where`, told with its place."""
        place = self.of(where)
        return Problem(dotted(where), expected, came, mend, place.line, place.file)
