"""`jax_vmap` in a process a core, each held to that core."""

from __future__ import annotations

from contextlib import AbstractContextManager

from benchmarks.contenders import Train, jax_processes, jax_vmap
from benchmarks.job import Rows


def session(rows: Rows, precision: str) -> AbstractContextManager[Train]:
    """See `jax_processes`; each has compiled its own stacks after the first job."""
    return jax_processes.session(rows, precision, jax_vmap.trainer)
