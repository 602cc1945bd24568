"""10,000 small networks in one study: how long each verb takes, the page's size, peak memory."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.commands_timed import Ended, timed
from benchmarks.findings import RESULTS, Findings, Table, keep, shown

LARGEST_PAGE = 5_000_000
"""Bytes that the report of any study may have."""


def many_networks(networks: int, seeds: int, steps: int) -> dict[str, Any]:
    """A study of so many networks on digits, which differ in their learning rate only."""
    rates = [round(0.001 * 1.0005**place, 9) for place in range(networks)]
    return {
        "name": "many",
        "data": {"name": "digits"},
        "training": {"steps": steps, "batch_size": 32, "evaluate_every": max(1, steps // 5)},
        "seeds": seeds,
        "networks": {
            f"rate{place}": {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": rate}}
            for place, rate in enumerate(rates)
        },
        "questions": _questions(networks) if seeds > 1 else [],
    }


def _questions(networks: int) -> list[dict[str, Any]]:
    """One of every kind, about networks from the slowest rate to the quickest."""
    final = {"final": "accuracy", "split": "test"}
    first, last = "rate0", f"rate{networks - 1}"
    some = [f"rate{place * (networks - 1) // 9}" for place in range(10)]
    pair = {"ask": "Is the quickest rate better?", "compare": [last, first]}
    return [
        {**pair, "metric": final, "expect": "greater"},
        {**pair, "ask": "Alike?", "metric": final, "expect": "same", "within": 0.02},
        {
            "ask": "Do quicker rates need fewer steps?",
            "along": some,
            "metric": {"steps_to": {"accuracy": 0.5}, "split": "test"},
            "expect": "decreasing",
        },
        {"ask": "Which is best?", "rank": some, "metric": final},
    ]


def measure(networks: int, seeds: int, steps: int, folder: Path) -> dict[str, Any]:
    """Take a study through every verb; gives the seconds and peak bytes of each, and sizes."""
    (folder / "many.json").write_text(json.dumps(many_networks(networks, seeds, steps)))
    run = ["runs/many"]
    verbs = {
        "check": ["check", "many.json"],
        "plan": ["plan", "many.json"],
        "run, report included": ["run", "many.json"],
        "run again, nothing missing": ["run", "many.json"],
        "status": ["status", *run],
        "export": ["export", *run, "--curves", "curves.csv", "--summary", "summary.csv"],
        "report": ["report", *run],
        "compare": ["compare", *run, "rate0", f"rate{networks - 1}"],
        "verdicts": ["export", *run, "--verdicts", "verdicts.json"],
    }
    ended: dict[str, Ended] = {}
    for verb, arguments in verbs.items():
        ended[verb] = timed(arguments, folder)
        print(f"{verb}: {ended[verb].seconds:.1f} s", flush=True)
    results = folder / "runs" / "many"
    return {
        "networks": networks,
        "seeds": seeds,
        "steps": steps,
        "verbs": {verb: vars(e) for verb, e in ended.items()},
        "page_bytes": (results / "report.html").stat().st_size,
        "folder_bytes": sum(f.stat().st_size for f in results.rglob("*") if f.is_file()),
    }


def findings(measured: dict[str, Any], load: str) -> Findings:
    """The measurements in words."""
    total = measured["networks"] * measured["seeds"]
    rows = [
        [
            verb,
            shown(e["seconds"]),
            _or_dash(e["processor_seconds"]),
            _or_dash(e["peak_bytes"] and e["peak_bytes"] / 2**20),
        ]
        for verb, e in measured["verbs"].items()
    ]
    page = measured["page_bytes"]
    size = f"{page / 1e6:.2f} MB, {'under' if page < LARGEST_PAGE else 'OVER'} the 5 MB allowed"
    return Findings(
        name=f"scale-{measured['networks']}x{measured['seeds']}",
        title=f"{total:,} networks in one study",
        protocol=(
            f"{measured['networks']:,} networks of 64-16-10 on digits, {measured['seeds']} seed(s) "
            f"each, {measured['steps']} steps of batch 32, taken through mlplab's verbs, each in a "
            "process of its own. With several seeds it asks one question of every kind."
        ),
        tables=[
            Table(
                "Verbs",
                ["verb", "seconds", "of processors", "peak memory, MiB"],
                rows,
                f"The page: {size}. The results folder: {measured['folder_bytes'] / 1e6:.0f} MB.",
            )
        ],
        data=measured,
        load_at_start=load,
    )


def _or_dash(value: float | None) -> str:
    return "-" if value is None else shown(value)


def main(arguments: list[str]) -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser("scale", description=__doc__)
    parser.add_argument("--networks", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where results are kept")
    given = parser.parse_args(arguments)
    load = machine.load()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(given.networks, given.seeds, given.steps, Path(folder))
    keep(findings(measured, load), given.out)
