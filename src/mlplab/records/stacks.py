"""The plan of stacks: written before training, so that a run that was killed can go on in it.

What a network becomes may depend, in the last bit, on the stack it trains in; a resumed run
therefore trains exactly the stacks that were recorded.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from mlplab.records.database import transaction

WEIGHTS_FOLDER = "weights"


@dataclass(frozen=True)
class PlannedStack:
    """Runs that train together."""

    keys: tuple[str, ...]
    """Of the runs, in the order in which they lie in the stack."""
    threads: int
    precision: str
    device: str

    @cached_property
    def id(self) -> str:
        """A name made of the contents: the same stack has the same name wherever it is planned."""
        content = json.dumps([self.keys, self.threads, self.precision, self.device])
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def weights_file(folder: Path, stack: str) -> Path:
    """Return where the weights of a stack lie in a results folder."""
    return folder / WEIGHTS_FOLDER / f"{stack}.safetensors"


def unfinished(connection: sqlite3.Connection) -> list[PlannedStack]:
    """Return the recorded stacks that are not finished, in the order of the plan."""
    rows = connection.execute(
        "SELECT id, threads, precision, device, key FROM stack JOIN stack_member ON stack = id"
        " WHERE state != 'finished' ORDER BY stack.place, id, stack_member.place"
    )
    return [
        PlannedStack(tuple(key for *_, key in its), *settings)
        for (_, *settings), its in groupby(rows, key=lambda row: row[:-1])
    ]


def store_plan(
    connection: sqlite3.Connection,
    plan: Sequence[PlannedStack],
    given_up: Iterable[PlannedStack] = (),
) -> None:
    """Record the stacks that are about to be trained, and forget those that no longer fit."""
    with transaction(connection):
        connection.executemany("DELETE FROM stack WHERE id = ?", [(s.id,) for s in given_up])
        for place, stack in enumerate(plan):
            connection.execute("DELETE FROM stack WHERE id = ?", (stack.id,))
            connection.execute(
                "INSERT INTO stack (id, place, threads, precision, device, state)"
                " VALUES (?, ?, ?, ?, ?, 'planned')",
                (stack.id, place, stack.threads, stack.precision, stack.device),
            )
            connection.executemany(
                "INSERT INTO stack_member (stack, place, key) VALUES (?, ?, ?)",
                [(stack.id, member, key) for member, key in enumerate(stack.keys)],
            )


def record_failure(connection: sqlite3.Connection, stack: PlannedStack, log: str) -> None:
    """Record that a stack could not be trained, and why."""
    with transaction(connection):
        connection.execute(
            "UPDATE stack SET state = 'failed', log = ? WHERE id = ?", (log, stack.id)
        )


def failures(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the logs of failed stacks, by the key of every run in them."""
    return dict(
        connection.execute(
            "SELECT key, log FROM stack JOIN stack_member ON stack = id WHERE state = 'failed'"
        )
    )
