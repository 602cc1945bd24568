"""Help and `check` answer at once: they import nothing heavy (modules are watched, not time)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import TINY, mlplab_here

HEAVY = {
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "sklearn",
    "altair",
    "vl_convert",
    "pyarrow",
    "safetensors",
    "jinja2",
    "pooch",
    "requests",
    "jsonschema",
}
STUDY = {
    "name": "small",
    "data": {"name": "mnist"},
    "networks": {"one": {"hidden": [16], "optimizer": {"name": "sgd", "learning_rate": 0.1}}},
}


def imported_by(*arguments: str, cwd: Path | None = None) -> set[str]:
    """Return the top-level modules that a command imports, as Python itself tells them."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mlplab", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "typer" in modules, "the list of imports was not read"
    return modules


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    modules = imported_by(*arguments)
    assert not modules & HEAVY


def test_check_imports_nothing_heavy(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(STUDY))
    assert not imported_by("check", str(path)) & HEAVY


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder in which the tiny study has been run."""
    folder = tmp_path_factory.mktemp("shop")
    small = {**TINY, "training": {"steps": 4, "batch_size": 32, "evaluate_every": 2}}
    (folder / "tiny.json").write_text(json.dumps(small))
    assert mlplab_here("run", "tiny.json", "--no-report", cwd=folder).returncode == 0
    return folder


LIGHT = {
    ("status", "runs/tiny"): HEAVY,
    ("compare", "runs/tiny", "wide", "deep"): {"torch", "sklearn", "altair"},
    ("export", "runs/tiny", "--summary", "s.csv"): {"torch", "sklearn", "scipy", "altair"},
    ("report", "runs/tiny"): {"torch", "sklearn"},
    ("data", "list"): {"torch", "sklearn", "scipy", "pandas"},
}


@pytest.mark.parametrize("arguments", LIGHT, ids=lambda arguments: arguments[0])
def test_what_reads_results_imports_no_torch(arguments, shop):
    assert not imported_by(*arguments, cwd=shop) & LIGHT[arguments]


def test_the_count_would_see_a_heavy_import():
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import numpy"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "numpy" in {
        line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.splitlines()
    }
