"""What is wrong with an input: each problem is one clear sentence, and all are told at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NoReturn

from mlplab.words import quoted, shortened, shown

Where = tuple[str | int, ...]
"""The path to a value in a JSON file: keys and list indices, from the outside in."""

LONGEST_PATH = 200
LONGEST_PART = 1_500
"""Characters of a path, and of each part of a sentence; what is longer is cut."""
LONGEST_WORD = 100
MOST_COMPARED = 1_000
"""A misspelt word of more characters is compared with none, and any with so many known words."""


def dotted(where: Where | str) -> str:
    """A path as people write it: networks.config1.hidden[0]."""
    if isinstance(where, str):
        return where
    text = ""
    for step in where:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it stands, and how to mend it.

    Checks give the path of the value; `SourceMap.located` adds file and line.
    """

    where: Where | str
    """The path of the value; once located, in words: networks.config1.hidden, "" for the file."""
    expected: str
    received: str
    hint: str | None = None
    line: int | None = None
    file: str | None = None
    missing: str | None = field(default=None, compare=False)
    """The key that is missing, where that is the problem."""

    def within(self, *path: str | int) -> Problem:
        """The same problem, seen from further out."""
        assert isinstance(self.where, tuple)
        return replace(self, where=(*path, *self.where))

    def __str__(self) -> str:
        location = self.file or ""
        if self.line is not None:
            location += f", line {self.line}" if location else f"line {self.line}"
        where = shortened(dotted(self.where), LONGEST_PATH)
        start = ": ".join(part for part in (location, where) if part)
        expected, received = (shortened(t, LONGEST_PART) for t in (self.expected, self.received))
        sentence = f"expected {expected}, but got {received}"
        if self.hint:
            sentence += f"; {shortened(self.hint, LONGEST_PART)}"
        if not sentence.endswith((".", "?")):
            sentence += "."
        whole = f"{start}: {sentence}" if start else sentence[0].upper() + sentence[1:]
        # Names may hold line breaks, and a problem is one line on every screen.
        return "".join(s if s.isprintable() else json.dumps(s)[1:-1] for s in whole)


class BadInput(Exception):  # noqa: N818 - it is the input that errs
    """What the user gave cannot be used; `problems` holds every reason, in the file's order."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        assert self.problems, "an input without a problem is good"
        super().__init__("\n".join(str(problem) for problem in self.problems))


def refuse(
    where: Where | str,
    *,
    expected: str,
    received: str,
    hint: str | None = None,
    file: object = None,
    line: int | None = None,
) -> NoReturn:
    """Raise BadInput with one problem. file: a path, or what the input is called."""
    name = None if file is None else str(file)
    raise BadInput(Problem(dotted(where), expected, received, hint, line, name))


def closest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, None if none is near."""
    word = str(word)
    if len(word) > LONGEST_WORD:
        return None
    by_folded = {_folded(option): option for option in islice(known, MOST_COMPARED)}
    near = difflib.get_close_matches(_folded(word), by_folded, n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None


def did_you_mean(word: object, known: Iterable[str]) -> str | None:
    """The question that mends a misspelt word, None if no known word is near."""
    meant = closest(word, known)
    return None if meant is None else f'did you mean "{meant}"?'


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")


def unknown_name(name: str, known: Iterable[str]) -> Problem | None:
    """The problem with a name that no network of the study has."""
    known = list(known)
    if name in known:
        return None
    hint = did_you_mean(name, known) or f"it has {quoted(known)}"
    return Problem((), "the name of a network of this study", shown(name), hint)
