"""The program `mlplab`: signals and streams first, then the command line.

Asked to stop (Ctrl-C, kill, a terminal that closes), it ends with exit code 130 and a sentence that
says what is kept, from within the signal handler: results folders are whole at every moment, and an
exception raised there could come between any two steps of any library. Only training comes to a
safe moment first.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from mlplab.commands.failure import EXIT_INTERRUPTED, explained

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

_last_words: list[Callable[[], str]] = []


def on_stop(last_words: Callable[[], str]) -> None:
    """Have this said, instead of "Stopped.", when the program is stopped from now on."""
    _last_words[:] = [last_words]


def main() -> NoReturn:
    """Run the command line and end the process; the entry point of the installed `mlplab`."""
    for number in _signals():
        # What is ignored stays so: under nohup a run outlives its terminal.
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _stop)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # It was closed (`mlplab ... >&-`): what is said there goes nowhere.
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as we live
        elif hasattr(stream, "reconfigure"):
            # A terminal or pipe that cannot show ± or × gets a substitute, and no traceback.
            stream.reconfigure(errors="replace")

    code: object = 0
    try:
        with explained():
            from mlplab.commands.main import app

            app(prog_name="mlplab")
    except SystemExit as ended:
        code = ended.code or 0
    # All is said and written: nothing is left that a signal could stop.
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)
    if _is_computing():
        end_now(int(str(code)))
    sys.exit(int(str(code)))


def end_now(code: int) -> NoReturn:
    """End the process here, and those that it started.

    An interpreter that ends in the usual way takes the ground from under a thread that is in a step
    of training, and the process aborts.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    with suppress(Exception):
        for child in _children():
            child.kill()
    os._exit(code)


def stopped(sentence: str) -> NoReturn:
    """End the process as one that was asked to stop."""
    # Not by `print`: the signal may have come while something was printed.
    with suppress(OSError):
        os.write(2, f"{sentence}\n".encode())
    end_now(EXIT_INTERRUPTED)


def _stop(number: int, frame: FrameType | None) -> None:
    stopping = sys.modules.get("mlplab.runner.stopping")
    if stopping is not None and stopping.request_stop():
        return
    sentence = "Stopped."
    for last_words in _last_words:
        with suppress(Exception):
            sentence = last_words()
    stopped(sentence)


def _signals() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]


def _is_computing() -> bool:
    environment = sys.modules.get("mlplab.runner.environment")
    return environment is not None and environment.is_computing()


def _children() -> list:
    processes = sys.modules.get("multiprocessing.process")
    return [] if processes is None else processes.active_children()
