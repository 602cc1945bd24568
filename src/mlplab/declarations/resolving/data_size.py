"""How many rows, features and classes a declaration of data comes to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from pkgutil import resolve_name

from mlplab.declarations.data import Data, KnownData, part_size
from mlplab.declarations.known_data import KNOWN_SETS
from mlplab.declarations.problems import BadInput, Problem, dotted, shown
from mlplab.declarations.resolving.classes import data_name, indices_of, twice
from mlplab.declarations.task import TaskName

OWN_DATA = "mlplab.data.sizes:own_data_size"
"""What tells the size of own data. It reads files with numerical libraries, which declarations do
without, so it is looked up by name when a study first has such data."""

_headers_only: ContextVar[bool] = ContextVar("headers_only", default=False)


@dataclass(frozen=True)
class DataSize:
    """Sizes after the class filter; None where only the data themselves could tell."""

    train_rows: int | None = None
    """After the validation part has been taken away."""
    validation_rows: int | None = None
    test_rows: int | None = None
    features: int | None = None
    classes: int | None = None
    """Of a quantity one, its output."""
    task: TaskName | None = None
    """Whether classes are told apart or a quantity is predicted."""


@contextmanager
def headers_only() -> Iterator[None]:
    """Within it own data are looked at as far as their headers; else they are read whole."""
    token = _headers_only.set(True)
    try:
        yield
    finally:
        _headers_only.reset(token)


def data_size(
    data: Data, folder: Path, *, fewest_classes: int = 2
) -> tuple[DataSize, tuple[Problem, ...]]:
    """The size of declared data, and what is wrong with them; ways start at data.

    Known sets are not opened; own data are read whole, and so is everything said that training
    would refuse, except within `headers_only`.

    folder: what paths are relative to. fewest_classes: two are needed to be told apart.
    """
    nothing = DataSize()
    if data.classes is not None and len(data.classes) < fewest_classes:
        few = Problem(("classes",), "at least two classes", shown(list(data.classes)))
        return nothing, (few,)
    if not isinstance(data, KnownData):
        repeated = tuple(_repeated(data))
        if repeated:
            return nothing, repeated
        size_of_own = resolve_name(OWN_DATA)
        try:
            quick = _headers_only.get()
            found = size_of_own(data, folder, fewest_classes=fewest_classes, headers_only=quick)
            return DataSize(*found), ()
        except BadInput as error:
            return nothing, tuple(_of_declaration(problem) for problem in error.problems)
    known = KNOWN_SETS[data.name]
    chosen, problems = _chosen(data, known.class_names)
    if problems:
        return replace(nothing, features=known.features), tuple(problems)
    train = sum(known.train_counts[c] for c in chosen)
    test = sum(known.test_counts[c] for c in chosen)
    validation = part_size(data.validation, train)
    problems = [*_validation_problems(data, train, validation, len(chosen))]
    rows = None if problems else train - validation
    size = DataSize(rows, validation, test, known.features, len(chosen), "classification")
    return size, tuple(problems)


def _of_declaration(problem: Problem) -> Problem:
    """A problem of own data as one of the declaration that names them."""
    where = tuple(
        int(step) if step.isdecimal() else step
        for step in re.findall(r"[^.\[\]]+", dotted(problem.where).removeprefix("data"))
    )
    received = problem.received
    if problem.file is not None:
        name = Path(problem.file).name
        line = "" if problem.line is None else f", line {problem.line}"
        if name not in received:
            received += f" (in {name}{line})"
    return Problem(where, problem.expected, received, problem.hint)


def _validation_problems(
    data: Data, train: int, validation: int, classes: int
) -> Iterator[Problem]:
    most = train - classes
    if validation > most:
        yield Problem(
            ("validation",),
            f"at most {most} of the {train} training rows, so that every class keeps one",
            f"{shown(data.validation)}"
            + ("" if isinstance(data.validation, int) else f" of them, {validation} rows"),
            "make the validation part smaller",
        )


def _chosen(data: Data, names: Sequence[str]) -> tuple[list[int], list[Problem]]:
    """The indices of the classes that are kept, and what is wrong with those that are declared."""
    if data.classes is None:
        return list(range(len(names))), []
    indices, problems = indices_of(data.classes, names, data_name(data))
    return indices, [problem.within("classes") for problem in problems]


def _repeated(data: Data) -> Iterator[Problem]:
    """Classes that are written twice; by which other name they may be called only data tell."""
    written = [str(name) for name in data.classes or ()]
    for position, name in enumerate(written):
        if name in written[:position]:
            yield twice(name).within("classes", position)
