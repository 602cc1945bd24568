"""A device that does not train as the CPU does is found out, and one that cannot train as well."""

from __future__ import annotations

import pytest
import torch

from mlplab.networks import kernels
from mlplab.runner import environment
from mlplab.trainer import device_check
from mlplab.trainer.device_check import TOLERANCE, check_device


def test_the_cpu_passes_within_a_second_or_two():
    found = check_device("cpu")
    assert found.passed, found.problem
    assert found.difference < TOLERANCE / 50
    assert (found.problem, found.tolerance) == ("", TOLERANCE)
    assert 0 < found.seconds < 20
    # Where there is a compiled loop, two forms were compared, which differ in last bits.
    assert (found.difference > 0) is (kernels.loaded().library is not None)


def test_a_device_that_cannot_train_is_a_result_and_no_error():
    found = check_device("no such device")
    assert not found.passed
    assert "no such device" in found.problem


@pytest.mark.parametrize("wrong", [1.01, float("nan")])
def test_a_device_that_computes_otherwise_is_found_out(wrong, monkeypatch):
    real = device_check._weights
    monkeypatch.setattr(
        device_check, "_weights", lambda device, **k: real("cpu") * (1 if k else wrong)
    )
    found = check_device("cuda")
    assert not found.passed
    assert "differ" in found.problem


@pytest.mark.parametrize("passes", [True, False])
def test_auto_takes_a_gpu_only_if_it_passes_and_says_why_not(passes, monkeypatch, capsys):
    found = device_check.DeviceCheck("cuda", passes, 0.5, TOLERANCE, 0.1, "" if passes else "lost")
    monkeypatch.setattr(device_check, "check_device", lambda device: found)
    monkeypatch.setattr(environment, "_may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    environment._gpu_computes_rightly.cache_clear()
    assert environment.resolve_device("auto") == ("cuda" if passes else "cpu")
    environment._gpu_computes_rightly.cache_clear()
    assert ("lost" in capsys.readouterr().err) is not passes
