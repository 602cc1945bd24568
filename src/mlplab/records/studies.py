"""Which study a results folder holds: as resolved, and which content each name and seed means."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mlplab.declarations.problems import refuse
from mlplab.declarations.study import Study
from mlplab.records.atomic import replacing
from mlplab.records.database import DATABASE_FILE, now, transaction
from mlplab.records.seals import add_link

Member = tuple[str, int]
"""A network's name and a seed."""

_STUDY_FOLDER = ".study-folder"


@dataclass(frozen=True, eq=False)
class RecordedStudy:
    """The study that was last run in a folder."""

    study: Study
    members: Mapping[Member, str]
    """The key of every network and seed, in the study's order."""
    precision: str
    device: str
    environment: Mapping[str, str]


def members_of(study: Study) -> list[Member]:
    """Every network and seed of a study, in its order."""
    return [(name, seed) for name, network in study.networks.items() for seed in network.seeds]


def record_environment(connection: sqlite3.Connection, facts: Mapping[str, str]) -> int:
    """Record versions and hardware; returns the number by which runs refer to them."""
    text = json.dumps(dict(facts), sort_keys=True)
    with transaction(connection):
        connection.execute("INSERT OR IGNORE INTO environment (facts) VALUES (?)", (text,))
    return connection.execute("SELECT id FROM environment WHERE facts = ?", (text,)).fetchone()[0]


def record_study(
    connection: sqlite3.Connection,
    study: Study,
    members: Mapping[Member, str],
    *,
    precision: str,
    device: str,
    environment: int,
) -> None:
    """Make a study the folder's current one; names that it does not have keep their meaning."""
    resolved = write_study(study)
    latest = connection.execute(
        "SELECT resolved, precision, device, environment FROM study ORDER BY id DESC LIMIT 1"
    ).fetchone()
    with transaction(connection):
        if latest != (resolved, precision, device, environment):
            connection.execute(
                "INSERT INTO study (resolved, precision, device, recorded_at, environment)"
                " VALUES (?, ?, ?, ?, ?)",
                (resolved, precision, device, now(), environment),
            )
            add_link(connection, "study", study.name, (resolved, precision, device))
        connection.executemany(
            "INSERT OR REPLACE INTO member (network, seed, key) VALUES (?, ?, ?)",
            [(name, seed, key) for (name, seed), key in members.items()],
        )


def known_members(connection: sqlite3.Connection) -> dict[Member, str]:
    """Return the key that each network and seed stood for when it was last run here."""
    return {
        (name, seed): key
        for name, seed, key in connection.execute("SELECT network, seed, key FROM member")
    }


def has_begun(connection: sqlite3.Connection) -> bool:
    """Whether a run has come so far as to record its study."""
    return bool(connection.execute("SELECT count(*) FROM study").fetchone()[0])


def read_study(connection: sqlite3.Connection, folder: Path) -> RecordedStudy:
    """Return the study that was last run in a folder.

    Raises:
        BadInput: no run has come so far as to record one, or it is of another mlplab.
    """
    row = connection.execute(
        "SELECT resolved, precision, device, facts FROM study"
        " JOIN environment ON environment.id = environment ORDER BY study.id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        refuse(
            "",
            expected="the records of a run",
            received="records in which no run has begun",
            hint="run the study",
            file=folder,
        )
    resolved, precision, device, facts = row
    try:
        study = _adapter().validate_json(resolved)
    except ValidationError:
        refuse(
            "",
            expected="a study as this version of mlplab records it",
            received="one of another version",
            hint="run the study again: what is finished is kept",
            file=folder / DATABASE_FILE,
        )
    known = known_members(connection)
    return RecordedStudy(
        study=replace(study, folder=_study_folder(folder)),
        members={member: known[member] for member in members_of(study)},
        precision=precision,
        device=device,
        environment=json.loads(facts),
    )


def keep_study_folder(folder: Path, study: Study) -> None:
    """Keep in a results folder, for this machine alone, what the study's paths are relative to.

    It is no part of the record: the same study in another place is the same.
    """
    if _study_folder(folder) != study.folder.absolute():
        with replacing(folder / _STUDY_FOLDER) as temporary:
            temporary.write_text(str(study.folder.absolute()), encoding="utf-8")


def _study_folder(folder: Path) -> Path:
    try:
        return Path((folder / _STUDY_FOLDER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Path()


def write_study(study: Study) -> str:
    """Return a resolved study as JSON, without the folder of the machine on which it lay."""
    return _adapter().dump_json(replace(study, folder=Path())).decode()


@cache
def _adapter() -> TypeAdapter[Study]:
    return TypeAdapter(Study)
