"""The four files of a known set: found, or fetched, and held against their published sums.

A file is looked for under `$MLPLAB_DATA/<name>/` (gzipped or not), then in the user's cache, then
downloaded into that cache. What the user put under `MLPLAB_DATA` is never passed over: if it is
broken, it is named. A broken file in the cache is mlplab's own affair and is fetched anew.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from mlplab.data.announcing import Announce
from mlplab.data.download import NoMirrorError, download
from mlplab.data.files import DataFile, content_of
from mlplab.data.mirrors import SOURCES, SourceFile
from mlplab.declarations.problems import refuse
from mlplab.user_folders import cache_folder as folder_of_cache

_WHERE = "data.name"


@dataclass(frozen=True)
class KnownFile(DataFile):
    """Where a file of a known set lies, and what it is held against."""

    set_name: str
    source: SourceFile
    in_cache: bool
    """Whether mlplab downloaded it, and may do so again."""


def own_folder(name: str) -> Path | None:
    """The user's folder of a set, if MLPLAB_DATA is set."""
    root = os.environ.get("MLPLAB_DATA")
    return Path(os.path.expanduser(root)) / name if root else None


def cache_folder(name: str) -> Path | None:
    """Where downloads of a set are kept; None for a user without a home."""
    folder = folder_of_cache()
    return None if folder is None else folder / name


def locate(name: str) -> tuple[KnownFile | None, ...]:
    """Where each of the four files lies, None where it must be fetched; opens none of them."""
    return tuple(_locate(name, file) for file in SOURCES[name].files)


def fetch_missing(name: str, announce: Announce) -> tuple[KnownFile, ...]:
    """Like `locate`, with what is missing fetched first."""
    found = []
    for file in SOURCES[name].files:
        place = _locate(name, file)
        if place is None:
            _fetch(name, file, announce)
            place = _locate(name, file)
            assert place is not None
        found.append(place)
    return tuple(found)


def read(file: KnownFile, announce: Announce) -> bytes | bytearray:
    """The uncompressed bytes of a file, held against its published sum.

    A file from the cache that is not what was published is fetched anew. The published sum of the
    uncompressed bytes holds wherever the file came from; where only that of the .gz is published,
    a file that the user put in place may have been compressed anew, and is then taken on its form
    alone, with a word said.
    """
    if file.in_cache:
        reason = _difference(file.path, file.source)
        if reason is not None:
            announce(f"{file.path} is damaged ({reason}); it is fetched anew")
            _fetch(file.set_name, file.source, announce)
        return content_of(file)
    content = content_of(file)
    published = file.source.sha256
    if published is not None:
        received = hashlib.sha256(content).hexdigest()
        if received != published:
            file.refuse(
                f"the file that {file.set_name} was published with (SHA-256 of the uncompressed "
                f"bytes {published})",
                f"another one ({received})",
                "it is damaged or of another set: put the published file there, or remove it to "
                "have it fetched",
            )
    elif _md5(file.path) != file.source.md5:
        announce(
            f"{file.path} is not the published .gz, so its sum cannot be checked; "
            "it is taken if its form is right"
        )
    return content


def _locate(name: str, file: SourceFile) -> KnownFile | None:
    own, kept = own_folder(name), cache_folder(name)
    places: list[tuple[Path, bool]] = []
    if own is not None:
        for stem in (file.name, file.name.replace("-idx", ".idx")):
            places += [(own / f"{stem}.gz", False), (own / stem, False)]
    if kept is not None:
        places.append((kept / f"{file.name}.gz", True))
    for path, in_cache in places:
        if path.exists():
            state = path.stat()
            return KnownFile(path, _WHERE, state.st_size, state.st_mtime_ns, name, file, in_cache)
    return None


def _fetch(name: str, file: SourceFile, announce: Announce) -> None:
    folder = cache_folder(name)
    if folder is None:
        refuse(
            _WHERE,
            expected=f"a folder to download {name} into",
            received="a user without a home",
            hint=f"set MLPLAB_DATA to the folder that holds {name}/, or HOME to a folder",
        )
    target = folder / f"{file.name}.gz"
    urls = [mirror + target.name for mirror in SOURCES[name].mirrors]
    try:
        download(urls, target, wrong=lambda path: _difference(path, file), announce=announce)
    except NoMirrorError as error:
        own = own_folder(name)
        reasons = "; ".join(f"{a.url}: {a.reason}" for a in error.attempts)
        names = ", ".join(f"{f.name}.gz" for f in SOURCES[name].files)
        place = (
            f"in {own}"
            if own
            else f"in {target.parent}, or in DIR/{name} with MLPLAB_DATA set to DIR"
        )
        refuse(
            _WHERE,
            expected=f"{target.name} of {name}, on this machine or from a mirror",
            received=f"no file here and no mirror that serves it ({reasons})",
            hint=f"try again later, or put {names} (gzipped or not) {place}",
        )
    except OSError as error:
        refuse(
            _WHERE,
            expected=f"a folder to download {name} into",
            received=f"{target.parent}, which cannot be written to ({error.strerror})",
            hint="make room or give yourself the right to write there, or set MLPLAB_DATA to the "
            f"folder that holds {name}/",
        )


def _difference(path: Path, file: SourceFile) -> str | None:
    """What tells a downloaded .gz from the published one, None if nothing does."""
    if file.sha256 is None:
        received = _md5(path)
        return None if received == file.md5 else f"its MD5 is {received}, not {file.md5}"
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        return f"it cannot be unpacked: {error}"
    received = hashlib.sha256(content).hexdigest()
    same = received == file.sha256
    return None if same else f"unpacked its SHA-256 is {received}, not {file.sha256}"


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
