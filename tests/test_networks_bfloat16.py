"""Passes over bfloat16 on the CPU: what torch's own operations give, where they can be compared."""

import pytest
import torch

from mlplab.networks.aligned import aligned_stack
from mlplab.networks.bfloat16_passes import add_bias, sum_rows
from mlplab.optimizers.update import Optimized, StepCoefficients

SHAPE = 3, 17, 5


def drawn(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return aligned_stack(shape, torch.float32).copy_(torch.randn(shape, generator=generator))


def as_bfloat16(values: torch.Tensor) -> torch.Tensor:
    return aligned_stack(values.shape, torch.bfloat16).copy_(values)


def test_a_bias_is_added_in_float32_and_rounded_once():
    outputs, bias = as_bfloat16(drawn(*SHAPE)), drawn(3, 1, 5)
    wanted = (outputs.float() + bias).bfloat16()
    add_bias(outputs, bias)
    assert torch.equal(outputs, wanted)


def test_what_is_no_number_or_infinite_stays_so():
    outputs = as_bfloat16(torch.tensor([[[float("nan"), float("inf"), -float("inf"), 3.39e38]]]))
    add_bias(outputs, torch.zeros(1, 1, 4))
    assert torch.equal(outputs.isnan()[0, 0], torch.tensor([True, False, False, False]))
    assert outputs[0, 0, 1] == float("inf")
    assert outputs[0, 0, 2] == -float("inf")


def test_rows_are_summed_in_float32():
    gradient, out = as_bfloat16(drawn(2, 300, 7)), torch.full((2, 1, 7), float("nan"))
    sum_rows(gradient, out)
    torch.testing.assert_close(
        out.double(), gradient.double().sum(1, keepdim=True), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("decays", [False, True])
def test_the_one_pass_gives_the_bits_of_widening_updating_and_rounding(decays):
    coefficients = StepCoefficients(
        torch.tensor([[0.9, 0.0, 0.9], [0.1, 1.0, 0.1], [0.999, 0.0, 0.9], [0.001, 0.0, 0.1]]),
        torch.tensor(
            [[0.01, 0.1, 0.001], [0.0, 1.0, 1e-7], [1e-7, 0.0, 0.0], [1.0, 0.9, 1.0], [0.0, 0.1, 0]]
        ),
    )
    pairs = []
    for operand in (None, as_bfloat16(drawn(*SHAPE))):
        gradient = as_bfloat16(drawn(*SHAPE)) if operand is not None else drawn(*SHAPE)
        pairs.append(
            Optimized.beginning(
                drawn(*SHAPE), gradient, torch.tensor([0.0, 0.1, 0.1]),
                decays=decays, operand=operand,
            )
        )  # fmt: skip
    wide, narrow = pairs
    for step in range(4):
        gradient = drawn(*SHAPE).roll(step).bfloat16()
        wide.gradient.copy_(gradient)
        narrow.gradient.copy_(gradient)
        wide.update(coefficients)
        narrow.update(coefficients)
        assert torch.equal(narrow.weights, wide.weights)
        assert torch.equal(narrow.first, wide.first)
        assert torch.equal(narrow.second, wide.second)
        assert torch.equal(narrow.operand, wide.weights.bfloat16())
