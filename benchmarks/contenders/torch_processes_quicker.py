"""`torch_processes` with the one setting of torch that mlplab found and takes for float32 products.

Few know it; with it, what mlplab does beyond a choice of library can be told.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from benchmarks.contenders import Train, torch_processes
from benchmarks.job import Rows


def session(rows: Rows, precision: str) -> AbstractContextManager[Train]:
    """See `torch_processes.session`."""
    return torch_processes.session(rows, precision, quicker_library=True)
