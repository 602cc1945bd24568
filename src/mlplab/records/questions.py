"""Which questions were asked before there were results, so that nobody need take it on trust."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mlplab.declarations.network import Network
from mlplab.declarations.question import Question
from mlplab.declarations.resolving.arms import Arm, arms_of
from mlplab.declarations.resolving.tuning_trials import candidates, with_settings
from mlplab.declarations.study import Study
from mlplab.declarations.tuning import Tuning
from mlplab.records.database import has_table, now, reading, transaction
from mlplab.records.key import settings_of
from mlplab.records.seals import add_link, last_hash

_WORDING = {"ask", "factor"}
_ADDED_LATER = ("detectors",)
"""Keys that older records lack; a question without them is the question that it was."""


class LookMade(NamedTuple):
    """That a question was judged, and could have been decided."""

    seeds: int
    level: float
    """The chance of a false verdict that it took."""


@dataclass(frozen=True)
class Registration:
    """When a question was first asked in a results folder."""

    asked_at: str
    """ISO 8601, UTC."""
    after_results: bool
    """Whether any of its networks had a finished seed by then."""
    seeds: int
    """Seeds that its networks were to have by then."""
    looks: tuple[LookMade, ...] = ()
    """In the order of their seeds."""


def question_digest(question: Question, study: Study) -> str:
    """SHA-256 of all that decides the answer: metric, expectation, margins, networks' settings.

    Wording, seeds and where data lie are not in it; the settings of the networks are, since a
    question about another network is another question, and so are those of its detectors. What
    version of mlplab answers it does not matter: a question stays asked. Of a
    tuned network not the values that are chosen decide it, which nobody knows when the question is
    asked, but how they are chosen.
    """
    asked = question.model_dump(mode="json", exclude=_WORDING)
    arms = arms_of(question, study)
    content: dict[str, Any] = {
        "question": {
            key: value
            for key, value in asked.items()
            if value is not None or key not in _ADDED_LATER
        },
        "networks": {
            name: _asked_about(name, study) for name in dict.fromkeys(arm.network for arm in arms)
        },
    }
    if any(arm.variant for arm in arms):
        content["open_set"] = _tests(arms, study)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _asked_about(name: str, study: Study) -> str:
    network, tune = study.networks[name], study.tune
    is_tuned = tune is not None and tune.tunes(name)
    asked_about = _without_choice(network, tune) if tune is not None and is_tuned else network
    content = json.dumps(settings_of(asked_about, network.outputs or 0), sort_keys=True)
    if tune is None or not is_tuned:
        return content
    return f"{content} {tune.model_dump_json(exclude={'networks'})}"


def _without_choice(network: Network, tune: Tuning) -> Network:
    """The network with the first of its trials' settings, whatever was chosen."""
    first = with_settings(network, candidates(tune, network)[0]).declaration
    assert first is not None, "a study with trials that cannot be is not loaded"
    return first


def _tests(arms: Sequence[Arm], study: Study) -> list[dict[str, Any]]:
    """What decides how each side is tested on unknown classes."""
    tests = []
    for arm in arms:
        assert arm.variant is not None
        entry = study.open_set[arm.variant.entry]
        how = {"reject_at_most", "threshold_by_class", "fit_on", "unknown_data"}
        tests.append(
            entry.model_dump(mode="json", include=how)
            | {"detector": arm.detector, "split": arm.variant.split.title}
        )
    return tests


def register(connection: sqlite3.Connection, study: Study, seen: Set[str]) -> None:
    """Write down the questions that are new, before anything is trained.

    seen: the networks of the study of which some seed is finished already.
    """
    asked_at = now()
    with transaction(connection):
        if last_hash(connection) is None:  # what an earlier mlplab wrote down is sealed from now on
            for row in connection.execute("SELECT * FROM question").fetchall():
                add_link(connection, "question", row[0], row)
        for question in study.questions:
            row = _row(question, study, seen, asked_at)
            added = connection.execute("INSERT OR IGNORE INTO question VALUES (?, ?, ?, ?, ?)", row)
            if added.rowcount:
                add_link(connection, "question", row[0], row)


def _row(question: Question, study: Study, seen: Set[str], asked_at: str) -> tuple[Any, ...]:
    networks = [arm.network for arm in arms_of(question, study)]
    return (
        question_digest(question, study),
        question.model_dump_json(),
        asked_at,
        int(not seen.isdisjoint(networks)),
        min(len(study.networks[name].seeds) for name in networks),
    )


def registrations(folder: Path) -> dict[str, Registration]:
    """Everything that was ever asked in a results folder, by `question_digest`.

    Raises:
        BadInput: the folder holds no records.
    """
    with reading(folder) as connection:
        if not has_table(connection, "question"):
            return {}
        looks = _looks(connection)
        rows = connection.execute("SELECT digest, asked_at, after_results, seeds FROM question")
        return {
            digest: Registration(at, bool(after), seeds, looks.get(digest, ()))
            for digest, at, after, seeds in rows
        }


def record_looks(connection: sqlite3.Connection, looks: Iterable[tuple[str, LookMade]]) -> None:
    """Write down with how many seeds questions were judged, and at which levels."""
    with transaction(connection):
        connection.executemany(
            "INSERT OR IGNORE INTO look VALUES (?, ?, ?, ?)",
            [(digest, *look, now()) for digest, look in looks],
        )


def _looks(connection: sqlite3.Connection) -> dict[str, tuple[LookMade, ...]]:
    if not has_table(connection, "look"):
        return {}
    found: dict[str, tuple[LookMade, ...]] = {}
    query = "SELECT digest, seeds, level FROM look ORDER BY seeds, level"
    for digest, *look in connection.execute(query):
        found[digest] = (*found.get(digest, ()), LookMade(*look))
    return found
