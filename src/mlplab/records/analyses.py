"""What analysis found of recorded runs, kept by content so that it is computed once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from mlplab.records.database import has_table, now, rows_of_keys, transaction

_TABLE = """
CREATE TABLE IF NOT EXISTS analysis (
    content TEXT PRIMARY KEY,   -- hash of what decides the finding: runs, settings, method
    kind TEXT NOT NULL,
    finding TEXT NOT NULL,      -- JSON
    recorded_at TEXT NOT NULL
)
"""


def record_finding(connection: sqlite3.Connection, kind: str, content: str, finding: str) -> None:
    """Keep one finding (JSON) of a kind of analysis."""
    with transaction(connection):
        connection.execute(_TABLE)
        connection.execute(
            "INSERT OR REPLACE INTO analysis VALUES (?, ?, ?, ?)", (content, kind, finding, now())
        )


def read_findings(connection: sqlite3.Connection, contents: Iterable[str]) -> Mapping[str, str]:
    """The findings (JSON) that are kept, by content; nothing where none was ever kept."""
    if not has_table(connection, "analysis"):
        return {}
    query = "SELECT content, finding FROM analysis WHERE content IN ({})"
    return dict(rows_of_keys(connection, query, contents))
