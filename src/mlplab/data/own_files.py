"""The user's own files: found relative to the study, or refused with what lies there instead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlplab.data.refusal import refuse
from mlplab.declarations.problems import did_you_mean


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
    """The file that `data.<setting>` names, relative to the study's folder."""
    where = f"data.{setting}"
    full = folder / Path(path).expanduser()
    if full.is_file():
        state = full.stat()
        return OwnFile(full, where, state.st_size, state.st_mtime_ns)
    if full.is_dir():
        refuse(
            where,
            expected="a file",
            received="a folder",
            hint="name the file that is meant",
            file=full,
        )
    beside = [p.name for p in full.parent.iterdir()] if full.parent.is_dir() else []
    refuse(
        where,
        expected="a file",
        received="a path where nothing is",
        hint=did_you_mean(full.name, beside)
        or "correct the path, which is relative to the study's own folder",
        file=full,
    )


def content_of(file: OwnFile) -> bytes:
    """The bytes of a file; an unreadable or empty one is refused."""
    try:
        content = file.path.read_bytes()
    except OSError as error:
        refuse(
            file.where,
            expected="a file that can be read",
            received=(error.strerror or "one that cannot").lower(),
            hint="give yourself the right to read it",
            file=file.path,
        )
    if not content:
        refuse(
            file.where,
            expected="a file with data",
            received="an empty file",
            hint="write it again",
            file=file.path,
        )
    return content
