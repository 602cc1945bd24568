"""A study: named networks and what is to be shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlplab.declarations.base import Declaration
from mlplab.declarations.figure import Figure
from mlplab.declarations.network import Network


class Presentation(Declaration):
    """What a study says beside its networks; a new kind of statement is a new field here."""

    figures: tuple[Figure, ...] = ()
    """Figures beside those that every report has."""
    compare_with: str | None = None
    """A published study whose numbers are held against these, for example report-2023."""


@dataclass(frozen=True)
class Study:
    """A study, read, resolved and checked: every network has all of its settings."""

    name: str
    networks: Mapping[str, Network]
    """By name, in the order of the file."""
    figures: tuple[Figure, ...] = ()
    compare_with: str | None = None
    """A published study whose numbers are held against these, for example report-2023."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a reader should know though it is no error."""
    folder: Path = field(default=Path(), compare=False)
    """Where the study lies; paths of own data are relative to it."""
