"""Seals, by which a later change of the records shows.

Each finished run has a seal: the SHA-256 of its row, its curves and its weights. What was asked and
what came of it is a chain, of which each link holds the hash of all before it: questions, written
before training, studies, and at the end of each run a link with all seals. Whoever changes a number
and its seal must make all later links anew, and the last hash, which the report and an archive
show, is then another one.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mlplab.records.database import DATABASE_FILE, has_table, reading, rows_of_keys, transaction
from mlplab.records.stacks import weights_file

_RUN = (
    "SELECT key, stack, content, seed, layers, steps, diverged_at, stopped_at, seconds, evaluation"
    " FROM run WHERE key IN ({})"
)
_CURVES = (
    "SELECT key, split, metric, value FROM curve WHERE key IN ({}) ORDER BY key, split, metric"
)


def add_link(connection: sqlite3.Connection, what: str, name: str, content: Sequence[Any]) -> None:
    """Add a link to the chain, within a transaction.

    what: study, question or results; content: plain values of which its digest is made.
    """
    digest = _digest(content)
    link = _hash(last_hash(connection) or "", what, name, digest)
    connection.execute(
        "INSERT INTO chain (what, name, digest, hash) VALUES (?, ?, ?, ?)",
        (what, name, digest, link),
    )


def last_hash(connection: sqlite3.Connection) -> str | None:
    """Return the hash of all that was recorded; None of records without a chain."""
    if not has_table(connection, "chain"):
        return None
    row = connection.execute("SELECT hash FROM chain ORDER BY place DESC LIMIT 1").fetchone()
    return row[0] if row else None


def seal_runs(connection: sqlite3.Connection, folder: Path) -> None:
    """Seal the finished runs that have no seal, also those that a killed run left, and add a link.

    A run whose weights cannot be read gets none.
    """
    query = "SELECT key, stack FROM run WHERE key NOT IN (SELECT key FROM seal)"
    new = dict(connection.execute(query).fetchall())
    found = dict(_digests(connection, folder, new))
    if found:
        with transaction(connection):
            connection.executemany("INSERT INTO seal VALUES (?, ?)", sorted(found.items()))
            add_link(connection, "results", str(len(found)), _all_seals(connection))


def broken_seals(folder: Path) -> Iterator[str]:
    """Say all that does not fit its seal: a run, a question, the study, the chain itself.

    Raises:
        BadInput: the folder holds no records.
    """
    with reading(folder) as connection:
        # A row that an index no longer finds is passed over by whatever reads through the index.
        state = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if state != "ok":
            yield f"{DATABASE_FILE} is damaged: {state}"
        if last_hash(connection) is not None:
            yield from _broken_runs(connection, folder)
            yield from _broken_chain(connection)


def unsealed(folder: Path) -> int:
    """Count the finished runs that have no seal.

    Raises:
        BadInput: the folder holds no records.
    """
    with reading(folder) as connection:
        sealed = "WHERE key NOT IN (SELECT key FROM seal)" if has_table(connection, "seal") else ""
        return connection.execute(f"SELECT count(*) FROM run {sealed}").fetchone()[0]


def _broken_runs(connection: sqlite3.Connection, folder: Path) -> Iterator[str]:
    seals = dict(connection.execute("SELECT key, digest FROM seal").fetchall())
    stacks = dict(connection.execute("SELECT key, stack FROM run").fetchall())
    names = {
        key: f"{network}, seed {seed}"
        for network, seed, key in connection.execute("SELECT network, seed, key FROM member")
    }
    found = dict(_digests(connection, folder, {k: s for k, s in stacks.items() if k in seals}))
    for key, digest in seals.items():
        told = names.get(key, f"the run {key[:12]}")
        if key not in stacks:
            yield f"{told}: its record is gone"
        elif key not in found:
            yield f"{told}: its weights are gone, or damaged"
        elif found[key] != digest:
            yield f"{told}: its weights, curves or evaluation were changed after training"


def _broken_chain(connection: sqlite3.Connection) -> Iterator[str]:
    before, last = "", dict[str, tuple[str, str]]()
    questions: dict[str, str] = {}
    links = connection.execute("SELECT what, name, digest, hash FROM chain ORDER BY place")
    for number, (what, name, digest, link) in enumerate(links.fetchall(), start=1):
        if link != _hash(before, what, name, digest):
            yield f"link {number} of the chain does not fit those before it"
            return
        before, last[what] = link, (name, digest)
        if what == "question":
            questions[name] = digest
    rows = connection.execute("SELECT * FROM question").fetchall()
    for row in rows:
        asked = json.dumps(json.loads(row[1]).get("ask", ""), ensure_ascii=False)
        if row[0] not in questions:
            yield f"the question {asked} has no link: it was added afterwards"
        elif _digest(row) != questions[row[0]]:
            yield f"the question {asked} was changed after it was written down"
    if questions.keys() - {row[0] for row in rows}:
        yield "a question that was written down is gone"
    latest = "SELECT resolved, precision, device FROM study ORDER BY id DESC LIMIT 1"
    study = connection.execute(latest).fetchone()
    if study and "study" in last and _digest(study) != last["study"][1]:
        yield "the study was changed after it was run: its networks or its questions"
    if "results" in last and _digest(_all_seals(connection)) != last["results"][1]:
        yield "the seals of the runs are others than at the end of the last run"


def _all_seals(connection: sqlite3.Connection) -> list[Any]:
    return connection.execute("SELECT key, digest FROM seal ORDER BY key").fetchall()


def _digests(
    connection: sqlite3.Connection, folder: Path, stack_of: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Each run's key with the digest of all that it left; without those that cannot be read."""
    made = {
        key: hashlib.sha256(_text(row)) for key, *row in rows_of_keys(connection, _RUN, stack_of)
    }
    for key, *curve in rows_of_keys(connection, _CURVES, stack_of):
        made[key].update(_text(curve))
    for stack in dict.fromkeys(stack_of.values()):
        for key, tensor in _tensors(weights_file(folder, stack)):
            if stack_of.get(key) == stack:
                made[key].update(tensor)
    present = {stack for stack in set(stack_of.values()) if weights_file(folder, stack).is_file()}
    yield from ((key, one.hexdigest()) for key, one in made.items() if stack_of[key] in present)


def _tensors(path: Path) -> Iterator[tuple[str, bytes | memoryview]]:
    """Of each tensor of a safetensors file the run's key, with what describes it, then its bytes.

    A file that is gone or damaged has none.
    """
    try:
        content = memoryview(path.read_bytes())
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(bytes(content[8:start]))
        for name in sorted(header.keys() - {"__metadata__"}):
            key, (first, last) = name.partition(".")[0], header[name]["data_offsets"]
            yield key, _text([name, header[name]["dtype"], header[name]["shape"]])
            yield key, content[start + first : start + last]
    except (OSError, ValueError, LookupError, TypeError):
        return


def _text(values: Iterable[Any]) -> bytes:
    """Values without control characters, so that no two lists have one text."""
    return "\x1f".join(map(str, values)).encode()


def _hash(before: str, *link: str) -> str:
    return _digest([before, *link])


def _digest(content: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps(list(content)).encode()).hexdigest()
