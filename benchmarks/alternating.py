"""Contenders measured by turns, each time in a fresh process, so that drift hits all alike."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.findings import shown
from benchmarks.job import Order

Measured = dict[str, Any]
"""What `benchmarks.worker` says of one job."""


def by_turns(order: Order, contenders: Sequence[str], repeats: int) -> dict[str, list[Measured]]:
    """Measure every contender so many times; every other round goes backwards.

    Who cannot take part is measured once: the reason is in "skipped".
    """
    measured: dict[str, list[Measured]] = {name: [] for name in contenders}
    for turn in range(repeats):
        for name in contenders if turn % 2 == 0 else reversed(contenders):
            if measured[name] and "seconds" not in measured[name][-1]:
                continue
            measured[name].append(in_own_process(name, order))
            _tell(name, turn, repeats, measured[name][-1])
    return measured


def in_own_process(contender: str, order: Order) -> Measured:
    """Measure one job; an error is a "skipped" too, with its last line."""
    given = {"contender": contender, "order": asdict(order), "began": time.time()}
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        last = ended.stderr.strip().splitlines() or ["no message"]
        return {"skipped": f"failed: {last[-1]}"}
    return json.loads(ended.stdout.strip().splitlines()[-1])


def brief(measured: Measured) -> Measured:
    """What was measured with a summary of its networks in the place of thousands of them."""
    if "ended" not in measured:
        return measured
    values = [ended["accuracy"] for ended in measured["ended"]]
    summary = {"networks": len(values), "mean": sum(values) / len(values)}
    return {**measured, "ended": {**summary, "least": min(values), "most": max(values)}}


def _tell(name: str, turn: int, repeats: int, measured: Measured) -> None:
    said = measured.get("skipped") or f"{shown(measured['seconds'])} s"
    print(f"{name}, {turn + 1} of {repeats}: {said}", file=sys.stderr, flush=True)
