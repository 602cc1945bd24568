"""MKL is asked to round alike every time, where it is the library, unless the user chose a mode."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mlplab import reproducible_products
from mlplab.reproducible_products import ask_for_reproducible_products, mode_for
from mlplab.runner.environment import describe

XEON = "vendor_id\t: GenuineIntel\nflags\t\t: fpu sse2 avx avx2 avx512f avx512dq avx512bw\n"
CORE = "vendor_id\t: GenuineIntel\nflags\t\t: fpu sse2 avx avx2 fma\n"
ATOM = "vendor_id\t: GenuineIntel\nflags\t\t: fpu sse2 ssse3\n"
EPYC = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu sse2 avx avx2 avx512f avx512dq avx512bw\n"
MODES = {
    "Intel with AVX-512": (XEON, "AVX512,STRICT"),
    "Intel with AVX2": (CORE, "AVX2,STRICT"),
    "Intel with neither": (ATOM, None),
    "AMD": (EPYC, None),
    "no description": ("", None),
}
TELL = "import os, mlplab; print(os.environ.get('MKL_CBWR'))"


@pytest.mark.parametrize(("facts", "mode"), MODES.values(), ids=MODES.keys())
def test_the_mode_is_that_of_the_processor(facts, mode):
    assert mode_for(facts) == mode


@pytest.mark.parametrize(("facts", "mode"), MODES.values(), ids=MODES.keys())
def test_it_is_set_where_there_is_one(facts, mode, monkeypatch):
    monkeypatch.delenv("MKL_CBWR", raising=False)
    monkeypatch.setattr(reproducible_products, "_cpu_facts", lambda: facts)
    ask_for_reproducible_products()
    assert os.environ.get("MKL_CBWR") == mode


def test_the_users_own_choice_is_kept(monkeypatch):
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    monkeypatch.setattr(reproducible_products, "_cpu_facts", lambda: XEON)
    ask_for_reproducible_products()
    assert os.environ["MKL_CBWR"] == "COMPATIBLE"


def mode_after_import(**environment: str) -> str:
    rest = {name: value for name, value in os.environ.items() if name != "MKL_CBWR"}
    return subprocess.run(
        [sys.executable, "-c", TELL],
        env=rest | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()


def test_to_import_mlplab_is_enough():
    wanted = mode_for(reproducible_products._cpu_facts())
    assert mode_after_import() == str(wanted)
    assert mode_after_import(MKL_CBWR="OFF") == "OFF"


def test_records_tell_the_mode(monkeypatch):
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    assert describe("cpu")["mkl"] == "COMPATIBLE"
    monkeypatch.delenv("MKL_CBWR")
    assert "mkl" not in describe("cpu")
