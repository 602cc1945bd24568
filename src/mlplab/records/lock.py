"""One run at a time in a results folder: a lock that the operating system gives and takes back.

It dies with its process, however that ends, so no stale lock is ever left behind.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlplab.declarations.problems import refuse

LOCK_FILE = ".lock"
_POLL_SECONDS = 0.1
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    # Locked bytes cannot be read by others there, so a byte far behind the process id is locked.
    _LOCKED_BYTE = 2**20

    def _lock(handle: int) -> None:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)

    _look = _lock
else:
    import fcntl

    def _lock(handle: int, kind: int = fcntl.LOCK_EX) -> None:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)

    def _look(handle: int) -> None:
        _lock(handle, fcntl.LOCK_SH)


@contextmanager
def only_run(folder: Path, waiting: Callable[[int | None], None]) -> Iterator[None]:
    """Hold the folder's lock; while another run holds it, call `waiting(its pid)` once and wait.

    Raises:
        BadInput: the file system cannot lock files, or the lock file is a symbolic link.
    """
    path = folder / LOCK_FILE
    handle = _open(path)
    try:
        if not _taken(handle, path):
            time.sleep(_POLL_SECONDS)  # Whoever only looks if it is held lets go at once.
        if not _taken(handle, path):
            waiting(_holder(path))
            while not _taken(handle, path):
                time.sleep(_POLL_SECONDS)
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def is_held(folder: Path) -> bool:
    """Whether a run is at work in a folder."""
    try:
        handle = os.open(folder / LOCK_FILE, os.O_RDWR | _PLAIN)
    except OSError:
        return False
    try:
        _look(handle)
    except OSError as error:
        return error.errno in _HELD
    finally:
        os.close(handle)
    return False


def _open(path: Path) -> int:
    """Open the lock file, but not another file that a symbolic link of this name points to."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError:
        if not path.is_symlink():
            raise
        refuse("", expected="a lock file", received="a symbolic link", hint="remove it", file=path)


def _taken(handle: int, path: Path) -> bool:
    try:
        _lock(handle)
    except OSError as error:
        if error.errno in _HELD:
            return False
        refuse(
            "",
            expected="a folder in which files can be locked, so that two runs cannot collide",
            received=f"a file system that cannot ({error.strerror})",
            hint="choose a folder on a local disk",
            file=path.parent,
        )
    return True


def _holder(path: Path) -> int | None:
    """Return the process id that the holder wrote, if it has come to that."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
