"""The program as a user starts it, with nothing to type into."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

COMMAND = [sys.executable, "-m", "mlplab"]

TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {"name": "digits", "validation": 0.1},
    "training": {"steps": 40, "batch_size": 32, "evaluate_every": 20},
    "seeds": 3,
    "networks": {
        "wide": {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": 0.01}},
        "deep": {"hidden": [8, 8], "optimizer": {"name": "sgd", "learning_rate": 0.1}},
        "wild": {"hidden": [8, 8], "optimizer": {"name": "sgd", "learning_rate": 1e30}},
    },
}
"""Three networks, of which one diverges."""


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a plain shell without a terminal."""
    kept = {name: value for name, value in os.environ.items() if name != "MLPLAB_DEBUG"}
    return {**kept, **more}


def mlplab(*arguments: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a folder, in a process of its own, and return what it said."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def mlplab_here(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Like `mlplab`, in this process: the same entry point without a new import of everything."""
    from mlplab.commands.main import main

    argv = ["mlplab", *map(str, arguments)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with chdir(cwd), patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())
