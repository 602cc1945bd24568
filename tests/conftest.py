"""What several test files need: MNIST where it is to be had, and no way to the user's cache."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

# Threads of one test that wait for each other would take the cores from the tests beside it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "mnist: needs the MNIST files under MLPLAB_DATA/mnist; skipped without them"
    )
    config.addinivalue_line("markers", "slow: takes long; `make test-slow` and .ci/run run these")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("mnist"):
        mnist_or_skip(os.environ)


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The folder of the four MNIST files; a test that asks for it is skipped without them."""
    return mnist_or_skip(os.environ)


@pytest.fixture(autouse=True)
def _cache_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a test fetches lands among the user's files, and nothing there is found."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


def mnist_or_skip(environment: Mapping[str, str]) -> Path:
    """The folder of MNIST; where CI promises it (MLPLAB_REQUIRE_MNIST=1) its lack is a failure."""
    root = environment.get("MLPLAB_DATA")
    folder = Path(root) / "mnist" if root else None
    if folder is not None and folder.is_dir():
        return folder
    reason = (
        f"MNIST is not at {folder}" if folder else "MLPLAB_DATA, the folder of mnist/, is not set"
    )
    if environment.get("MLPLAB_REQUIRE_MNIST") == "1":
        pytest.fail(f"{reason}, but MLPLAB_REQUIRE_MNIST says that it must be", pytrace=False)
    pytest.skip(reason)
