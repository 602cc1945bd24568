"""JAX in a process a core, each held to that core: XLA takes as many threads as a process has cores.

Its flags --xla_cpu_multi_thread_eigen=false and intra_op_parallelism_threads=1 leave it several.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from benchmarks.contenders import Train, jax_loop
from benchmarks.contenders.in_processes import TrainSome, in_processes
from benchmarks.job import Rows


def session(
    rows: Rows, precision: str, trainer: Callable[[Rows, str], TrainSome] = jax_loop.trainer
) -> AbstractContextManager[Train]:
    """See `in_processes`; each has compiled its own networks after the first job.

    trainer: a function of a module, which the processes find by its name.
    """
    return in_processes(rows, partial(_begin, precision=precision, trainer=trainer))


@contextmanager
def _begin(
    rows: Rows, place: int, *, precision: str, trainer: Callable[[Rows, str], TrainSome]
) -> Iterator[TrainSome]:
    _hold_to_one_core(place)
    yield trainer(rows, precision)


def _hold_to_one_core(place: int) -> None:
    """Hold this process to one of its cores; XLA looks at that when it is first used.

    Where a process cannot be held (macOS, Windows), XLA takes the threads that it likes.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[place % len(cores)]})
