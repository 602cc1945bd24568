"""Help and `check` answer at once: they import nothing heavy (modules are watched, not time)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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


def imported_by(*arguments: str) -> set[str]:
    """Return the top-level modules that a command imports, as Python itself tells them."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mlplab", *arguments],
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
