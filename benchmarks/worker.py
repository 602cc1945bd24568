"""One contender in a process of its own: an order on stdin, what was measured on stdout.

    {"contender": "tuned", "order": {...}, "began": seconds since the epoch, "repeats": 1}

The last line of stdout is JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

_WARM_UP_STEPS = 2


def measure(given: dict[str, Any]) -> dict[str, Any]:
    """Get ready, train a few steps for the first-use costs, then do the job."""
    if not given["contender"].startswith("mlplab"):
        # mlplab asks MKL for products that are reproducible; all others have it as it comes.
        os.environ["MKL_CBWR"] = "OFF"
        _prepare_torch(tuned=given["contender"] != "usual")
    from benchmarks.contenders import CONTENDERS
    from benchmarks.job import Clock, Order, Rows

    contender = CONTENDERS[given["contender"]]
    if reason := contender.why_not():
        return {"skipped": reason}
    job = Order(**given["order"]).job()
    importing = time.time() - given["began"]
    clock = Clock()
    rows = Rows.of(job.study)
    loading = clock.read()
    job = job.on(rows)
    clock = Clock()
    with contender.session(rows) as train:
        ready = clock.read()
        first = train(job.shortened(min(_WARM_UP_STEPS, job.steps)))
        outcome = train(job)
    done = {(e.name, e.seed) for e in outcome.ended}
    covered = [m for m in job.members if (m.name, m.seed) in done]
    return {
        **outcome.plain(),
        "start_up": importing + ready,
        "loading": loading,
        "first_use": {"seconds": first.seconds, "apart": dict(first.apart)},
        "networks": len(job.members),
        "evaluations": len(job.stretches()),
        "flops": sum(job.flops(member, rows) for member in covered),
    }


def _prepare_torch(*, tuned: bool) -> None:
    """Before torch begins its threads: what JAX and mlplab do by themselves, for who knows of it."""
    import torch

    torch.set_flush_denormal(tuned)


def main() -> None:
    """Do what stdin says."""
    print(json.dumps(measure(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
