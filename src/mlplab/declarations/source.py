"""Where a study comes from: a file, a folder of configuration files, or those that ship."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mlplab.declarations.problems import Problem, Where, did_you_mean, quoted, refuse
from mlplab.declarations.reading.json_text import read_object
from mlplab.declarations.reading.names import plain
from mlplab.declarations.reading.report_files import (
    is_configuration,
    translate_file,
    translate_folder,
)
from mlplab.declarations.reading.source_map import SourceMap


@dataclass(frozen=True)
class Source:
    """A study as it was read: plain values, and where each of them stands."""

    values: dict[str, Any]
    source_map: SourceMap
    folder: Path
    name: str
    problems: tuple[Problem, ...] = ()
    """What was wrong already when it was read."""
    grid: dict[Where, Where] = field(default_factory=dict)
    translated: bool = False
    """From configuration files, each of which gives all its settings: nothing is shared."""


def source_of(path: Path) -> Source:
    """Read a study file, a configuration file of the report, or a folder of such files."""
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except PermissionError:
        is_folder, exists = False, True  # reading it says why not
    except (OSError, ValueError):
        is_folder, exists = False, False
    if is_folder:
        translated = translate_folder(path)
        name = plain(path.resolve().name)
        return Source(translated.values, translated.source_map, path, name, translated=True)
    if not exists:
        path = _shipped(path)
    read = read_object(path)
    if is_configuration(read.values):
        translated = translate_file(path, read)
        values, source_map = translated.values, translated.source_map
        return Source(
            values, source_map, path.parent, plain(path.stem), read.problems, translated=True
        )
    values = {key: value for key, value in read.values.items() if key != "$schema"}
    return Source(values, read.source_map, path.parent, plain(path.stem), read.problems)


def shipped_folder() -> Path:
    """Where the studies that come with mlplab lie."""
    return Path(__file__).parent.parent / "studies"


def shipped_studies() -> list[str]:
    """The names of the studies that come with mlplab."""
    found = shipped_folder().glob("*.json")
    return sorted(file.stem for file in found if not file.name.endswith(".schema.json"))


def _shipped(path: Path) -> Path:
    known = shipped_studies()
    if path.stem in known and str(path.parent) in (".", "studies") and path.suffix in ("", ".json"):
        return shipped_folder() / f"{path.stem}.json"
    near = [file.name for file in _beside(path)]
    hint = did_you_mean(path.name, near) or did_you_mean(path.stem, known)
    no_study("a path where nothing lies", hint, path)


def no_study(received: str, hint: str | None = None, file: object = None) -> NoReturn:
    """Refuse a path that leads to no study."""
    expected = "a study file, a folder of configuration files, or the name of a shipped study"
    hint = hint or f"shipped are {quoted(shipped_studies())}"
    refuse("", expected=expected, received=received, hint=hint, file=file)


def _beside(path: Path) -> list[Path]:
    try:
        return sorted(path.parent.glob("*.json"))[:200]
    except (OSError, ValueError):
        return []
