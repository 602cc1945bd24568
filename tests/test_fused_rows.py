"""Losses and metrics of rows: compiled for the CPU and as tensor operations, they are the same."""

import pytest
import torch

from mlplab.objectives.cross_entropy import CrossEntropy, by_tensor_operations
from mlplab.objectives.objective import BatchOutputs
from mlplab.trainer.evaluation import metric_sums, metric_sums_by_tensor_operations

NETWORKS, ROWS, CLASSES = 3, 40, 10


def drawn(scale: float = 5.0, dtype: torch.dtype = torch.float64):
    generator = torch.Generator().manual_seed(1)
    shape = NETWORKS, ROWS, CLASSES
    logits = scale * torch.randn(shape, generator=generator, dtype=dtype)
    return logits, torch.randint(0, CLASSES, shape[:2], generator=generator)


@pytest.mark.parametrize("scale", [0.1, 5.0, 1000.0])
def test_cross_entropy_is_that_of_tensor_operations(scale):
    logits, targets = drawn(scale)
    outputs = BatchOutputs(logits, logits, targets)
    compiled, other = torch.empty_like(logits), torch.empty_like(logits)
    values = CrossEntropy().value_and_gradients(outputs, compiled)
    torch.testing.assert_close(values, by_tensor_operations(outputs, other), rtol=1e-12, atol=0)
    torch.testing.assert_close(compiled, other, rtol=1e-9, atol=1e-15)
    each = [torch.nn.functional.cross_entropy(z, y) for z, y in zip(logits, targets, strict=True)]
    torch.testing.assert_close(values, torch.stack(each), rtol=1e-12, atol=0)


def test_cross_entropy_of_bfloat16_is_that_of_float32_rounded_once():
    logits, targets = drawn(dtype=torch.float32)
    narrow = logits.bfloat16()
    wide, gradient = torch.empty_like(logits), torch.empty_like(narrow)
    values = CrossEntropy().value_and_gradients(BatchOutputs(narrow, narrow, targets), gradient)
    outputs = BatchOutputs(narrow.float(), narrow, targets)
    assert torch.equal(values, CrossEntropy().value_and_gradients(outputs, wide))
    assert torch.equal(gradient, wide.bfloat16())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 4, CLASSES - 1])
def test_a_network_that_diverges_says_so_and_its_neighbours_do_not(bad, place):
    logits, targets = drawn(dtype=torch.float32)
    logits[1, 7, place] = bad
    gradient = torch.empty_like(logits)
    values = CrossEntropy().value_and_gradients(BatchOutputs(logits, logits, targets), gradient)
    assert torch.isfinite(values).tolist() == [True, False, True]
    assert torch.isfinite(gradient).all((1, 2)).tolist() == [True, False, True]


@pytest.mark.parametrize("some", [False, True])
def test_metrics_are_those_of_tensor_operations(some):
    logits, targets = drawn()
    valid = torch.arange(ROWS).expand(NETWORKS, -1) % 3 > 0 if some else None
    if valid is not None:
        targets = torch.where(valid, targets, -1)
    torch.testing.assert_close(
        metric_sums(logits, targets, valid),
        metric_sums_by_tensor_operations(logits, targets, valid),
        rtol=1e-12,
        atol=1e-12,
    )
    rounded = logits.bfloat16()
    torch.testing.assert_close(
        metric_sums(rounded, targets, valid),
        metric_sums_by_tensor_operations(rounded.double(), targets, valid),
        rtol=1e-5,
        atol=1e-4,
    )


def test_of_equal_logits_the_first_class_is_said_and_rows_share_nothing():
    logits = torch.zeros(1, 3, CLASSES)
    assert metric_sums(logits, torch.tensor([[0, 0, 1]]))[1, 0] == 2
    logits[0, 1] = float("nan")
    lost = metric_sums(logits, torch.tensor([[0, 0, 1]]), torch.tensor([[True, False, True]]))
    assert torch.isfinite(lost).all()
