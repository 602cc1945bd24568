"""Products that pass over zeros: the same sums, whoever shares them and whatever is zero."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from mlplab.networks.sparse_products import (
    SparseProduct,
    SparseScratch,
    SparseTransposedProduct,
    sparse_pays,
)
from mlplab.trainer.lean_step import lean_step
from mlplab.trainer.resident import ResidentData

from mlplab.declarations.training import Training
from mlplab.networks import sparse_products
from mlplab.networks.aligned import aligned_stack
from mlplab.trainer import train as training
from mlplab.trainer.recipe import Recipe
from mlplab.trainer.train import train
from test_trainer import assert_same_bits
from test_trainer_repeated_step import CHANGING, recipe

SHAPES = [(256, 784, 128), (32, 64, 64), (33, 65, 100), (130, 129, 70), (5, 3, 7), (1, 200, 1)]
"""(row, feature, unit): whole tiles, panels and words, and what is left over of each."""
SHARES = [0.0, 0.02, 0.2, 1.0]
"""Of numbers that are not zero."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def operands(networks: int, rows: int, features: int, units: int, share: float):
    """x, W and g of some networks."""
    random = np.random.default_rng([rows, features, units])
    inputs = random.standard_normal((networks, rows, features), dtype=np.float32)
    inputs[random.random(inputs.shape) >= share] = 0
    shapes = (features, units), (rows, units)
    others = (random.standard_normal((networks, *s), dtype=np.float32) for s in shapes)
    return [stacked(torch.from_numpy(array)) for array in (inputs, *others)]


def stacked(values: torch.Tensor) -> torch.Tensor:
    return aligned_stack(values.shape, values.dtype).copy_(values)


def products(inputs: torch.Tensor, kernels: torch.Tensor, gradients: torch.Tensor):
    """x·W and xᵀ·g, in memory that held something else before."""
    networks, rows, units = gradients.shape
    features = inputs.shape[2]
    scratch = SparseScratch(rows, features)
    scratch.numbers.fill(-1)
    there = aligned_stack((networks, rows, units), torch.float32).fill_(7)
    back = aligned_stack((networks, features, units), torch.float32).fill_(7)
    SparseProduct(there, scratch).of(inputs, kernels)
    SparseTransposedProduct(back, scratch).of(inputs.transpose(1, 2), gradients)
    return there, back


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(("rows", "features", "units"), SHAPES)
def test_they_are_those_of_double_precision(rows, features, units, share):
    inputs, kernels, gradients = operands(2, rows, features, units, share)
    there, back = products(inputs, kernels, gradients)
    close = {"rtol": 0, "atol": 1e-6 * max(rows, features)}
    torch.testing.assert_close(there.double(), inputs.double() @ kernels.double(), **close)
    turned = inputs.double().transpose(1, 2)
    torch.testing.assert_close(back.double(), turned @ gradients.double(), **close)


@pytest.mark.parametrize(("rows", "features", "units"), SHAPES)
def test_every_sum_is_taken_in_order_and_rounded_at_each_addition(rows, features, units):
    """Against the sum written out; with whole numbers, so that fused additions round alike."""
    inputs, kernels, gradients = operands(1, rows, features, units, 0.2)
    inputs, kernels, gradients = (t.mul(1000).round() for t in (inputs, kernels, gradients))
    there, back = products(*map(stacked, (inputs, kernels, gradients)))
    x, w, g = (t[0].double() for t in (inputs, kernels, gradients))
    sums = torch.zeros(rows, units)
    for feature in range(features):
        sums = (sums.double() + x[:, feature, None] * w[feature]).float()
    assert torch.equal(there[0], sums)
    sums = torch.zeros(features, units)
    for row in range(rows):
        sums = (sums.double() + x[row, :, None] * g[row]).float()
    assert torch.equal(back[0], sums)


@pytest.mark.parametrize(("rows", "features", "units"), SHAPES)
def test_they_have_the_same_bits_alone_in_company_and_of_shared_inputs(rows, features, units):
    inputs, kernels, gradients = operands(3, rows, features, units, 0.2)
    together = products(inputs, kernels, gradients)
    for place in range(3):
        alone = products(*(stacked(t[place : place + 1]) for t in (inputs, kernels, gradients)))
        for of_one, of_all in zip(alone, together, strict=True):
            assert torch.equal(of_one[0], of_all[place])
    shared = inputs[:1].expand(3, -1, -1)
    laid_down = stacked(shared.contiguous())
    of_shared, of_copies = (products(x, kernels, gradients) for x in (shared, laid_down))
    for one, other in zip(of_shared, of_copies, strict=True):
        assert torch.equal(one, other)


def test_a_row_is_the_same_beside_any_others():
    inputs, kernels, gradients = operands(1, 40, 100, 64, 0.2)
    whole, _ = products(inputs, kernels, gradients)
    for start in (1, 2, 7):
        part, _ = products(stacked(inputs[:, start:]), kernels, stacked(gradients[:, start:]))
        assert torch.equal(part, whole[:, start:])


def test_what_a_zero_meets_does_not_matter_but_what_another_number_meets_does():
    inputs, kernels, gradients = operands(1, 32, 64, 64, 0.2)
    inputs[0, :, 5], inputs[0, :, 6] = 0, 0
    inputs[0, 3, 6] = 1
    kernels[0, 5], kernels[0, 6] = np.inf, np.nan
    there, _ = products(inputs, kernels, gradients)
    assert torch.isnan(there[0, 3]).all()
    # Rows beside it in its group meet the NaN with a zero.
    assert torch.isfinite(there[0, 4:]).all()


def test_it_pays_for_wide_layers_and_batches_on_one_thread():
    assert sparse_pays(256, 784, 128)
    assert not sparse_pays(256, 784, 63)
    assert not sparse_pays(63, 784, 128)
    assert not sparse_pays(2**14, 784, 128)
    assert not sparse_pays(2**20, 1, 128)
    torch.set_num_threads(2)
    assert not sparse_pays(256, 784, 128)


def dotted(rows: int = 160, features: int = 40, share: float = 0.12) -> ResidentData:
    random = np.random.default_rng(3)
    inputs = random.random((rows, features), dtype=np.float32) + np.float32(0.1)
    inputs[random.random(inputs.shape) >= share] = 0
    return ResidentData(inputs, random.integers(0, 4, rows))


def wide(seed: int) -> Recipe:
    """A recipe whose first layer passes zeros over."""
    rows = np.arange(160)
    return replace(
        recipe(seed, CHANGING),
        layers=(40, 64, 4),
        training=Training(steps=6, batch_size=64, evaluate_every=3),
        train_rows=rows[:100],
        test_rows=rows[100:],
    )


def test_data_are_sparse_when_four_rows_have_half_of_the_features():
    # Of independent numbers, of which a share p is not zero, four rows have 1 - (1 - p)⁴.
    assert dotted(share=0.14).sparse
    assert not dotted(share=0.18).sparse
    assert dotted(share=0.0).sparse
    assert not dotted(rows=3, share=0.0).sparse


def test_data_in_the_order_of_their_classes_are_judged_across_these():
    # Four neighbours have a quarter of the features, four rows from all over the set have all.
    inputs = np.kron(np.eye(4, dtype=np.float32), np.ones((40, 10), dtype=np.float32))
    assert not ResidentData(inputs, np.repeat(np.arange(4), 40)).sparse


def test_networks_train_to_the_same_bits_alone_and_in_company():
    data, recipes = dotted(), [wide(seed) for seed in (1, 1, 2, 3)]
    for own, together in zip(recipes, train(recipes, data), strict=True):
        assert_same_bits(train([own], data)[0], together)


def test_training_is_nearly_that_with_all_zeros_multiplied(monkeypatch):
    recipes = [wide(1), wide(2)]
    sparse = train(recipes, dotted())
    calls = []
    monkeypatch.setattr(sparse_products, "sparse_pays", lambda *sizes: calls.append(sizes))
    dense = train(recipes, dotted())
    assert calls
    for one, other in zip(sparse, dense, strict=True):
        for (kernel, bias), (like, bias_like) in zip(one.weights, other.weights, strict=True):
            np.testing.assert_allclose(kernel, like, rtol=0, atol=2e-5)
            np.testing.assert_allclose(bias, bias_like, rtol=0, atol=2e-5)


def test_a_played_step_is_a_taken_step(monkeypatch):
    played = train([wide(1), wide(2)], dotted())
    monkeypatch.setattr(training, "step_for", lambda state: partial(lean_step, state))
    for one, other in zip(train([wide(1), wide(2)], dotted()), played, strict=True):
        assert_same_bits(one, other)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted by Linux")
def test_to_lay_data_out_begins_no_threads():
    """Beside those that train they would be more than there are cores, and all would sleep."""
    subprocess.run([sys.executable, "-c", _DATA_LAID_OUT], check=True, timeout=120)


_DATA_LAID_OUT = """
import os, numpy, torch
from mlplab.trainer.resident import ResidentData
torch.set_num_threads(2)
inputs = numpy.zeros((8192, 784), numpy.float32)
before = len(os.listdir("/proc/self/task"))
assert ResidentData(inputs, numpy.zeros(8192, int)).sparse
assert len(os.listdir("/proc/self/task")) == before
"""
