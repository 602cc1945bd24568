"""One function for many items on every core: nobody is lost, and what fails ends it."""

from __future__ import annotations

import json
import threading
import time

import pytest
import torch

from command_line import TINY
from mlplab.runner import on_every_core as module
from mlplab.runner.environment import compute_on
from mlplab.runner.on_every_core import on_every_core
from mlplab.study import Study


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(module, "usable_cores", lambda: 2)


def test_every_item_comes_back_once_with_its_result():
    assert dict(on_every_core(lambda n: n * n, range(25), 8)) == {n: n * n for n in range(25)}
    assert list(on_every_core(str, [], 8)) == []


def test_as_many_are_under_way_as_there_are_cores_and_each_has_one():
    together = threading.Barrier(2, timeout=30)

    def meet(item):
        together.wait()
        return torch.get_num_threads()

    assert [threads for _, threads in on_every_core(meet, range(4), 8)] == [1, 1, 1, 1]


@pytest.mark.parametrize(("at_most", "together"), [(8, 2), (1, 1)])
def test_no_more_items_are_taken_than_there_are_cores_or_may_be_at_once(at_most, together):
    taken = []

    def items():
        for item in range(10):
            taken.append(item)
            yield item

    for number, _ in enumerate(on_every_core(lambda item: item, items(), at_most)):
        assert len(taken) <= number + together


def test_what_is_raised_ends_it():
    begun = []

    def fail(item):
        begun.append(item)
        time.sleep(0.01)
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item"):
        list(on_every_core(fail, range(100), 8))
    assert len(begun) <= 3


def test_a_thread_keeps_its_number_of_cores_whatever_another_asks_for():
    first_asked, second_asked = threading.Event(), threading.Event()
    read: list[int] = []

    def first() -> None:
        compute_on(2)
        first_asked.set()
        second_asked.wait(30)
        read.append(torch.get_num_threads())

    thread = threading.Thread(target=first)
    thread.start()
    first_asked.wait(30)
    other = threading.Thread(target=compute_on, args=(1,))
    other.start()
    other.join()
    second_asked.set()
    thread.join()
    assert read == [2]


def test_a_run_leaves_the_caller_its_cores(tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        (tmp_path / "study.json").write_text(json.dumps(TINY))
        Study.load(tmp_path / "study.json").run(tmp_path)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
