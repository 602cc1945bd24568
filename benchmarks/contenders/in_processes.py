"""A process a core, one thread each: no core waits for another. What trains in them is given.

The networks are divided by their FLOPs, largest first, each to the process that has least to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection

import torch.multiprocessing as processes

from benchmarks.contenders import Train
from benchmarks.job import Clock, Ended, Job, Member, Outcome, Rows
from mlplab.runner.environment import usable_cores

TrainSome = Callable[[Job, Sequence[Member]], list[Ended]]
Begin = Callable[[Rows, int], AbstractContextManager[TrainSome]]
"""Takes the rows and the number of its process, and holds itself to one thread. Another process
finds it by its name, so it is a function of a module, or a `partial` of one."""


@contextmanager
def in_this_process(train_some: TrainSome) -> Iterator[Train]:
    """All networks of a job, in the process that asks."""

    def train(job: Job) -> Outcome:
        clock = Clock()
        shown = train_some(job, job.members)
        return Outcome(clock.read(), shown)

    yield train


@contextmanager
def in_processes(rows: Rows, begin: Begin) -> Iterator[Train]:
    """Processes are started, and have imported what they need, before there is a job."""
    context = processes.get_context("spawn")
    workers, ends = [], []
    for place in range(usable_cores()):
        here, there = context.Pipe()
        worker = context.Process(target=_work, args=(there, rows, begin, place), daemon=True)
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
    """The networks of a job in so many parts of nearly equal FLOPs.

    A shortened job is divided as the whole one, so that each process has compiled its own networks.
    """
    taken: list[list[Member]] = [[] for _ in range(parts)]
    work = [0] * parts
    flops = {id(member): job.flops_of_a_stretch(member, rows) for member in job.members}
    for member in sorted(job.members, key=lambda m: -flops[id(m)]):
        least = work.index(min(work))
        taken[least].append(member)
        work[least] += flops[id(member)]
    return taken


def _work(end: Connection, rows: Rows, begin: Begin, place: int) -> None:
    with begin(rows, place) as train:
        end.send("ready")
        while (given := end.recv()) is not None:
            end.send(train(*given))
