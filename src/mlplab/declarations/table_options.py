"""What is said of a table of which a study is to be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlplab.declarations.task import TaskName


@dataclass(frozen=True)
class TableOptions:
    """Each as the key of its name in a study's `data`."""

    target: str | int | None = None
    """The column to be predicted: its name, or its position from 1."""
    ignore: Sequence[str | int] = ()
    """Columns to leave out."""
    missing: Sequence[str | int | float] = ()
    """Values that stand for a missing one, besides the usual words."""
    task: TaskName | None = None
    """None to tell from the target."""

    def as_data(self) -> dict[str, Any]:
        """The keys of `data` that are not at their defaults."""
        said = {"target": self.target, "ignore": list(self.ignore), "missing": list(self.missing),
                "task": self.task}  # fmt: skip
        return {key: value for key, value in said.items() if value not in (None, [])}
