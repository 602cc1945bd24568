"""Subnormal numbers are zero while a network trains, and only there."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from mlplab.declarations.optimizer import Adam
from mlplab.networks.subnormals import subnormals_are_zero, subnormals_as_zero
from mlplab.optimizers.coefficients import coefficients
from mlplab.optimizers.update import CoefficientTables, OptimizerState
from mlplab.trainer import eager_networks
from mlplab.trainer.train import train
from test_trainer_captured_step import CHANGING, recipe, resident

pytestmark = pytest.mark.skipif(
    not torch.set_flush_denormal(False), reason="this processor cannot take them for zero"
)


def test_they_are_zero_within_and_what_they_were_before_afterwards():
    assert not subnormals_are_zero()
    with subnormals_as_zero():
        assert subnormals_are_zero()
        assert float(torch.tensor([2.0**-126]) / 2) == 0
        with subnormals_as_zero():
            pass
        assert subnormals_are_zero()
    assert not subnormals_are_zero()
    assert float(torch.tensor([2.0**-126]) / 2) == 2.0**-127
    with pytest.raises(KeyError), subnormals_as_zero():
        raise KeyError
    assert not subnormals_are_zero()


def test_another_thread_is_left_alone():
    found = []
    began, ended = threading.Event(), threading.Event()

    def beside() -> None:
        began.wait()
        found.append(subnormals_are_zero())
        ended.set()

    other = threading.Thread(target=beside)
    other.start()
    with subnormals_as_zero():
        began.set()
        ended.wait()
    other.join()
    assert found == [False]


def test_threads_of_torch_are_left_as_they_are():
    """In a process of its own, where none of them has begun."""
    subprocess.run([sys.executable, "-c", _HALF_OF_THE_SMALLEST], check=True, timeout=120)


_HALF_OF_THE_SMALLEST = """
import torch
from mlplab.networks.subnormals import subnormals_as_zero
torch.set_num_threads(2)
with subnormals_as_zero():
    torch.ones(2**20) / 2
smallest = torch.full((2**20,), 2.0**-126)
assert (smallest / 2 != 0).all()
"""


def test_a_program_that_wants_to_know_of_underflow_is_not_told_of_ours():
    torch.set_flush_denormal(True)
    try:
        with np.errstate(all="raise"), subnormals_as_zero():
            assert subnormals_are_zero()
    finally:
        torch.set_flush_denormal(False)


def test_a_step_and_an_evaluation_take_them_for_zero_and_who_trains_does_not_afterwards(
    monkeypatch,
):
    seen = []
    for name in ("step_for", "measure"):
        real = getattr(eager_networks, name)

        def noting(*given, real=real, **named):
            seen.append(subnormals_are_zero())
            return real(*given, **named)

        monkeypatch.setattr(eager_networks, name, noting)
    train([recipe(0, CHANGING, dropout=0.1)], resident("float32", "cpu"))
    assert seen
    assert all(seen)
    assert not subnormals_are_zero()


def test_mean_gradients_of_a_dead_unit_become_zero_and_do_not_stay_subnormal():
    """Adam's mean of gradients, once the gradient is zero, as the eager update keeps it."""
    adam = Adam(name="adam", learning_rate=0.01)
    device = torch.device("cpu")

    def mean_after(steps: int) -> np.ndarray:
        tables = CoefficientTables(coefficients([adam], [steps]), torch.float32, device)
        weights, gradient = torch.ones(1, 1, 16), torch.ones(1, 1, 16)
        kept = OptimizerState.init(weights, gradient, tables.initial_second, decays=True)
        for step in range(1, steps + 1):
            kept.update(tables.at(step))
            gradient.zero_()
        return kept.first.numpy().copy()

    assert ((mean_after(1000) != 0) & (mean_after(1000) < 2.0**-126)).all()
    with subnormals_as_zero():
        assert (mean_after(1000) == 0).all()
