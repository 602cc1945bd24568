"""What was measured of this machine, kept in the user's cache so that it is measured once."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import torch

from mlplab.records.atomic import replacing
from mlplab.runner.environment import Placement, processor
from mlplab.user_folders import cache_folder


def recall(what: str, names: Collection[str], on: Placement) -> dict[str, float] | None:
    """Return the numbers of these names; None where they are not known, or cannot be used."""
    numbers = _read(_path(what)).get(_setting(on))
    if not isinstance(numbers, dict) or numbers.keys() != set(names):
        return None
    usable = all(isinstance(n, int | float) and n > 0 for n in numbers.values())
    return numbers if usable else None


def remember(what: str, numbers: dict[str, float], on: Placement) -> None:
    """Keep numbers for the next time; where that cannot be, they are measured again, no more."""
    path = _path(what)
    known = {**_read(path), _setting(on): numbers}
    if path is None:
        return
    with suppress(OSError), replacing(path) as temporary:
        temporary.write_text(json.dumps(known, indent=1))


def _path(what: str) -> Path | None:
    folder = cache_folder()
    return None if folder is None else folder / f"{what}.json"


def _setting(on: Placement) -> str:
    """All that a measurement depends on."""
    return "|".join(
        (version("mlplab"), torch.__version__, processor(), str(on.cores), on.device, on.precision)
    )


def _read(path: Path | None) -> dict:
    if path is None:
        return {}
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
