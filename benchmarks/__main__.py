"""Run benchmarks by name, or all of them shortened."""

from __future__ import annotations

import importlib
import sys

SHORT: dict[str, list[str]] = {
    "startup": [],
    "report_study": [],
    "networks_per_second": ["--counts", "1", "10", "100", "1000"],
    "parallel_mlps": [],
    "time_to_98": [],
    "precision": ["--seeds", "5", "--steps", "200"],
    "scale": ["--networks", "1000"],
    "detectors_speed": ["--repeats", "1"],
    "estimator_search": ["--repeats", "1"],
}
"""What each is given when all of them run; by name they do what their defaults say."""
BENCHMARKS = (*SHORT, "recipe_search", "tables_against_sklearn")
"""Each a module with `main(arguments)`."""


def main(arguments: list[str]) -> None:
    """Run the benchmark that is named first with what follows it, or every one, shortened."""
    if arguments and arguments[0] not in BENCHMARKS:
        sys.exit(f"benchmarks are {', '.join(BENCHMARKS)}; without a name all of them run")
    chosen = {arguments[0]: arguments[1:]} if arguments else SHORT
    for name, own in chosen.items():
        print(f"\n=== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main(own)


if __name__ == "__main__":
    main(sys.argv[1:])
