"""The results folders below one folder, each with its state, at little cost while runs go on."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlplab.declarations.problems import BadInput
from mlplab.records.database import DATABASE_FILE, has_records
from mlplab.records.lock import LOCK_FILE, is_held
from mlplab.records.results import TUNING_FOLDER, Results
from mlplab.runner.live import LIVE_FILE, Cursor, lines_after

_MARKS = (DATABASE_FILE, LIVE_FILE, LOCK_FILE)
_DEEPEST = 3
_MOST_LOOKED_AT = 10_000
"""Directories; beyond that the page shows what was found until then."""
_SECONDS_BETWEEN_LOOKS = 1.0
_PROGRESS = b'{"event": "stack_progressed"'
Signature = tuple[int, ...]


def results_folders(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the results folders in `root` by their name below it; `root` itself may be one.

    Links are not followed, so that nothing outside is found.
    """
    left = [(root, 0)]
    for looked, (folder, depth) in enumerate(left):
        if looked > _MOST_LOOKED_AT:
            return
        try:
            entries = {entry.name: entry for entry in os.scandir(folder)}
        except OSError:
            continue
        mark = next((entries[name] for name in _MARKS if name in entries), None)
        if mark is not None and all(not entries[n].is_symlink() for n in _MARKS if n in entries):
            name = folder.name if folder == root else folder.relative_to(root).as_posix()
            yield os.fsencode(name).decode("utf-8", "replace"), folder
        if depth < _DEEPEST:
            names = [TUNING_FOLDER] if mark is not None and folder != root else sorted(entries)
            below = (entries[name] for name in names if name in entries)
            left += [(folder / e.name, depth + 1) for e in below if e.is_dir(follow_symlinks=False)]


def signature(folder: Path) -> Signature:
    """Changes whenever the records of a folder do."""
    try:
        status = (folder / DATABASE_FILE).stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


@dataclass
class _Tally:
    """How far a folder's last run is, counted from its live file without its measurements."""

    cursor: Cursor = field(default_factory=Cursor)
    total: int = 0
    finished: int = 0
    failed: int = 0
    diverged: int = 0

    def read_on(self, folder: Path) -> None:
        while True:
            lines, cursor = lines_after(folder, self.cursor)
            if cursor.file != self.cursor.file:
                self.total = self.finished = self.failed = self.diverged = 0
            if cursor == self.cursor:
                return
            self.cursor = cursor
            for line in lines:
                if not line.startswith(_PROGRESS):
                    self._see(line)

    def _see(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            match event["event"]:
                case "run_planned":
                    self.total, self.finished = int(event["total"]), int(event["already"])
                case "stack_finished":
                    self.finished += len(event["members"])
                    self.diverged += len(event["diverged"])
                case "stack_failed" if not event["tried_again"]:
                    self.failed += len(event["members"])
        except (ValueError, KeyError, TypeError):
            return  # A damaged line tells nothing.


@dataclass
class _Known:
    """What is known of a folder."""

    path: Path
    tally: _Tally = field(default_factory=_Tally)
    records: Signature | None = None
    recorded: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    """Of its state; a later change has a larger one."""


class Folders:
    """All results folders below one, looked at once a second at most however many ask."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._known: dict[str, _Known] = {}
        self._gone: dict[str, int] = {}
        self._version = 0
        self._looked = -_SECONDS_BETWEEN_LOOKS
        self._lock = threading.Lock()

    def path(self, name: str) -> Path | None:
        """The results folder of a name, as `look` found it; None where there is none."""
        known = self._known.get(name)
        return None if known is None else known.path

    def changed_since(self, version: int) -> tuple[list[Mapping[str, Any]], list[str], int]:
        """The states of folders that changed after a version, the names of those that are gone
        since, and the version now; as `look` found them."""
        if version == self._version:
            return [], [], version
        with self._lock:
            states = [known.state for known in self._known.values() if known.version > version]
            gone = [name for name, since in self._gone.items() if since > version]
            return states, gone, self._version

    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() - self._looked >= _SECONDS_BETWEEN_LOOKS

    def look(self) -> None:
        """Look what has changed."""
        with self._lock:
            if self.is_due():
                self._look()
                self._looked = time.monotonic()

    def _look(self) -> None:
        found = dict(results_folders(self.root))
        for name in self._known.keys() - found.keys():
            self._version += 1
            self._gone[name] = self._version
            del self._known[name]
        for name, path in found.items():
            known = self._known.setdefault(name, _Known(path))
            self._gone.pop(name, None)
            state = {"name": name, **_state(known)}
            if state != known.state:
                self._version += 1
                known.state, known.version = state, self._version


def _state(known: _Known) -> Mapping[str, Any]:
    """What the list of studies says of a folder."""
    tally, running = known.tally, is_held(known.path)
    tally.read_on(known.path)
    if running:
        counts = {
            name: getattr(tally, name) for name in ("total", "finished", "failed", "diverged")
        }
        return {**known.recorded, **counts, "status": "running", "live": tally.cursor.file}
    now = signature(known.path)
    if now != known.records:
        known.records, known.recorded = now, _recorded(known.path)
    return {**known.recorded, "live": tally.cursor.file}


def _recorded(folder: Path) -> Mapping[str, Any]:
    """What the records say, once nobody writes to them."""
    if not has_records(folder):
        return {"status": "nothing recorded"}
    try:
        results = Results.open(folder)
    except BadInput as error:
        problem = error.problems[0]
        said = f"expected {problem.expected}, received {problem.received}"
        return {"status": "damaged", "problem": said}
    except Exception as error:
        return {"status": "damaged", "problem": f"{type(error).__name__}: {error}"}
    changed = (folder / DATABASE_FILE).stat().st_mtime
    return {
        "study": results.study.name,
        "status": "unfinished" if results.missing else "finished",
        "total": len(results.runs) + len(results.missing),
        "finished": len(results.runs),
        "failed": len(results.failures),
        "diverged": sum(run.diverged_at is not None for run in results.runs),
        "networks": len(results.study.networks),
        "questions": len(results.study.questions),
        "changed": changed,
    }
