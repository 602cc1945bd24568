"""What analysis found of recorded runs, kept by content so that it is computed once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from mlplab.records.database import transaction

_TABLE = """
CREATE TABLE IF NOT EXISTS analysis (
    content TEXT PRIMARY KEY,   -- hash of what decides the finding: runs, settings, method
    kind TEXT NOT NULL,
    finding TEXT NOT NULL,      -- JSON
    recorded_at TEXT NOT NULL
)
"""
_CONTENTS_A_QUERY = 500


def record_finding(connection: sqlite3.Connection, kind: str, content: str, finding: str) -> None:
    """Keep one finding (JSON) of a kind of analysis."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with transaction(connection):
        connection.execute(_TABLE)
        connection.execute(
            "INSERT OR REPLACE INTO analysis VALUES (?, ?, ?, ?)", (content, kind, finding, now)
        )


def read_findings(connection: sqlite3.Connection, contents: Iterable[str]) -> Mapping[str, str]:
    """The findings (JSON) that are kept, by content; nothing where none was ever kept."""
    wanted = list(contents)
    found: dict[str, str] = {}
    if not _there(connection):
        return found
    for start in range(0, len(wanted), _CONTENTS_A_QUERY):
        part = wanted[start : start + _CONTENTS_A_QUERY]
        marks = ",".join("?" * len(part))
        found |= dict(
            connection.execute(
                f"SELECT content, finding FROM analysis WHERE content IN ({marks})", part
            )
        )
    return found


def _there(connection: sqlite3.Connection) -> bool:
    # Records of before this table was thought of are read as they are.
    query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'analysis'"
    return bool(connection.execute(query).fetchone()[0])
