"""How open-set code refuses arrays and numbers that it cannot use."""

from __future__ import annotations

from typing import NoReturn

from mlplab.declarations.problems import Problem


def refuse(where: str, expected: str, received: str, hint: str | None = None) -> NoReturn:
    """Raise ValueError with the sentence of a problem: "logits: expected …, but got …"."""
    raise ValueError(str(Problem(where, expected, received, hint)))
