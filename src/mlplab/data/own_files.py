"""The user's own files: regular, readable, and small enough for memory before they are read."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from mlplab.data.refusal import refuse
from mlplab.declarations.problems import did_you_mean, shown

GZIP = b"\x1f\x8b"
_BLOCK = 1 << 22


@dataclass(frozen=True)
class OwnFile:
    """A file that exists; equal while nobody writes to it."""

    path: Path
    where: str
    """The setting that names it."""
    size: int
    modified: int
    """Nanoseconds since 1970."""


def own_file(folder: Path, path: str, setting: str) -> OwnFile:
    """The file that `data.<setting>` names, relative to the study's folder.

    A pipe or a device is refused: reading it could wait or go on for ever.
    """
    where = f"data.{setting}"
    full = own_path(folder, path, where)
    state = _state(full, path, where)
    if not stat.S_ISREG(state.st_mode):
        refuse(
            where,
            expected="a file",
            received="a folder" if stat.S_ISDIR(state.st_mode) else "a pipe or device",
            hint="name the file that is meant"
            if stat.S_ISDIR(state.st_mode)
            else "write what it gives to a file",
            file=full,
        )
    return OwnFile(full, where, state.st_size, state.st_mtime_ns)


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


def require_memory(needed: int, file: Path, where: str, what: str = "data") -> None:
    """Refuse what would not fit into memory, before it is read."""
    if needed > memory_limit():
        refuse(
            where,
            expected=f"{what} of at most {memory_limit() / 1e9:,.1f} GB, half of this machine's "
            "memory",
            received=f"{needed / 1e9:,.1f} GB",
            hint="take fewer rows or columns",
            file=file,
        )


def content_of(file: OwnFile, *, at_most: int | None = None, copies: int = 1) -> bytes:
    """The bytes of a file, unpacked where it is gzipped; an unreadable or empty one is refused.

    at_most: bytes to read from its beginning, for who wants a header only.
    copies: how many times the content will stand in memory, counting these bytes.
    """
    return content_at(file.path, file.where, at_most=at_most, copies=copies)


def content_at(path: Path, where: str, *, at_most: int | None = None, copies: int = 1) -> bytes:
    """The bytes of a file of which only the path is known; see `content_of`."""
    try:
        with path.open("rb") as stream:
            size = _regular_size(stream.fileno(), path, where)
            packed = stream.read(2) == GZIP
            stream.seek(0)
            if packed:
                content = _unpacked(stream, path, where, at_most, copies)
            elif at_most is None:
                require_memory(size * copies, path, where)
                content = stream.read(size)
            else:
                content = stream.read(at_most)
    except OSError as error:
        refuse(
            where,
            expected="a file that can be read",
            received="a folder" if path.is_dir() else (error.strerror or "one that cannot").lower(),
            hint="name the file that is meant"
            if path.is_dir()
            else "give yourself the right to read it",
            file=path,
        )
    if not content:
        refuse(
            where,
            expected="a file with data",
            received="an empty file" + (", packed" if packed else ""),
            hint="write it again",
            file=path,
        )
    return content


def _regular_size(descriptor: int, path: Path, where: str) -> int:
    """The size of an open file; it may have become a pipe since it was found."""
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        refuse(where, expected="a file", received="a pipe or device", hint=None, file=path)
    return state.st_size


def _unpacked(stream: BinaryIO, path: Path, where: str, at_most: int | None, copies: int) -> bytes:
    """The unpacked bytes, counted against memory while they are unpacked."""
    parts, size = [], 0
    try:
        with gzip.GzipFile(fileobj=stream) as unpacking:
            while at_most is None or size < at_most:
                block = unpacking.read(_BLOCK if at_most is None else at_most - size)
                if not block:
                    break
                parts.append(block)
                size += len(block)
                require_memory(size * copies, path, where, "unpacked data")
    except (OSError, EOFError, zlib.error) as error:
        refuse(
            where,
            expected="a whole gzip file",
            received=f"one that cannot be unpacked ({error})",
            hint="it is cut short or damaged: fetch or write it again",
            file=path,
        )
    return b"".join(parts)
