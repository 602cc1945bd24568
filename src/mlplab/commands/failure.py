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
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import typer

EXIT_DONE = 0
EXIT_NETWORK_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

_NO_MEMORY = (
    "cannot allocate memory",
    "can't allocate memory",
    "failed to map segment",
    "not enough memory",
    "out of memory",
    "can't start new thread",
)
"""How libraries tell, in errors of any type, that the system gave them no memory."""


def complain(sentence: str) -> None:
    """One line on stderr, where no program reads results."""
    print(sentence, file=sys.stderr, flush=True)


_ADDRESS_SPACE = 3 * 2**29
"""Bytes that the numerical libraries map, most of which they never touch. With less, some of them
neither load nor fail: they wait for ever, or abort the process."""


def require_memory() -> None:
    """Refuse to load the numerical libraries within a limit that is too low for them.

    Raises:
        BadInput: it is.
    """
    try:
        import resource
    except ImportError:
        return  # Windows has no such limit.
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY or limit >= _ADDRESS_SPACE:
        return
    from mlplab.declarations.problems import BadInput, Problem

    raise BadInput(
        Problem(
            "ulimit -v",
            expected=f"at least {_ADDRESS_SPACE / 1e9:.1f} GB, which the numerical libraries map",
            received=f"{limit / 1e9:.1f} GB",
            hint="raise the limit",
        )
    )


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
        _reader_went_away()
    except SystemExit as ended:
        # The library of the command line ends so where it meets a closed pipe itself.
        if isinstance(ended.__context__, BrokenPipeError):
            _reader_went_away()
        raise
    except Exception as error:
        if os.environ.get("MLPLAB_DEBUG") == "1":
            raise
        code = _explain(error)
        if isinstance(error, OSError):
            _write_no_more(sys.stdout)
        sys.exit(code)


def _reader_went_away() -> None:
    """End well: `mlplab ... | head` has read all that it wanted, and nobody is left to tell."""
    _write_no_more(sys.stdout, sys.stderr)
    sys.exit(EXIT_DONE)


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
    if lacks_memory(error):
        complain(
            "There is not enough memory for this (or a limit such as ulimit -v is too low); close "
            "other programs, raise the limit, or take smaller networks. What is finished is kept."
        )
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


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says that there is too little memory."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


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
    import typer

    complain(sentence)
    return typer.Exit(EXIT_BAD_INPUT)
