"""Benchmarks stay importable, and every contender of the report's study does the work it is given.

Nothing is timed here; a contender that cannot take part on this machine is skipped.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.__main__ import BENCHMARKS  # noqa: E402
from benchmarks.contenders import CONTENDERS, OF_ANY_SHAPE  # noqa: E402
from benchmarks.contenders.torch_networks import network_of  # noqa: E402
from benchmarks.contenders.torch_segmented import Segmented  # noqa: E402
from benchmarks.job import Ended, Order, Rows  # noqa: E402
from benchmarks.report_study import STUDY, insane  # noqa: E402

STEPS = 4


@pytest.fixture(scope="module")
def order() -> Order:
    """Two of the report's networks, four steps, on digits."""
    overrides = (f"training.steps={STEPS}", "training.evaluate_every=2", "data.name=digits")
    return Order(STUDY, 1, ("config1", "config2"), overrides)


@pytest.fixture(scope="module")
def rows(order: Order) -> Rows:
    return Rows.of(order.job().study)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_can_be_imported(name):
    assert callable(importlib.import_module(f"benchmarks.{name}").main)


@pytest.mark.parametrize("name", OF_ANY_SHAPE)
def test_a_contender_trains_and_evaluates_every_network(name, order, rows, monkeypatch):
    contender = CONTENDERS[name]
    if reason := contender.why_not():
        pytest.skip(reason)
    # The processes of "processes" look for this package too.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    job = order.job().on(rows)
    with contender.session(rows) as train:
        outcome = train(job)
    assert sorted((e.name, e.seed) for e in outcome.ended) == [("config1", 0), ("config2", 0)]
    assert all(e.evaluations == STEPS // 2 for e in outcome.ended)
    # Four steps are enough for Adam to leave the loss of ten equal shares, log 10 = 2.303.
    losses = {e.name: e.loss for e in outcome.ended}
    assert 1.0 < losses["config2"] < 2.3
    assert outcome.seconds > 0


def test_one_wide_layer_holds_the_networks_that_it_is_made_of(rows):
    """Each network's logits are those of the same network by itself."""
    study = {"training.steps": 1, "data.name": "digits"}
    overrides = (*(f"{key}={value}" for key, value in study.items()), "networks.config1.hidden=[3]")
    job = Order(STUDY, 2, ("config1",), overrides).job().on(rows)
    stack = Segmented(job.members)
    alone = [network_of(member)(rows.test_inputs) for member in job.members]
    assert torch.allclose(stack.forward(rows.test_inputs), torch.stack(alone), atol=1e-6)
    with CONTENDERS["segmented"].session(rows) as train:
        outcome = train(job)
    assert [(e.name, e.seed, e.evaluations) for e in outcome.ended] == [
        ("config1", 0, 1),
        ("config1", 1, 1),
    ]


def test_only_networks_on_all_classes_are_compared():
    """The report's study has a seventeenth, made for its question about unknown classes."""
    study = Order(STUDY, 1).job().study
    assert [*study.networks] == [f"config{number}" for number in range(1, 17)]
    assert all(network.roles is None for network in study.networks.values())
    assert not study.open_set


def test_who_did_not_do_the_work_is_told():
    lazy = [
        Ended("config10", 0, 20, 0.91, 0.3, 0.92),
        Ended("config9", 0, 19, 0.98, 0.1, 0.99),
        Ended("config1", 0, 20, 0.92, float("nan"), 0.92),
    ]
    measured = {"ended": [vars(e) for e in lazy], "evaluations": 20}
    assert insane(measured, 2000) == [
        "config10, seed 0 reached 0.9100, less than 0.97",
        "config9, seed 0 was evaluated 19 times",
        "config1, seed 0 ended at 0.92 and a loss of nan",
    ]
    assert len(insane(measured, 10)) == 2


def test_flops_are_those_of_the_report(rows):
    """256 rows through 64-128-256-10 and back, four times, two evaluations of 360 rows, one of 1,437."""
    job = Order(
        STUDY, 1, ("config1",), ("training.steps=4", "training.evaluate_every=2", "data.name=digits")
    ).job().on(rows)  # fmt: skip
    weights, first = 64 * 128 + 128 * 256 + 256 * 10, 64 * 128
    expected = 4 * 256 * (6 * weights - 2 * first) + (2 * 360 + 1437) * 2 * weights
    assert job.flops(job.members[0], rows) == expected


def test_results_that_are_kept_can_be_read():
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["machine"]["torch"]
