"""How long `mlplab --help` and `mlplab check` take, from outside."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.commands_timed import timed
from benchmarks.findings import RESULTS, Findings, Table, keep, spread

TARGET_SECONDS = 0.3
COMMANDS = {
    "mlplab --help": ["--help"],
    "mlplab check report-2023": ["check", "report-2023"],
}


def measure(repeats: int) -> dict[str, list[float]]:
    """Seconds of every command, the commands taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for name, arguments in COMMANDS.items():
                seconds[name].append(timed(arguments, Path(folder)).seconds)
    return seconds


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("startup", description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    load = machine.load()
    seconds = measure(given.repeats)
    rows = [
        [name, spread(own), "yes" if median(own) <= TARGET_SECONDS else "NO"]
        for name, own in seconds.items()
    ]
    keep(
        Findings(
            name="startup",
            title="Start-up",
            protocol=f"Wall time of a whole process, {given.repeats} times each, by turns.",
            tables=[Table("Seconds", ["command", "median (range)", "within 0.3 s"], rows)],
            data={"seconds": seconds},
            load_at_start=load,
        ),
        given.out,
    )
