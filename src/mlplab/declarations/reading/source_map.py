"""The file and line of every value of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlplab.declarations.problems import Problem, Where, dotted


@dataclass(frozen=True)
class SourceLocation:
    """A file (or an option of the command line) and, where it has lines, the line."""

    file: str
    line: int | None = None


@dataclass(frozen=True)
class SourceMap:
    """The location of every value that was read; an unknown path has that of its parent."""

    file: str
    known: Mapping[Where, SourceLocation] = field(default_factory=dict)

    def of(self, where: Where) -> SourceLocation:
        """The location of a value, or of the nearest value around it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.known:
                return self.known[where[:length]]
        return SourceLocation(self.file)

    def located(self, problem: Problem) -> Problem:
        """A problem with the file and line of its value; a located one stays as it is."""
        if isinstance(problem.where, str):
            return problem
        location = self.of(problem.where)
        return replace(problem, where=dotted(problem.where), line=location.line, file=location.file)

    def problem(
        self, where: Where, *, expected: str, received: str, hint: str | None = None
    ) -> Problem:
        """A located problem with the value at `where`."""
        return self.located(Problem(where, expected, received, hint))
