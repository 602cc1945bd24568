"""The tests' own promise: without MNIST they skip visibly, and where it is required they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import mnist_or_skip


def test_mnist_is_found(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    environment = {"MLPLAB_DATA": str(tmp_path), "MLPLAB_REQUIRE_MNIST": "1"}
    assert mnist_or_skip(environment) == tmp_path / "mnist"


def test_without_mnist_a_test_is_skipped_with_the_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"MLPLAB_DATA.* is not set"):
        mnist_or_skip({})


def test_an_empty_folder_is_no_mnist(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="is not at"):
        mnist_or_skip({"MLPLAB_DATA": str(tmp_path)})


@pytest.mark.parametrize("root", [None, "/nowhere"])
def test_where_mnist_is_required_its_lack_is_a_failure(root: str | None) -> None:
    environment = {"MLPLAB_REQUIRE_MNIST": "1"} | ({"MLPLAB_DATA": root} if root else {})
    with pytest.raises(pytest.fail.Exception, match="must be"):
        mnist_or_skip(environment)
