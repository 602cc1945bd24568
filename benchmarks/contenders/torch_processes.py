"""Tuned PyTorch in a process a core, one thread each: no core waits for another.

The networks are divided by their FLOPs, largest first, each to the process that has least to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection

import torch
import torch.multiprocessing as processes

from benchmarks.contenders import Train
from benchmarks.contenders.torch_tuned import Held, train_each
from benchmarks.job import Clock, Job, Member, Outcome, Rows
from mlplab.networks.fast_products import fast_float32_products
from mlplab.runner.environment import usable_cores


@contextmanager
def session(rows: Rows, precision: str, *, quicker_library: bool = False) -> Iterator[Train]:
    """Processes are started, and have imported what they need, before there is a job.

    quicker_library: whether float32 products come from the library that mlplab would take.
    """
    context = processes.get_context("spawn")
    workers, ends = [], []
    for _ in range(usable_cores()):
        here, there = context.Pipe()
        worker = context.Process(
            target=_work, args=(there, rows, precision, quicker_library), daemon=True
        )
        worker.start()
        # Held by nobody else, its end is noticed when the worker dies.
        there.close()
        workers.append(worker)
        ends.append(here)
    for end in ends:
        end.recv()

    def train(job: Job) -> Outcome:
        clock = Clock()
        parts = divided(job, len(ends), rows)
        for end, part in zip(ends, parts, strict=True):
            end.send((job, part))
        shown = [network for end in ends for network in end.recv()]
        return Outcome(clock.read(), shown)

    yield train
    for end in ends:
        end.send(None)
    for worker in workers:
        worker.join()


def divided(job: Job, parts: int, rows: Rows) -> list[list[Member]]:
    """The networks of a job in so many parts of nearly equal FLOPs."""
    taken: list[list[Member]] = [[] for _ in range(parts)]
    work = [0] * parts
    for member in sorted(job.members, key=lambda m: -job.flops(m, rows)):
        least = work.index(min(work))
        taken[least].append(member)
        work[least] += job.flops(member, rows)
    return taken


def _work(end: Connection, rows: Rows, precision: str, quicker_library: bool) -> None:
    torch.set_num_threads(1)
    held = Held(rows, precision)
    with fast_float32_products() if quicker_library else nullcontext():
        end.send("ready")
        while (given := end.recv()) is not None:
            job, members = given
            end.send(train_each(job, members, held))
