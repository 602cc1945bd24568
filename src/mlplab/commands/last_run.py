"""What a complete run left, so that the same run again can say at once that nothing is to do.

The same means: the same study, options and versions, and data files, records, weights and report
that have the size and time of change that they had then. A file that was changed less than a second
before is not trusted, since it could change again within the resolution of its time.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from mlplab.commands.output import Block, Table
from mlplab.declarations.initial_weights import Recorded
from mlplab.declarations.study import Study
from mlplab.records.atomic import replacing
from mlplab.records.database import DATABASE_FILE
from mlplab.records.stacks import WEIGHTS_FOLDER
from mlplab.records.studies import write_study
from mlplab.user_folders import cache_folder

REPORT_FILE = "report.html"
_FILE = ".last-run.json"
_TRUSTED_AFTER_SECONDS = 1.0
_MOST_FILES = 1000
"""Data of more files are read again rather than looked at one by one."""


@dataclass(frozen=True)
class LastRun:
    """A run after which nothing was missing."""

    conditions: str
    """Hash of all that must still be so."""
    runs: int
    """Networks × seeds."""
    outcome: tuple[Block, ...]
    """What was printed of it."""
    has_report: bool


def recall(study: Study, folder: Path, options: Sequence[str]) -> LastRun | None:
    """Return what the same run left the last time; None where anything has changed since."""
    try:
        known = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        outcome = tuple(map(_block, known.pop("outcome")))
        last = LastRun(outcome=outcome, **known)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    now = _conditions(study, folder, options, last.has_report)
    return last if last.conditions == now else None


def remember(
    study: Study,
    folder: Path,
    options: Sequence[str],
    outcome: Sequence[Block],
    has_report: bool,
    runs: int,
) -> None:
    """Keep what a complete run left; where that cannot be, the next one looks for itself."""
    conditions = _conditions(study, folder, options, has_report)
    if conditions is None:
        return
    last = LastRun(conditions, runs, tuple(outcome), has_report)
    with suppress(OSError), replacing(folder / _FILE) as temporary:
        temporary.write_text(json.dumps(asdict(last)), encoding="utf-8")


def _block(value: Any) -> Block:
    if isinstance(value, str):
        return value
    rows = tuple(tuple(row) for row in value["rows"])
    return Table(tuple(value["headers"]), rows, tuple(value["texts"]))


def _conditions(study: Study, folder: Path, options: Sequence[str], has_report: bool) -> str | None:
    kept = [folder / DATABASE_FILE, folder / WEIGHTS_FOLDER]
    kept += [folder / REPORT_FILE] if has_report else []
    kept += sorted(
        study.folder / network.initial_weights.run / DATABASE_FILE
        for network in study.networks.values()
        if isinstance(network.initial_weights, Recorded)
    )
    try:
        states = [_state(path) for path in kept]
        files = list(_data_files(study))
        data = [_state(path) for path in files]
    except OSError:
        return None
    newest = max((changed for _, changed in data), default=0)
    if len(files) > _MOST_FILES or newest > (time.time() - _TRUSTED_AFTER_SECONDS) * 1e9:
        return None
    versions = [version(name) for name in ("mlplab", "torch", "scikit-learn")]
    said = [versions, write_study(study), study.notes, list(options), states, data]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _data_files(study: Study) -> Iterator[Path]:
    """Every file that a study's data can come from, at most one more than are looked at."""
    declared = {network.data for network in study.networks.values()}
    declared |= {entry.unknown_data for entry in study.open_set if entry.unknown_data is not None}
    roots = [Path(root) for root in (os.environ.get("MLPLAB_DATA"), cache_folder()) if root]
    for data in sorted(declared, key=repr):
        names = [value for value in data.model_dump().values() if isinstance(value, str)]
        for place in [study.folder / name for name in names]:
            yield from _files(place)
        for place in [root / name for root in roots for name in names]:
            yield from _files(place)


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    elif place.is_dir():
        found = sorted(islice(place.rglob("*"), _MOST_FILES + 1))
        yield from (path for path in found if not path.is_dir())
