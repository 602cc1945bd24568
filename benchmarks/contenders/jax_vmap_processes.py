"""`jax_vmap` in a process a core, each held to that core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from benchmarks.contenders import Train, jax_vmap
from benchmarks.contenders.in_processes import TrainSome, in_processes
from benchmarks.contenders.jax_processes import hold_to_one_core
from benchmarks.job import Rows


def session(rows: Rows, precision: str) -> AbstractContextManager[Train]:
    """See `in_processes`; each has compiled its own stacks after the first job."""
    return in_processes(rows, partial(_begin, precision=precision))


@contextmanager
def _begin(rows: Rows, place: int, *, precision: str) -> Iterator[TrainSome]:
    hold_to_one_core(place)
    yield jax_vmap.trainer(rows, precision)
