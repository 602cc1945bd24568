"""Tuned PyTorch in a process a core, one thread each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch

from benchmarks.contenders import Train
from benchmarks.contenders.in_processes import TrainSome, in_processes
from benchmarks.contenders.torch_tuned import Held, train_each
from benchmarks.job import Rows
from mlplab.networks.fast_products import fast_float32_products


def session(
    rows: Rows, precision: str, *, quicker_library: bool = False
) -> AbstractContextManager[Train]:
    """See `in_processes`.

    quicker_library: whether float32 products come from the library that mlplab would take.
    """
    return in_processes(rows, partial(_begin, precision=precision, quicker_library=quicker_library))


@contextmanager
def _begin(rows: Rows, place: int, *, precision: str, quicker_library: bool) -> Iterator[TrainSome]:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    held = Held(rows, precision)
    with fast_float32_products() if quicker_library else nullcontext():
        yield lambda job, members: train_each(job, members, held)
