"""Networks per second against their number: mlplab, loops, and stacks by vmap, one process and many.

One small network on digits, with so many seeds. A loop takes ever the same time a network, so it
is measured up to a number of networks beyond which it says nothing new; likewise the others.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.alternating import Measured, brief, by_turns
from benchmarks.contenders import CONTENDERS
from benchmarks.findings import RESULTS, Findings, Table, keep, shown
from benchmarks.job import Order

COUNTS = (1, 10, 100, 1_000, 10_000)
MOST = {
    "usual": 10,
    "tuned": 100,
    "processes": 100,
    "vmap": 10_000,
    "jax": 100,
    "jax-processes": 1_000,
    "jax-vmap": 10_000,
    "jax-vmap-processes": 10_000,
    "mlplab": 10_000,
}
"""Who takes part, and up to how many networks."""


def small_study(hidden: int, steps: int) -> str:
    """A study file of one network on digits."""
    return json.dumps(
        {
            "name": "small",
            "data": {"name": "digits"},
            "training": {"steps": steps, "batch_size": 32, "evaluate_every": steps},
            "networks": {
                "small": {
                    "hidden": [hidden],
                    "optimizer": {"name": "adam", "learning_rate": 0.003},
                }
            },
        }
    )


def findings(
    given: argparse.Namespace, measured: Mapping[int, Mapping[str, Sequence[Measured]]], load: str
) -> Findings:
    """All measurements in words."""
    names = [name for name in MOST if any(name in own for own in measured.values())]
    rows = [
        [f"{count:,}", *(_rate(count, own.get(name, ())) for name in names)]
        for count, own in measured.items()
    ]
    accuracies = {
        name: _accuracy(own[name]) for own in measured.values() for name in names if name in own
    }
    note = "Mean test accuracy: " + ", ".join(f"{n} {a}" for n, a in accuracies.items()) + "."
    return Findings(
        name="networks_per_second",
        title="Networks per second",
        protocol=(
            f"Networks of 64-{given.hidden}-10 on digits, {given.steps} steps of batch 32 with "
            "Adam, one evaluation of all test rows; every network with a seed and batches of its "
            f"own. Median of {given.repeats} processes each, by turns; training and evaluation "
            "only, mlplab with its records. A dash: not measured, as a loop's rate stays what it is."
        ),
        tables=[
            Table(
                "Networks a second",
                ["networks", *(CONTENDERS[name].title for name in names)],
                rows,
                note,
            )
        ],
        data={
            "measured": {
                count: {name: [brief(m) for m in mine] for name, mine in own.items()}
                for count, own in measured.items()
            }
        },
        load_at_start=load,
    )


def _rate(count: int, own: Sequence[Measured]) -> str:
    seconds = [m["seconds"] for m in own if "seconds" in m]
    return shown(count / median(seconds)) if seconds else "-"


def _accuracy(own: Sequence[Measured]) -> str:
    values = [e["accuracy"] for m in own if "ended" in m for e in m["ended"]]
    return f"{sum(values) / len(values):.3f}" if values else own[-1].get("skipped", "-")


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("networks_per_second", description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS))
    parser.add_argument("--contenders", nargs="+", choices=MOST, default=list(MOST))
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    load = machine.load()
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "small.json"
        study.write_text(small_study(given.hidden, given.steps))
        for count in given.counts:
            able = [name for name in given.contenders if count <= MOST[name]]
            print(f"{count} networks", flush=True)
            measured[count] = by_turns(Order(str(study), count), able, given.repeats)
    keep(findings(given, measured, load), given.out)
