"""A request to stop, which training heeds where nothing is half done.

An exception out of a signal handler can come between any two steps of a program, within a library
too. So whoever handles signals asks here first: training is left at its next safe moment, and
anything else can simply be ended, since what is on disk is whole at every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_state = {"heeded": False, "requested": False}
_elsewhere: list[Callable[[], bool]] = []


@contextmanager
def stop_requests_heeded(asked_elsewhere: Callable[[], bool]) -> Iterator[None]:
    """Promise to call `check_stop_request` often within the block.

    asked_elsewhere: whether a stop was asked for by other means than a signal.
    """
    _state.update(heeded=True, requested=False)
    _elsewhere[:] = [asked_elsewhere]
    try:
        yield
    finally:
        _state.update(heeded=False)
        _elsewhere.clear()


def request_stop() -> bool:
    """Ask for a stop; False where nobody heeds it, or was asked before and has not stopped yet."""
    if not _state["heeded"] or _state["requested"]:
        return False
    _state.update(requested=True)
    return True


def check_stop_request() -> None:
    """Leave the training if a stop was asked for.

    Raises:
        KeyboardInterrupt: it was.
    """
    if _state["requested"] or any(asked() for asked in _elsewhere):
        raise KeyboardInterrupt
