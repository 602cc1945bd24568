"""One file with all that is recorded of a study: written, and unpacked again after a check."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import distributions, version
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import NoReturn

from mlplab.declarations.problems import refuse
from mlplab.records.atomic import replacing, writable
from mlplab.records.database import DATABASE_FILE, reading
from mlplab.records.preparations import PREPARATIONS_FOLDER
from mlplab.records.seals import last_hash
from mlplab.records.stacks import WEIGHTS_FOLDER

MANIFEST_FILE, LOCK_FILE, DATA_FILE = "manifest.json", "requirements.txt", "data.json"
_FORMAT = 1
_KEPT = ("report.html", "report.md", "study.json")
_FOLDERS = (WEIGHTS_FOLDER, PREPARATIONS_FOLDER, "figures", "analyses")
_LARGEST_MANIFEST = 100 * 2**20
_AT_ONCE = 2**20


def write_archive(folder: Path, out: Path) -> str:
    """Write a results folder as one zip file, stored as it is; returns the last hash of its chain.

    It holds records, weights, preparations, report and study, the digest of each run's data, the
    versions of all packages here as a requirements file, and a manifest with the SHA-256 of each
    file. Data sets are not in it.

    Raises:
        BadInput: the folder holds no records, or the file cannot be written.
    """
    with reading(folder) as connection:
        seal, digests = last_hash(connection), _data_digests(connection)
    texts = {
        LOCK_FILE: "".join(f"{name}=={number}\n" for name, number in _packages()),
        DATA_FILE: json.dumps(digests, indent=1) + "\n",
    }
    with writable(out), replacing(out) as path, zipfile.ZipFile(path, "w") as file:
        held: dict[str, str] = {}
        for place, name in _files(folder):
            with TemporaryDirectory() as temporary:
                source = _database_copy(place, Path(temporary)) if _is_database(place) else place
                file.write(source, name)
                held[name] = _sha256(source)
        for name, text in texts.items():
            file.writestr(name, text)
            held[name] = hashlib.sha256(text.encode()).hexdigest()
        manifest = {
            "format": _FORMAT,
            "study": folder.resolve().name,
            "mlplab": version("mlplab"),
            "seal": seal,
            "files": held,
        }
        file.writestr(MANIFEST_FILE, json.dumps(manifest, indent=1) + "\n")
    return seal or "none"


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Yield a temporary folder with the results of an archive, of which each file was checked.

    Raises:
        BadInput: it is no archive of mlplab, is damaged, or holds other files than its manifest says.
    """
    with TemporaryDirectory() as temporary:
        try:
            with zipfile.ZipFile(archive) as file:
                _unpack(file, archive, Path(temporary))
        except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError,
                NotImplementedError, RuntimeError) as error:  # fmt: skip
            _refuse(archive, f"a file that cannot be read so ({error})")
        yield Path(temporary)


def _unpack(file: zipfile.ZipFile, archive: Path, to: Path) -> None:
    if file.getinfo(MANIFEST_FILE).file_size > _LARGEST_MANIFEST:
        raise ValueError("a manifest that is too large")
    manifest = json.loads(file.read(MANIFEST_FILE))
    if manifest["format"] != _FORMAT:
        _refuse(archive, f"one of format {manifest['format']!r}")
    held = manifest["files"]
    names = [info.filename for info in file.infolist() if info.filename != MANIFEST_FILE]
    if sorted(names) != sorted(held):
        _refuse(archive, "other files than its manifest says")
    for name, digest in held.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            _refuse(archive, f"the file {name!r}, which would lie elsewhere")
        if file.getinfo(name).compress_type != zipfile.ZIP_STORED:
            _refuse(archive, "files that are compressed, which mlplab never writes")
        target = to / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open(name) as source, target.open("wb") as copy:
            while part := source.read(_AT_ONCE):
                copy.write(part)
        if _sha256(target) != digest:
            _refuse(archive, f"the file {name}, changed after the archive was written")


def _refuse(archive: Path, received: str) -> NoReturn:
    expected = "an archive as mlplab archive writes it"
    refuse("", expected=expected, received=received, hint="have it sent again", file=archive)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file that belongs to the results, with its name in the archive."""
    for place in (folder, folder / "tuning"):
        if not (place / DATABASE_FILE).is_file():
            continue
        files = [place / DATABASE_FILE, *(place / name for name in _KEPT)]
        for name in _FOLDERS:
            files += sorted((place / name).rglob("*"))
        for path in files:
            if path.is_file() and not path.name.startswith("."):
                yield path, path.relative_to(folder).as_posix()


def _is_database(path: Path) -> bool:
    return path.name == DATABASE_FILE


def _database_copy(path: Path, to: Path) -> Path:
    """A copy that is whole, even while a run writes."""
    copy = to / DATABASE_FILE
    with closing(sqlite3.connect(copy)) as target, reading(path.parent) as source:
        source.backup(target)
    return copy


def _data_digests(connection: sqlite3.Connection) -> dict[str, str]:
    """Network and seed → digest of the data that it was trained and tested on."""
    rows = connection.execute(
        "SELECT network, member.seed, content FROM member JOIN run USING (key) ORDER BY 1, 2"
    )
    return {f"{name}, seed {seed}": json.loads(content)["data"] for name, seed, content in rows}


def _packages() -> list[tuple[str, str]]:
    return sorted({(found.metadata["Name"], found.version) for found in distributions()})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
