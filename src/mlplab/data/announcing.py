"""How a slow piece of work says, in a line of plain words, what it is doing."""

from __future__ import annotations

import sys
from collections.abc import Callable

Announce = Callable[[str], None]


def to_stderr(line: str) -> None:
    """The listener of those who gave none: results go to stdout, so progress must not."""
    print(line, file=sys.stderr, flush=True)
