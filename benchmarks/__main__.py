"""Run benchmarks by name, or all of them shortened."""

from __future__ import annotations

import importlib
import sys

BENCHMARKS = (
    "startup",
    "report_study",
    "networks_per_second",
    "parallel_mlps",
    "recipe_search",
    "time_to_98",
    "precision",
    "scale",
)
"""Each a module with `main(arguments)`; without arguments it does its shortened form."""


def main(arguments: list[str]) -> None:
    """Run the benchmark that is named first with what follows it, or every one."""
    if arguments and arguments[0] in BENCHMARKS:
        chosen, rest = [arguments[0]], arguments[1:]
    elif arguments:
        sys.exit(f"benchmarks are {', '.join(BENCHMARKS)}; without a name all of them run")
    else:
        chosen, rest = list(BENCHMARKS), []
    for name in chosen:
        print(f"\n=== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main(rest)


if __name__ == "__main__":
    main(sys.argv[1:])
