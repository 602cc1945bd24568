"""The file by which a run is watched: its events, one line of JSON each, in its results folder.

The records know of a network once it is finished; what happens before stands here. The file of a
run takes the place of the last one's. Whoever reads it takes whole lines only, so that neither a
run that was killed nor one that is writing can show half of something. The other way goes a file
that asks the run to stop.
"""

from __future__ import annotations

import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mlplab.records.atomic import replacing
from mlplab.runner.events import (
    Event,
    OnEvent,
    RunPlanned,
    StackFailed,
    StackFinished,
    StackStarted,
    line_of,
)

LIVE_FILE = "live.jsonl"
STOP_FILE = ".stop"
_MOST_BYTES = 32 * 2**20
"""Beyond this the file begins again with what is in training: what is finished is recorded."""
_MOST_READ = 2**23
"""Bytes read at once, and so the longest line that is understood."""
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A link is not followed, and a named pipe not waited for."""


@contextmanager
def watched(folder: Path, on_event: OnEvent) -> Iterator[OnEvent]:
    """Yield an `on_event` that also writes the live file, begun anew.

    The folder's lock must be held. Where the file cannot be written, the run goes on unwatched.
    """
    with suppress(OSError):
        (folder / STOP_FILE).unlink(missing_ok=True)
    live = _LiveFile(folder / LIVE_FILE)

    def both(event: Event) -> None:
        live.write(event)
        on_event(event)

    try:
        yield both
    finally:
        live.close()


def also_watched(folder: Path, on_event: OnEvent) -> OnEvent:
    """An `on_event` for what follows training: written to the same file, and a request is heeded.

    It raises KeyboardInterrupt when a stop was asked for.
    """

    def both(event: Event) -> None:
        with suppress(OSError):
            handle = os.open(folder / LIVE_FILE, os.O_WRONLY | os.O_APPEND | _PLAIN)
            try:
                os.write(handle, line_of(event, at=time.time()).encode())
            finally:
                os.close(handle)
        on_event(event)
        if stop_is_asked(folder):
            raise KeyboardInterrupt

    return both


def ask_to_stop(folder: Path) -> None:
    """Ask the run in a folder to stop at its next safe moment, as Ctrl-C does."""
    with suppress(FileExistsError):
        os.close(os.open(folder / STOP_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN, 0o644))


def stop_is_asked(folder: Path) -> bool:
    """Whether someone asked the run in a folder to stop."""
    return os.path.lexists(folder / STOP_FILE)


@dataclass(frozen=True)
class Cursor:
    """How far a live file was read."""

    file: str = ""
    """Which one: another run writes another."""
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"

    @classmethod
    def of(cls, text: str) -> Cursor:
        """Read what `str` gave; the beginning where it is something else."""
        file, _, offset = text.partition(":")
        return cls(file, int(offset)) if offset.isascii() and offset.isdigit() else cls()


def lines_after(folder: Path, cursor: Cursor) -> tuple[list[bytes], Cursor]:
    """Return the whole lines of a live file after a cursor, and the cursor behind them.

    At most eight megabytes at once. Of another file than the cursor's they are the first.
    """
    try:
        if not stat.S_ISREG(os.lstat(folder / LIVE_FILE).st_mode):
            return [], cursor
        handle = os.open(folder / LIVE_FILE, os.O_RDONLY | _PLAIN)
    except OSError:
        return [], cursor
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        name = _name_in(file.readline(300))
        offset = cursor.offset if name == cursor.file and cursor.offset <= status.st_size else 0
        file.seek(offset)
        text = file.read(_MOST_READ)
    end = text.rfind(b"\n") + 1
    if not end and len(text) == _MOST_READ:
        end = len(text)  # A line too long to be one: it is passed over.
    return text[:end].splitlines(), Cursor(name, offset + end)


def has_lines_after(folder: Path, cursor: Cursor) -> bool:
    """Whether it is worth reading on: nearly always right, and quick."""
    try:
        status = os.stat(folder / LIVE_FILE, follow_symlinks=False)
    except OSError:
        return False
    return status.st_size != cursor.offset or status.st_mtime > time.time() - 2


def _name_in(first_line: bytes) -> str:
    """The name that a live file gives itself at the end of its first line."""
    return "".join(c for c in first_line[-40:].decode("ascii", "ignore") if c.isalnum())


class _LiveFile:
    """The file while it is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._planned: RunPlanned | None = None
        self._training: dict[str, StackStarted] = {}
        self._handle = -1
        self._size = 0
        self._begin()

    def write(self, event: Event) -> None:
        match event:
            case RunPlanned():
                self._planned = event
            case StackStarted():
                self._training[event.stack] = event
            case StackFinished():
                self._over(event.stack, len(event.members))
            case StackFailed():
                self._over(event.stack, 0)
        self._append(event)
        if self._size > _MOST_BYTES:
            self._begin()

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1

    def _over(self, stack: str, finished: int) -> None:
        """What is left of the plan."""
        started = self._training.pop(stack, None)
        if started is not None and self._planned is not None:
            left = max(0, self._planned.flops - started.flops)
            already = self._planned.already + finished
            self._planned = replace(self._planned, already=already, flops=left)

    def _begin(self) -> None:
        """Put a new file in place of the old one, with what is known of the run's state."""
        self.close()
        state = [event for event in (self._planned, *self._training.values()) if event]
        text = f'{{"event":"live_started","at":{time.time():.3f},"file":"{uuid.uuid4().hex}"}}\n'
        text += "".join(line_of(event, at=time.time()) for event in state)
        with suppress(OSError):
            with replacing(self._path) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | _PLAIN)
            self._size = len(text)

    def _append(self, event: Event) -> None:
        if self._handle < 0:
            return
        try:
            line = line_of(event, at=time.time()).encode()
            self._size += os.write(self._handle, line)
        except OSError:
            self.close()
