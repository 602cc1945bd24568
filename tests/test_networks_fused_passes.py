"""Passes over memory on the CPU: what torch's own operations give, where they can be compared."""

import pytest
import torch
from mlplab.networks.fused_passes import FusedPasses

from mlplab.networks.aligned import aligned_stack
from mlplab.optimizers.update import Optimized, StepCoefficients

SHAPE = 3, 17, 5


def drawn(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return aligned_stack(shape, torch.float32).copy_(torch.randn(shape, generator=generator))


def as_bfloat16(values: torch.Tensor) -> torch.Tensor:
    return aligned_stack(values.shape, torch.bfloat16).copy_(values)


def passes(outputs: torch.Tensor, bias: torch.Tensor, gradient: torch.Tensor | None = None):
    """The passes of a layer, and the memory of its bias' gradient."""
    gradient = aligned_stack(outputs.shape, outputs.dtype) if gradient is None else gradient
    out = aligned_stack(bias.shape, bias.dtype).fill_(float("nan"))
    return FusedPasses(outputs, bias, gradient, out), out


def in_type(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return aligned_stack(values.shape, dtype).copy_(values)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("rectify", [False, True])
def test_a_bias_is_added_and_rectified_and_rounded_once(dtype, rectify):
    kept = torch.float32 if dtype == torch.bfloat16 else dtype
    outputs, bias = in_type(drawn(*SHAPE), dtype), in_type(drawn(3, 1, 5), kept)
    sums = outputs.to(kept) + bias
    wanted = (sums.relu() if rectify else sums).to(dtype)
    passes(outputs, bias)[0].add_bias(rectify=rectify)
    assert torch.equal(outputs, wanted)
    assert (outputs < 0).any() != rectify


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("rectify", [False, True])
def test_what_is_no_number_or_infinite_stays_so(dtype, rectify):
    values = torch.tensor([[[float("nan"), float("inf"), -float("inf"), 3.39e38]]])
    outputs = in_type(values, dtype)
    passes(outputs, aligned_stack((1, 1, 4), torch.float32))[0].add_bias(rectify=rectify)
    assert torch.equal(outputs.isnan()[0, 0], torch.tensor([True, False, False, False]))
    assert outputs[0, 0, 1] == float("inf")
    assert outputs[0, 0, 2] == (0 if rectify else -float("inf"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("rectified", [False, True])
def test_a_gradient_goes_back_and_its_rows_are_summed_in_float32(dtype, rectified):
    shape = 2, 300, 7
    outputs, gradient = in_type(drawn(*shape).relu(), dtype), in_type(drawn(*shape), dtype)
    wanted = torch.where(outputs > 0, gradient, 0) if rectified else gradient.clone()
    layer, out = passes(outputs, aligned_stack((2, 1, 7), torch.float32), gradient)
    layer.go_back(rectified=rectified)
    assert torch.equal(gradient, wanted)
    exact = wanted.double().sum(1, keepdim=True)
    torch.testing.assert_close(out.double(), exact, rtol=1e-6, atol=1e-5)


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


SLOPES_THAT_OVERFLOW = torch.tensor([[[3e30, -2.0]], [[3e30, -2.0]], [[3e30, -2.0]]])


def test_moments_that_an_optimizer_does_not_have_are_left_alone_and_do_not_disturb():
    # SGD, RMSprop, and SGD with momentum: constants and coefficients of three networks.
    by = StepCoefficients(
        torch.tensor([[0.0, 0.0, 0.5], [1.0, 1.0, 1.0], [0.0, 0.9, 0.0], [0.0, 0.1, 0.0]]),
        torch.tensor([[0.1, 0.1, 0.1], [1.0, 0.0, 1.0], [0.0] * 3, [1.0] * 3, [0.0] * 3]),
    )
    weights = aligned_stack((3, 1, 2), torch.float32)
    gradient = in_type(SLOPES_THAT_OVERFLOW, torch.float32)
    optimized = Optimized.beginning(weights, gradient, torch.zeros(3), decays=True)
    optimized.update(by)
    # A slope whose square is beyond float32 is no harm to SGD, which squares nothing.
    torch.testing.assert_close(weights[0], torch.tensor([[-3e29, 0.2]]))
    torch.testing.assert_close(weights[1, 0, 1].item(), 0.1 / 0.1**0.5, rtol=1e-6, atol=0)
    assert torch.equal(optimized.first[:2], torch.zeros(2, 1, 2))
    assert torch.equal(optimized.second[0], torch.zeros(1, 2))
    assert torch.equal(optimized.first[2], gradient[2])
