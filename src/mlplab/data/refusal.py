"""One sentence for data that cannot be used: where, what was expected, what came, how to mend."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from mlplab.declarations.problems import BadInput, Problem


def refuse(
    where: str,
    *,
    expected: str,
    received: str,
    hint: str | None,
    file: Path | None = None,
    line: int | None = None,
) -> NoReturn:
    """Raise BadInput with one problem; `where` is the setting that led to the data."""
    problem = Problem(
        where=where,
        expected=expected,
        received=received,
        hint=hint,
        line=line,
        file=None if file is None else str(file),
    )
    raise BadInput([problem])
