"""The embedded database of a results folder: opened safely, refused with a sentence.

There is one writer at a time (see `lock`), and it writes once a stack, so SQLite's rollback
journal is enough. It leaves a single file that can be copied, or read from a disk that cannot be
written to, which write-ahead logging would not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from mlplab.declarations.problems import refuse
from mlplab.records import schema

DATABASE_FILE = "records.sqlite"
_BUSY_SECONDS = 60.0
_KEYS_A_QUERY = 500


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the records of a folder to write to them; they are created where there are none.

    Raises:
        BadInput: the folder cannot be written to, or what lies there are no records.
    """
    path = folder / DATABASE_FILE
    with _told(path), _opened(path, "rwc") as connection:
        with transaction(connection):
            if _is_empty(connection):
                _create(connection)
        _check(connection, path)
        connection.execute(schema.QUESTIONS)
        for table in (schema.LOOKS, schema.SEALS, schema.CHAIN):
            connection.execute(table)
        yield connection


def has_records(folder: Path) -> bool:
    """Whether a run has written records in a folder; one that was killed at once left none."""
    path = folder / DATABASE_FILE
    return path.is_file() and path.stat().st_size > 0


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the records of a folder to read them.

    Raises:
        BadInput: there are none, or what lies there are no records.
    """
    path = folder / DATABASE_FILE
    if not path.is_file():
        is_file = "a file" if folder.exists() else "nothing there"
        refuse(
            "",
            expected=f"a results folder, which holds the file {DATABASE_FILE}",
            received="a folder without it" if folder.is_dir() else is_file,
            hint="run the study first, or name the folder that `mlplab run` printed",
            file=folder,
        )
    with _told(path), _opened(path, "rw") as connection:
        _check(connection, path)
        yield connection


@contextmanager
def decoding(folder: Path, what: str) -> Iterator[None]:
    """Turn what cannot be decoded of an entry, `what` in words, into a sentence.

    SQLite finds pages that are damaged, but not texts within them.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError) as error:
        _refuse(folder / DATABASE_FILE, f"{what} that cannot be read ({error})")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's writes, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def rows_of_keys(
    connection: sqlite3.Connection, query: str, keys: Iterable[str], before: Sequence[str] = ()
) -> Iterator[tuple]:
    """Ask for many keys, `IN ({})` in the query, in portions that SQLite takes.

    before: what the query's first question marks stand for, before those of the keys.
    """
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), _KEYS_A_QUERY):
        portion = wanted[start : start + _KEYS_A_QUERY]
        # All at once: a statement that is still open would outlive its connection.
        yield from connection.execute(
            query.format(",".join("?" * len(portion))), [*before, *portion]
        ).fetchall()


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the records have a table, which those of an earlier mlplab may lack."""
    query = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?"
    return bool(connection.execute(query, (name,)).fetchone()[0])


def now() -> str:
    """The time as records hold it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    # "rw" falls back to reading alone where the file is write-protected.
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        yield connection
    finally:
        connection.close()


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0


def _create(connection: sqlite3.Connection) -> None:
    for statement in schema.TABLES.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if _is_empty(connection):
        # So a run leaves it that was killed before it had written anything.
        refuse(
            "",
            expected="the records of a run",
            received="a file in which nothing stands yet",
            hint="run the study",
            file=path,
        )
    if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
        _refuse(path, "a database of another program")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > schema.VERSION:
        refuse(
            "",
            expected=f"records of version {schema.VERSION} or older",
            received=f"version {version}, written by a newer mlplab",
            hint="install that one, or choose another folder",
            file=path,
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a bad file or folder into a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error).startswith("no such"):
            _refuse(path, f"damaged ones ({error})")
        expected = "records that can be read and written"
        if "locked" in str(error):
            received, hint = "records that another program keeps locked", "close that program"
        elif "full" in str(error):
            received, hint = "a full disk", "make room and run again: what is finished is kept"
        else:
            received, hint = f"the message “{error}”", "see if the disk is full or write-protected"
        refuse("", expected=expected, received=received, hint=hint, file=path)
    except sqlite3.DatabaseError as error:
        _refuse(path, f"another or a damaged file ({error})")


def _refuse(path: Path, received: str) -> NoReturn:
    hint = "move it away, or choose another folder"
    refuse("", expected="the records of an mlplab run", received=received, hint=hint, file=path)
