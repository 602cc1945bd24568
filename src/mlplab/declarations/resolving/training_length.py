"""Epochs become steps, and the default batch is no larger than a small table allows.

Both depend on the number of training rows. What is recorded and trained has steps and a batch size,
as if these had been declared, so results are the same whichever way they were come by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlplab.declarations.base import LARGEST_COUNT
from mlplab.declarations.problems import Problem, quoted
from mlplab.declarations.resolving.data_size import data_size
from mlplab.declarations.resolving.resolution import Resolution
from mlplab.declarations.training import Training
from mlplab.words import count


@dataclass(frozen=True)
class Lengths:
    """Networks with their steps and batches, and what is to be told of that."""

    resolution: Resolution
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def set_lengths(resolution: Resolution, values: Mapping[str, Any], folder: Path) -> Lengths:
    """Count the steps of declared epochs, and make default batches fit small tables.

    Where the rows are not known (as of an archive whose header alone is read), both stay as they are.

    Args:
        values: of the study file.
        folder: where the study lies, for own data.
    """
    resolved = dict(resolution.resolved)
    problems: dict[Problem, None] = {}
    by_note: dict[str, list[str]] = {}
    for name, its in resolution.resolved.items():
        training = its.network.training
        if its.doubted & {"data", "training"}:
            continue
        if training.epochs is not None and values.get("open_set"):
            problems[resolution.origins.found(name, _epochs_of_whom())] = None
            continue
        if training.epochs is None and "batch_size" in training.model_fields_set:
            continue
        rows = data_size(its.network.data_of(its.network.seeds[0]), folder)[0].train_rows
        if rows is None:
            continue
        if training.batch_size > rows and "batch_size" not in training.model_fields_set:
            note = (
                f"batches have {count(batch_for(rows), 'row')}, as there are {rows:,} training rows, "
                f"fewer than the {training.batch_size} of a default batch."
            )
            by_note.setdefault(note, []).append(name)
            training = training.model_copy(update={"batch_size": batch_for(rows)})
        if training.epochs is not None and training.batch_size <= rows:
            training = _in_steps(training, rows)
            for problem in _too_long(training):
                found = resolution.origins.found(name, problem.within("training"))
                problems[found] = None
        resolved[name] = replace(its, network=its.network.model_copy(update={"training": training}))
    notes = (f"{quoted(names, limit=6)}: {note}" for note, names in by_note.items())
    return Lengths(replace(resolution, resolved=resolved), tuple(problems), tuple(notes))


def batch_for(rows: int) -> int:
    """The largest power of two that is no more than a quarter of the rows."""
    return int(2 ** max(0, (rows // 4).bit_length() - 1))


def _in_steps(training: Training, rows: int) -> Training:
    """The same length in steps; batches go across the ends of epochs, so only the last is rounded."""
    assert training.epochs is not None
    steps = -(-training.epochs * rows // training.batch_size)
    changes: dict[str, Any] = {"steps": steps, "epochs": None}
    if "evaluate_every" not in training.model_fields_set:
        changes["evaluate_every"] = -(-rows // training.batch_size)
    return training.model_copy(update=changes)


def _too_long(training: Training) -> Iterator[Problem]:
    if training.steps > LARGEST_COUNT:
        yield Problem(
            ("epochs",),
            f"epochs of at most {LARGEST_COUNT:,} steps in all",
            f"{training.steps:,} steps",
            "make them fewer, or the batches larger",
        )
    else:
        yield from training.rules()


def _epochs_of_whom() -> Problem:
    return Problem(
        ("training", "epochs"),
        'a length in "steps" in a study with "open_set"',
        '"epochs"',
        "its networks learn from known classes only, each from other rows: write steps",
    )
