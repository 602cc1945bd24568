"""Where values stand: the file and line of every value of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlplab.declarations.problems import Problem, Where, dotted


@dataclass(frozen=True)
class SourceLocation:
    """A file (or an option of the command line) and, where it has lines, the line."""

    file: str
    line: int | None = None


@dataclass(frozen=True)
class SourceMap:
    """The place of every value that was read; unknown ways lie where their parent does."""

    file: str
    known: Mapping[Where, SourceLocation] = field(default_factory=dict)

    def of(self, where: Where) -> SourceLocation:
        """The place of a value, or of the nearest value around it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.known:
                return self.known[where[:length]]
        return SourceLocation(self.file)

    def problem(
        self, where: Where, *, expected: str, received: str, hint: str | None = None
    ) -> Problem:
        """A problem with the value at `where`, told with its place."""
        place = self.of(where)
        return Problem(dotted(where), expected, received, hint, place.line, place.file)
