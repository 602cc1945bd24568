"""One function for many items on every core: nobody is lost, and what fails ends it."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from mlplab.runner import on_every_core as module
from mlplab.runner.on_every_core import on_every_core


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(module, "usable_cores", lambda: 2)


def test_every_item_comes_back_once_with_its_result():
    assert dict(on_every_core(lambda n: n * n, range(25))) == {n: n * n for n in range(25)}
    assert list(on_every_core(str, [])) == []


def test_as_many_are_under_way_as_there_are_cores_and_each_has_one():
    together = threading.Barrier(2, timeout=30)

    def meet(item):
        together.wait()
        return torch.get_num_threads()

    assert [threads for _, threads in on_every_core(meet, range(4))] == [1, 1, 1, 1]


def test_no_more_items_are_taken_than_there_are_cores():
    taken = []

    def items():
        for item in range(10):
            taken.append(item)
            yield item

    for number, _ in enumerate(on_every_core(lambda item: item, items())):
        assert len(taken) <= number + 2


def test_what_is_raised_ends_it():
    begun = []

    def fail(item):
        begun.append(item)
        time.sleep(0.01)
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item"):
        list(on_every_core(fail, range(100)))
    assert len(begun) <= 3
