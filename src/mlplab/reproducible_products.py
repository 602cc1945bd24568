"""Have MKL, the library of torch's float32 products on Intel's processors, round alike every time.

MKL chooses a way of adding up by the size of a stack, by how its memory lies and by the number of
threads, so that a network would have other last bits alone than in company. It has a mode in which
it does not, measured to be as fast (175 GFLOP/s a core). The mode is read from the environment when
MKL first computes; on processors of others it would take MKL's slowest code.
"""

from __future__ import annotations

import os
from pathlib import Path

MKL_MODE = "MKL_CBWR"
"""The variable that MKL reads."""
_FIRST_CORE = 8192
"""Characters of /proc/cpuinfo that speak of the first core."""


def ask_for_reproducible_products() -> None:
    """Set the mode, unless the user has chosen one. Must be called before torch computes."""
    mode = mode_for(_cpu_facts())
    if mode:
        os.environ.setdefault(MKL_MODE, mode)


def mode_for(cpu_facts: str) -> str | None:
    """The mode for a processor that Linux describes so; None where there is none to ask for."""
    if "GenuineIntel" not in cpu_facts:
        return None
    words = set(cpu_facts.split())
    for flag, name in (("avx512dq", "AVX512"), ("avx2", "AVX2")):
        if flag in words:
            return f"{name},STRICT"
    return None


def _cpu_facts() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as facts:
            return facts.read(_FIRST_CORE)
    except OSError:
        return ""
