"""What is wrong with a study: each problem is one clear sentence, and all are told at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from mlplab import words

listed, shown, shortened = words.quoted, words.shown, words.shortened

Where = tuple[str | int, ...]
"""The way to a value in a JSON file: keys and list positions, from the outside in."""


def dotted(where: Where) -> str:
    """The way as people write it: networks.config1.hidden[0]."""
    text = ""
    for step in where:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it stands, and how to mend it."""

    where: str
    """The way to the value, such as networks.config1.optimizer.learning_rate; "" for the file."""
    expected: str
    received: str
    hint: str | None = None
    line: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place += f", line {self.line}" if place else f"line {self.line}"
        start = ": ".join(part for part in (place, self.where) if part)
        sentence = f"expected {self.expected}, but got {self.received}"
        if self.hint:
            sentence += f"; {self.hint}"
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
        super().__init__("\n".join(str(problem) for problem in self.problems))


def closest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, None if none is near."""
    by_folded = {_folded(option): option for option in known}
    near = difflib.get_close_matches(_folded(str(word)), by_folded, n=1, cutoff=0.6)
    return by_folded[near[0]] if near else None


def did_you_mean(word: object, known: Iterable[str]) -> str | None:
    """The question that mends a misspelt word, None if no known word is near."""
    meant = closest(word, known)
    return None if meant is None else f'did you mean "{meant}"?'


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")
