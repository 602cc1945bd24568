"""A study: named networks and what is to be shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlplab.declarations.figure import Figure
from mlplab.declarations.network import Network


@dataclass(frozen=True)
class Study:
    """A study, read, resolved and checked: every network has all of its settings."""

    name: str
    networks: Mapping[str, Network]
    """By name, in the order of the file."""
    figures: tuple[Figure, ...] = ()
    compare_with: str | None = None
    """A published study whose numbers are held against these, for example report-2023."""
    notes: tuple[str, ...] = ()
    """What a reader should know though it is no error."""
    folder: Path = Path()
    """Where the study lies; paths of own data are relative to it."""
