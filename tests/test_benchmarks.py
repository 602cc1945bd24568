"""Benchmarks stay importable, and every contender of the report's study does the work it is given.

Nothing is timed here; a contender that cannot take part on this machine is skipped.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import detectors_speed  # noqa: E402
from benchmarks.__main__ import BENCHMARKS  # noqa: E402
from benchmarks.contenders import CONTENDERS, OF_ANY_SHAPE  # noqa: E402
from benchmarks.contenders.in_processes import divided  # noqa: E402
from benchmarks.contenders.stacks import stacks_of  # noqa: E402
from benchmarks.contenders.torch_networks import network_of  # noqa: E402
from benchmarks.contenders.torch_segmented import Segmented  # noqa: E402
from benchmarks.job import Ended, Order, Rows  # noqa: E402
from benchmarks.precision import compare  # noqa: E402
from benchmarks.recipe_search import Candidate, choose  # noqa: E402
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
@pytest.mark.slow
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


def test_a_shortened_job_is_divided_as_the_whole_one(rows):
    """What a process has compiled for the first two steps is what it needs for the job."""
    job = Order(STUDY, 1, (), ("data.name=digits",)).job().on(rows)
    whole, short = (
        [[m.name for m in part] for part in divided(given, 2, rows)]
        for given in (job, job.shortened(2))
    )
    assert whole == short
    assert sorted(whole[0] + whole[1]) == sorted(job.study.networks)
    members = {member.name: member for member in job.members}
    first, second = (sum(job.flops(members[name], rows) for name in part) for part in whole)
    assert abs(first - second) < 0.05 * first


def test_stacks_hold_networks_of_one_shape_and_are_nearly_alike_in_size(rows):
    job = Order(STUDY, 5, ("config1", "config2"), ("data.name=digits",)).job().on(rows)
    stacks = stacks_of(job.members, 3)
    assert [[(m.name, m.seed) for m in stack] for stack in stacks] == [
        [(name, seed) for seed in seeds]
        for name in ("config1", "config2")
        for seeds in ((0, 1), (2, 3, 4))
    ]


def test_units_that_fill_up_a_stack_change_no_network(rows):
    """Widths 3 and 5 share a stack of width 16, and end as each does by itself."""
    pytest.importorskip("jax")
    settings = ("training.steps=4", "training.evaluate_every=2", "data.name=digits")
    widths = ("networks.config2.hidden=[3]", "networks.config10.hidden=[5]")
    job = Order(STUDY, 1, ("config2", "config10"), (*settings, *widths)).job().on(rows)
    with CONTENDERS["jax"].session(rows) as train:
        alone = train(job).ended
    with CONTENDERS["jax-vmap"].session(rows) as train:
        stacked = train(job).ended
    assert [e.name for e in stacked] == [e.name for e in alone]
    assert [e.loss for e in stacked] == pytest.approx([e.loss for e in alone], abs=1e-5)


def test_products_in_bfloat16_round_operands_only_and_backwards_too():
    """1 + 1/512 is 1 in bfloat16; 256 + 1 is 257 in the sum, which bfloat16 does not have."""
    jax = pytest.importorskip("jax")
    from benchmarks.contenders.jax_networks import product_in

    product = product_in("bfloat16")
    left, right = jax.numpy.array([[256.0, 1 + 1 / 512]]), jax.numpy.array([[1.0], [1.0]])
    value, back = jax.vjp(product, left, right)
    assert value.dtype == jax.numpy.float32
    assert value.tolist() == [[257.0]]
    of_left, of_right = back(jax.numpy.array([[1 + 1 / 512]]))
    assert of_left.tolist() == [[1.0, 1.0]]
    assert of_right.tolist() == [[256.0], [1.0]]


def test_precisions_are_compared_pair_by_pair():
    """Differences of 0, 0.002 and 0.004 around 0.002, with a deviation of 0.002.

    Their mean's error is 0.002/√3, and t at 97.5% with two degrees of freedom 4.3027. float32
    itself deviates by 0.01, which is the margin; its nearer bound is 0.008 away, 6.928 errors.
    """
    float32 = np.array([0.95, 0.96, 0.97, np.nan])
    bfloat16 = np.array([0.95, 0.962, 0.974, np.nan])
    compared = compare("one", float32, bfloat16)
    assert (compared.pairs, compared.diverged) == (3, (1, 1))
    assert compared.float32 == pytest.approx(0.96)
    assert compared.difference == pytest.approx(0.002)
    half = 4.302653 * 0.002 / 3**0.5
    assert compared.low == pytest.approx(0.002 - half)
    assert compared.high == pytest.approx(0.002 + half)
    assert compared.margin == pytest.approx(0.01)
    # With two degrees of freedom the tail beyond t is (1 - t/√(2 + t²))/2.
    far = 0.008 / (0.002 / 3**0.5)
    assert compared.p_value == pytest.approx((1 - far / (2 + far**2) ** 0.5) / 2)
    assert compared.verdict == "equivalent"


def test_the_margin_is_a_tenth_of_a_point_where_seeds_deviate_less():
    compared = compare("one", np.array([0.9, 0.9001]), np.array([0.9001, 0.9]))
    assert compared.deviation == pytest.approx(0.0001 / 2**0.5)
    assert compared.margin == 0.001


@pytest.mark.parametrize(
    ("lower_by", "verdict"),
    [
        ((0.05, 0.051, 0.052), "harmful"),  # wholly below a margin of 0.01
        ((0.0, 0.01, 0.05), "inconclusive"),  # from -0.086 to +0.046
        ((0.0, 0.0, np.nan), "harmful: more diverge"),
    ],
)
def test_what_is_not_equivalent_is_harmful_or_inconclusive(lower_by, verdict):
    float32 = np.array([0.95, 0.96, 0.97])
    assert compare("one", float32, float32 - np.array(lower_by)).verdict == verdict


def test_the_cheapest_recipe_that_is_good_enough_is_chosen():
    """Means count and not best seeds, and the reserve does; the order of candidates does not."""
    cheap = Candidate("cheap", 1, (0.990, 0.969))
    dear = Candidate("dear", 3, (0.985, 0.985))
    middle = Candidate("middle", 2, (0.981, 0.980))
    assert choose([dear, middle, cheap], reserve=0.0004) is middle
    assert choose([dear, middle, cheap], reserve=0.001) is dear
    assert choose([dear, middle, cheap], reserve=0.006) is None
    assert choose([], reserve=0.0) is None


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


@pytest.mark.slow
def test_neighbours_of_many_rows_stay_within_their_memory(monkeypatch):
    """10,000 rows against 30,000, whose distances alone would be 1,200 MB."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    cost = detectors_speed.in_a_process(detectors_speed.Asked("nearest neighbours"))
    assert cost.megabytes < 600


def test_results_that_are_kept_can_be_read():
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["machine"]["torch"]
