"""Files that are there whole or not at all, whenever the program is killed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlplab.declarations.problems import refuse

_MARK = ".unfinished-"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is written there takes its place at the end.

    The temporary name ends like the final one, for writers that look at the ending. If the block
    raises, nothing at `path` changes and the temporary file is removed. A link is followed, and
    what is no file, such as /dev/null, is written to as it is.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        yield path
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{_MARK}{uuid.uuid4().hex}{path.suffix}")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        # The new name is safe from a power cut only once its folder is on disk too.
        _flush(path.parent)


@contextmanager
def writable(
    place: Path,
    expected: str = "a place that can be written to",
    hint: str = "make room there, give yourself the right to write there, or choose another",
) -> Iterator[None]:
    """Turn what the operating system says against writing a file or folder into a sentence.

    Raises:
        BadInput: the block could not write.
    """
    try:
        yield
    except OSError as error:
        received = str(error.strerror or error).lower()
        refuse("", expected=expected, received=received, hint=hint, file=error.filename2 or place)


def remove_unfinished(folder: Path) -> None:
    """Remove temporary files that a killed program left; only while nobody else writes there."""
    for leftover in folder.glob(f"{_MARK}*"):
        leftover.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Have the operating system put a file or folder on disk."""
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
