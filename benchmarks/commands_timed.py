"""mlplab's own command line, timed from outside, in a process of its own each time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a command went."""

    seconds: float
    processor_seconds: float | None
    """Of all cores together: what is left of it on a busy machine is waiting for others. None
    where the system does not tell, as for the next."""
    peak_bytes: int | None
    """Of resident memory."""


def timed(arguments: Sequence[str], folder: Path) -> Ended:
    """Run `mlplab ARGUMENTS` in a folder.

    Raises:
        RuntimeError: it ended with an error; its last words are in the message.
    """
    log = folder / "log.txt"
    with log.open("wb") as words:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "mlplab", *arguments], cwd=folder, stdout=words, stderr=words
        )
        of_processor, peak = _wait(process)
        seconds = time.perf_counter() - began
    if process.returncode:
        last = log.read_text(errors="replace").strip()[-500:]
        raise RuntimeError(f"mlplab {' '.join(arguments)} ended with an error: {last}")
    return Ended(seconds, of_processor, peak)


def _wait(process: subprocess.Popen) -> tuple[float | None, int | None]:
    """Wait for a process; gives its processor seconds and the most memory that it held."""
    if not hasattr(os, "wait4"):
        process.wait()
        return None, None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return usage.ru_utime + usage.ru_stime, peak
