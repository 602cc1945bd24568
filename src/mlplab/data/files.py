"""Files of data: regular, readable, and small enough for memory before they are read."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NoReturn

from mlplab.declarations.problems import BadInput, Problem, did_you_mean, refuse, shown

GZIP = b"\x1f\x8b"
_BLOCK = 1 << 22


@dataclass(frozen=True)
class DataFile:
    """A file that exists; equal while nobody writes to it."""

    path: Path
    where: str
    """The setting that names it."""
    size: int
    modified: int
    """Nanoseconds since 1970."""

    def problem(
        self,
        expected: str,
        received: str,
        hint: str | None,
        *,
        line: int | None = None,
        where: str | None = None,
    ) -> Problem:
        """What is wrong with the file. where: a setting, where it is not the one that names it."""
        return Problem(where or self.where, expected, received, hint, line, str(self.path))

    def refuse(
        self,
        expected: str,
        received: str,
        hint: str | None,
        *,
        line: int | None = None,
        where: str | None = None,
    ) -> NoReturn:
        """Raise BadInput with one problem; see `problem`."""
        raise BadInput(self.problem(expected, received, hint, line=line, where=where))


def own_file(folder: Path, path: str, setting: str) -> DataFile:
    """The file that `data.<setting>` names, relative to the study's folder.

    A pipe or a device is refused: reading it could wait or go on for ever.
    """
    where = f"data.{setting}"
    full = own_path(folder, path, where)
    state = _state(full, path, where)
    file = DataFile(full, where, state.st_size, state.st_mtime_ns)
    if stat.S_ISDIR(state.st_mode):
        file.refuse("a file", "a folder", "name the file that is meant")
    if not stat.S_ISREG(state.st_mode):
        file.refuse("a file", "a pipe or device", "write what it gives to a file")
    return file


def own_path(folder: Path, path: str, where: str) -> Path:
    """A declared path in full, which a file, a folder or nothing may lie at."""
    try:
        return folder / Path(path).expanduser()
    except RuntimeError:
        refuse(
            where,
            expected="a path",
            received=f"{shown(path, 200)}, which names the home of a user who is not here",
            hint="write the path in full",
        )


def _state(full: Path, path: str, where: str) -> os.stat_result:
    try:
        return full.stat()
    except (FileNotFoundError, NotADirectoryError):
        refuse(
            where,
            expected="a file",
            received=f"{shown(path, 200)}, where nothing is",
            hint=did_you_mean(full.name, _beside(full))
            or "correct the path, which is relative to the study's own folder",
            file=full,
        )
    except (OSError, ValueError) as error:
        refuse(
            where,
            expected="a file that can be read",
            received=f"a path that cannot be followed ({getattr(error, 'strerror', 0) or error})",
            hint="correct the path",
        )


def _beside(full: Path) -> list[str]:
    try:
        return [file.name for file in islice(full.parent.iterdir(), 1000)]
    except OSError:
        return []


def memory_limit() -> int:
    """Bytes that data may take: half of this machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return 1 << 33


def require_memory(needed: int, file: DataFile, what: str = "data") -> None:
    """Refuse what would not fit into memory, before it is read."""
    if needed > memory_limit():
        file.refuse(
            f"{what} of at most {memory_limit() / 1e9:,.1f} GB, half of this machine's memory",
            f"at least {needed / 1e9:,.1f} GB",
            "take fewer rows or columns",
        )


def content_of(
    file: DataFile, *, at_most: int | None = None, needed: Callable[[bytes], int] = len
) -> bytes | bytearray:
    """The bytes of a file, unpacked where it is gzipped; an unreadable or empty one is refused.

    at_most: bytes to read from its beginning, for who wants a header only.
    needed: bytes of memory that a block of the content will take at least, these bytes included.
    """
    try:
        with file.path.open("rb") as stream:
            state = os.fstat(stream.fileno())
            if not stat.S_ISREG(state.st_mode):  # it may have become a pipe since it was found
                file.refuse("a file", "a pipe or device", None)
            packed = stream.read(2) == GZIP
            stream.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=stream) as unpacking:
                    content = _read(unpacking, file, at_most, needed)
            else:
                if at_most is None:
                    require_memory(state.st_size, file)
                content = _read(stream, file, at_most, needed)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        file.refuse(
            "a whole gzip file",
            f"one that cannot be unpacked ({error})",
            "it is cut short or damaged: fetch or write it again",
        )
    except OSError as error:
        if file.path.is_dir():
            file.refuse("a file that can be read", "a folder", "name the file that is meant")
        file.refuse(
            "a file that can be read",
            (error.strerror or "one that cannot").lower(),
            "give yourself the right to read it",
        )
    if not content:
        received = "an empty file" + (", packed" if packed else "")
        file.refuse("a file with data", received, "write it again")
    return content


def is_packed(file: DataFile) -> bool:
    """Whether a file is gzipped."""
    with file.path.open("rb") as stream:
        return stream.read(2) == GZIP


def _read(
    stream: BinaryIO | gzip.GzipFile,
    file: DataFile,
    at_most: int | None,
    needed: Callable[[bytes], int],
) -> bytearray:
    """The content, held against memory while it is read: packed, it may be of any size."""
    content, total = bytearray(), 0
    while at_most is None or len(content) < at_most:
        block = stream.read(_BLOCK if at_most is None else at_most - len(content))
        if not block:
            break
        content += block
        total += needed(block)
        require_memory(total, file)
    return content
