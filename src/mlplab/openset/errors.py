"""What open-set code says when it cannot do what it was asked."""

from __future__ import annotations

from typing import NoReturn


class OpenSetError(ValueError):
    """Input that cannot be used; one sentence says where, what was expected and what came."""


class TouchedUnknownError(OpenSetError):
    """A row that must stay unseen was about to influence weights, settings or a threshold."""


def refuse(where: str, expected: str, received: str, hint: str = "") -> NoReturn:
    """Raise the one sentence: where it is, what was expected, what came, how to mend it."""
    raise OpenSetError(
        f"{where}: expected {expected}, came {received}" + (f"; {hint}" if hint else "")
    )
