"""Finished runs in the database: written with their stack, read in bulk."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING

from mlplab.records.database import now, rows_of_keys, transaction
from mlplab.records.stacks import PlannedStack

if TYPE_CHECKING:
    import numpy as np

_INFINITE = {math.inf: "1e999", -math.inf: "-1e999"}
"""JSON has no infinity, but a number too large to hold reads back as one."""


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """One network and seed, trained: everything that is recorded of it but its weights."""

    key: str
    content: str
    """What the key is the hash of."""
    seed: int
    layers: tuple[int, ...]
    steps: np.ndarray
    """(evaluation,) int64."""
    curves: Mapping[tuple[str, str], np.ndarray]
    """(split, metric) → (evaluation,) float64."""
    diverged_at: int | None
    stopped_at: int
    seconds: float
    evaluation: str | None
    """JSON."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A run as it stands in the database, without curves and evaluation."""

    key: str
    layers: tuple[int, ...]
    steps_json: str
    diverged_at: int | None
    stopped_at: int
    seconds: float
    stack: str

    @cached_property
    def steps(self) -> np.ndarray:
        """(evaluation,) int64, the evaluated steps; runs that have the same share one array."""
        return _decode_steps(self.steps_json)


def record_stack(
    connection: sqlite3.Connection,
    stack: PlannedStack,
    runs: Sequence[FinishedRun],
    environment: int,
) -> None:
    """Record a stack and all its runs as finished, in one transaction.

    The weights must be on disk already.
    """
    finished_at = now()
    rows = [
        (
            run.key,
            run.content,
            run.seed,
            json.dumps(run.layers),
            json.dumps(run.steps.tolist()),
            run.diverged_at,
            run.stopped_at,
            run.seconds,
            run.evaluation,
            stack.id,
            environment,
            finished_at,
        )
        for run in runs
    ]
    curves = [
        (run.key, split, metric, encode_numbers(values))
        for run in runs
        for (split, metric), values in run.curves.items()
    ]
    with transaction(connection):
        keys = [(run.key,) for run in runs]
        connection.executemany("DELETE FROM run WHERE key = ?", keys)
        connection.executemany("DELETE FROM seal WHERE key = ?", keys)
        connection.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.executemany(
            "INSERT INTO curve (key, split, metric, value) VALUES (?, ?, ?, ?)", curves
        )
        connection.execute(
            "UPDATE stack SET state = 'finished', log = NULL WHERE id = ?", (stack.id,)
        )


def finished_stacks(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the stack in which each recorded run was trained, by key."""
    return dict(connection.execute("SELECT key, stack FROM run"))


def contents(connection: sqlite3.Connection, keys: Iterable[str]) -> dict[str, str]:
    """Return what the keys of recorded runs are the hashes of."""
    return dict(rows_of_keys(connection, "SELECT key, content FROM run WHERE key IN ({})", keys))


def read_runs(connection: sqlite3.Connection, keys: Iterable[str]) -> dict[str, RunRecord]:
    """Return the recorded runs among some keys, in bulk."""
    query = (
        "SELECT key, layers, steps, diverged_at, stopped_at, seconds, stack FROM run"
        " WHERE key IN ({})"
    )
    layers_of = cache(_decode_layers)  # thousands of runs have few distinct shapes
    return {
        key: RunRecord(key, layers_of(layers), steps, *rest)
        for key, layers, steps, *rest in rows_of_keys(connection, query, keys)
    }


def _decode_layers(text: str) -> tuple[int, ...]:
    return tuple(map(int, json.loads(text)))


@lru_cache(maxsize=100)
def _decode_steps(text: str) -> np.ndarray:
    import numpy as np

    steps = np.array(json.loads(text), dtype=np.int64)
    steps.flags.writeable = False  # runs share it
    return steps


def read_curves(
    connection: sqlite3.Connection, keys: Iterable[str], only: tuple[str, str] | None = None
) -> dict[str, dict[tuple[str, str], np.ndarray]]:
    """Return the curves of some runs, in bulk: key → (split, metric) → (evaluation,) float64.

    only: the split and metric that are wanted, where not all.
    """
    found: dict[str, dict[tuple[str, str], np.ndarray]] = {}
    which = "" if only is None else "split = ? AND metric = ? AND "
    query = f"SELECT key, split, metric, value FROM curve WHERE {which}key IN ({{}}) ORDER BY rowid"
    for key, split, metric, text in rows_of_keys(connection, query, keys, only or ()):
        found.setdefault(key, {})[split, metric] = decode_numbers(text)
    return found


def read_evaluation(connection: sqlite3.Connection, key: str) -> str | None:
    """Return the evaluation of a run as JSON, None if it diverged."""
    row = connection.execute("SELECT evaluation FROM run WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def encode_numbers(values: np.ndarray) -> str:
    """Write numbers as a JSON list that reads back to the same bits; NaN becomes null."""
    numbers = values.tolist()
    text = str(numbers).replace(" ", "")
    if "n" in text:  # NaN or infinity
        text = "[" + ",".join(map(_encode, numbers)) + "]"
    return text


def decode_numbers(text: str) -> np.ndarray:
    """Read what `encode_numbers` wrote: (evaluation,) float64."""
    import numpy as np

    return np.array(json.loads(text), dtype=np.float64)  # NumPy reads None as NaN


def _encode(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return _INFINITE.get(value, "null")
