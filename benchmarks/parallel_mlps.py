"""The case of ParallelMLPs (arXiv 2206.08369): thousands of one-hidden-layer networks, all widths.

mlplab against loops, against stacks by vmap, and against that paper's idea written out
(`contenders/torch_segmented.py`), which shares one optimizer and one order of batches among all
networks; the others give each seed its own. Loops train an even sample of the networks, and their time
is scaled up by the number.
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
from benchmarks.findings import RESULTS, Findings, Table, keep, shown, spread
from benchmarks.job import Order

WIDTHS = 100
"""Hidden units from 1 to this, as in the paper."""
SAMPLED_WIDTHS = 20
IN_WHOLE = ("segmented", "vmap", "jax-vmap", "jax-vmap-processes", "mlplab")
IN_SAMPLE = ("tuned", "processes")


def study(widths: Sequence[int], steps: int) -> str:
    """A study file of one network for each width."""
    return json.dumps(
        {
            "name": "widths",
            "data": {"name": "digits"},
            "training": {"steps": steps, "batch_size": 32, "evaluate_every": steps},
            "optimizer": {"name": "sgd", "learning_rate": 0.1},
            "networks": {f"w{width}": {"hidden": [width]} for width in widths},
        }
    )


def findings(
    given: argparse.Namespace,
    measured: Mapping[int, Mapping[str, Sequence[Measured]]],
    sampled: Mapping[str, Sequence[Measured]],
    load: str,
) -> Findings:
    """All measurements in words."""
    a_network = {name: _seconds_a_network(own) for name, own in sampled.items()}
    rows = []
    for seeds, own in measured.items():
        count = seeds * WIDTHS
        for name, seconds_each in a_network.items():
            rows.append(
                [f"{count:,}", CONTENDERS[name].title, shown(seconds_each * count), "scaled"]
            )
        for name in own:
            done = [m for m in own[name] if "seconds" in m]
            seconds = spread([m["seconds"] for m in done]) if done else own[name][-1]["skipped"]
            accuracy = f"{_mean_accuracy(done):.3f}" if done else "-"
            rows.append([f"{count:,}", CONTENDERS[name].title, seconds, accuracy])
    columns = ["networks", "who", "seconds, median (range)", "mean test accuracy"]
    note = "A network of the sample, and its mean test accuracy: " + "; ".join(
        f"{CONTENDERS[name].title} {1000 * a_network[name]:.1f} ms, {_mean_accuracy(own):.3f}"
        for name, own in sampled.items()
    )
    return Findings(
        name="parallel_mlps",
        title="Thousands of one-hidden-layer networks",
        protocol=(
            f"Widths 1 to {WIDTHS} on digits, {given.steps} steps of batch 32 with SGD, one "
            "evaluation of all test rows. Training and evaluation only, mlplab with its records. "
            f"{given.repeats} processes each, by turns."
        ),
        tables=[Table("Seconds", columns, rows, note + ".")],
        data={
            "measured": {
                count: {name: [brief(m) for m in mine] for name, mine in own.items()}
                for count, own in measured.items()
            },
            "sampled": {name: [brief(m) for m in mine] for name, mine in sampled.items()},
        },
        load_at_start=load,
    )


def _seconds_a_network(measured: Sequence[Measured]) -> float:
    return median(m["seconds"] / len(m["ended"]) for m in measured if "seconds" in m)


def _mean_accuracy(measured: Sequence[Measured]) -> float:
    values = [e["accuracy"] for m in measured if "ended" in m for e in m["ended"]]
    return sum(values) / len(values)


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("parallel_mlps", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[10], help="of each width")
    parser.add_argument("--contenders", nargs="+", choices=(*IN_SAMPLE, *IN_WHOLE),
                        default=[*IN_SAMPLE, *IN_WHOLE])  # fmt: skip
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    load = machine.load()
    with tempfile.TemporaryDirectory() as folder:
        whole, sample = Path(folder) / "whole.json", Path(folder) / "sample.json"
        whole.write_text(study(range(1, WIDTHS + 1), given.steps))
        every = range(3, WIDTHS + 1, WIDTHS // SAMPLED_WIDTHS)
        sample.write_text(study(every, given.steps))
        loops = [name for name in IN_SAMPLE if name in given.contenders]
        others = [name for name in IN_WHOLE if name in given.contenders]
        sampled = by_turns(Order(str(sample), 1), loops, given.repeats)
        measured = {
            seeds: by_turns(Order(str(whole), seeds), others, given.repeats)
            for seeds in given.seeds
        }
    keep(findings(given, measured, sampled, load), given.out)
