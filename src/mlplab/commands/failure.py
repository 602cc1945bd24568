"""What a person sees when something goes wrong: a sentence and an exit code, never a traceback.

Bad input gives every problem at once and code 2. A fault of mlplab's own gives one sentence and the
place of the log; MLPLAB_DEBUG=1 shows the traceback instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import typer

from mlplab.commands.options import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_NETWORK_FAILED


def complain(sentence: str) -> None:
    """One line on stderr, where no program reads results."""
    print(sentence, file=sys.stderr, flush=True)


@contextmanager
def explained() -> Iterator[None]:
    """Turn every exception within into a sentence on stderr and an exit code."""
    try:
        try:
            yield
        finally:
            # What cannot be written is to be found out here, where it can still be told.
            sys.stdout.flush()
    except KeyboardInterrupt:
        complain("Stopped.")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe went away (`mlplab ... | head`): nobody is left to tell.
        _write_no_more(sys.stdout, sys.stderr)
        sys.exit(EXIT_NETWORK_FAILED)
    except Exception as error:
        if os.environ.get("MLPLAB_DEBUG") == "1":
            raise
        code = _explain(error)
        if isinstance(error, OSError):
            _write_no_more(sys.stdout)
        sys.exit(code)


def _write_no_more(*streams: TextIO) -> None:
    """Let what is left to be written, when the program ends, go nowhere rather than fail again."""
    for stream in streams:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _explain(error: Exception) -> int:
    problems = getattr(error, "problems", None)
    if problems is not None:
        for problem in problems:
            complain(f"{problem}")
        return EXIT_BAD_INPUT
    if isinstance(error, OSError) and error.strerror:
        where = (
            f"{error.filename}: " if error.filename is not None else "while reading or writing: "
        )
        complain(f"{where}{error.strerror.lower()}; make room or rights there, and try again.")
        return EXIT_BAD_INPUT
    complain(
        f"mlplab met something it did not expect ({type(error).__name__}); this is a fault of "
        f"mlplab, not of your study. The details are in {_write_log()}; MLPLAB_DEBUG=1 shows them."
    )
    return EXIT_NETWORK_FAILED


def _write_log() -> Path:
    """Write the current traceback to a file and say where."""
    import platform
    import tempfile
    import time
    import traceback

    import mlplab
    from mlplab.user_folders import log_folder

    text = "\n".join(
        (
            f"mlplab {mlplab.__version__}, Python {platform.python_version()}, "
            f"{platform.platform()}",
            " ".join(sys.argv),
            traceback.format_exc(),
        )
    )
    name = f"mlplab-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    for find_folder in (log_folder, tempfile.gettempdir):
        try:
            # Where no folder can be written to, there is no one for temporary files either.
            folder = Path(find_folder() or tempfile.gettempdir())
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:
            continue
        return folder / name
    print(text, file=sys.stderr)
    return Path("the lines above")


def refuse(sentence: str) -> typer.Exit:
    """Say why a wish cannot be granted; raise what this returns."""
    complain(sentence)
    return typer.Exit(EXIT_BAD_INPUT)
