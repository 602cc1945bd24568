"""Forward and backward passes against autograd and finite differences; initial weights; dropout."""

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mlplab.declarations.form import Form
from mlplab.declarations.initial_weights import InitialWeights
from mlplab.networks import precision
from mlplab.networks.activations import ACTIVATIONS
from mlplab.networks.aligned import aligned_stack, select_networks
from mlplab.networks.dense_stack import DenseStack, Workspace, backward, forward
from mlplab.networks.dropout import Dropout
from mlplab.networks.initial_weights import draw_kernel, draw_kernels
from mlplab.networks.precision import product_dtype
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.objective import BatchOutputs

CPU = torch.device("cpu")
REFERENCE = {
    "relu": torch.relu,
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "selu": torch.selu,
    "elu": torch.nn.functional.elu,
    "mish": torch.nn.functional.mish,
    "softplus": lambda z: torch.nn.functional.softplus(z, threshold=700),
    "prelu": lambda z: torch.nn.functional.prelu(z, torch.tensor([0.25], dtype=z.dtype)),
    "identity": lambda z: z,
}


def distribution(**settings: object) -> InitialWeights:
    return TypeAdapter(InitialWeights).validate_json(json.dumps(settings))


def random_stack(activation: str, layers=(7, 5, 6, 4), networks=3) -> DenseStack:
    generator = np.random.default_rng(3)
    kernels = [
        [generator.normal(size=pair) for pair in itertools.pairwise(layers)]
        for _ in range(networks)
    ]
    stack = DenseStack.build(kernels, Form(activation), torch.float64, CPU)
    for bias in stack.biases:
        bias.copy_(torch.from_numpy(generator.normal(size=bias.shape)))
    return stack


def gradients_of(stack: DenseStack, inputs, targets, mask=None):
    workspace = Workspace(stack, inputs.shape[1], backward=True)
    logits = forward(stack, inputs, workspace, mask)
    loss = CrossEntropy().value_and_gradients(
        BatchOutputs(logits, workspace.outputs[-2], targets), workspace.gradients[-1]
    )
    found = {}
    backward(
        stack,
        inputs,
        workspace,
        lambda layer: found.__setitem__(
            layer,
            (workspace.kernel_gradients[layer].clone(), workspace.bias_gradients[layer].clone()),
        ),
    )
    return loss, found


@pytest.mark.parametrize("name", ["float16", "bf16", "Float32", ""])
def test_a_precision_that_is_none_is_refused(name):
    """And not taken for float64, which would be another network at half the speed."""
    with pytest.raises(ValueError, match=f"one of float32, bfloat16, float64, received {name!r}"):
        product_dtype(name)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("dropped", [False, True])
def test_loss_and_gradients_are_those_of_autograd(activation, dropped):
    stack = random_stack(activation)
    inputs = torch.randn(3, 9, 7, dtype=torch.float64, generator=torch.manual_seed(1))
    targets = torch.randint(0, 4, (3, 9), generator=torch.manual_seed(2))
    masks = {
        layer: torch.bernoulli(torch.full((3, 9, units), 0.6, dtype=torch.float64)) / 0.6
        for layer, units in enumerate((5, 6))
    }
    mask = (lambda layer, rows, units: masks[layer]) if dropped else None
    loss, ours = gradients_of(stack, inputs, targets, mask)

    kernels = [k.clone().requires_grad_() for k in stack.kernels]
    biases = [b.clone().requires_grad_() for b in stack.biases]
    hidden = inputs
    for layer, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        hidden = hidden @ kernel + bias
        if layer < 2:
            hidden = REFERENCE[activation](hidden)
            if dropped:
                hidden = hidden * masks[layer]
    per_network = torch.stack(
        [torch.nn.functional.cross_entropy(z, y) for z, y in zip(hidden, targets, strict=True)]
    )
    per_network.sum().backward()
    torch.testing.assert_close(loss, per_network, rtol=1e-12, atol=1e-12)
    for layer in range(3):
        torch.testing.assert_close(ours[layer][0], kernels[layer].grad, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(ours[layer][1], biases[layer].grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "gelu", "sigmoid"])
def test_gradients_are_finite_differences(activation):
    stack = random_stack(activation, networks=1)
    inputs = torch.randn(1, 9, 7, dtype=torch.float64, generator=torch.manual_seed(1))
    targets = torch.randint(0, 4, (1, 9), generator=torch.manual_seed(2))
    _, found = gradients_of(stack, inputs, targets)
    h = 1e-6
    for layer, place in [(0, (0, 2, 3)), (1, (0, 4, 0)), (2, (0, 5, 1))]:
        kernel = stack.kernels[layer]
        original = kernel[place].item()
        losses = []
        for moved in (original + h, original - h):
            kernel[place] = moved
            losses.append(gradients_of(stack, inputs, targets)[0].item())
        kernel[place] = original
        assert found[layer][0][place].item() == pytest.approx(
            (losses[0] - losses[1]) / (2 * h), rel=1e-5, abs=1e-9
        )


def test_initial_weights_depend_on_seed_layer_and_shape_alone():
    uniform = distribution(distribution="uniform")
    first = draw_kernels(uniform, 5, (20, 30, 10))
    again = draw_kernels(uniform, 5, (20, 30, 10))
    other = draw_kernels(uniform, 6, (20, 30, 10))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    square = draw_kernels(uniform, 5, (20, 20, 20))
    assert not np.array_equal(square[0], square[1])


@pytest.mark.parametrize(
    ("settings", "mean", "deviation"),
    [
        ({"distribution": "uniform", "low": -0.05, "high": 0.05}, 0, 0.1 / np.sqrt(12)),
        ({"distribution": "uniform", "low": 1, "high": 3}, 2, 2 / np.sqrt(12)),
        ({"distribution": "normal", "mean": 0.5, "deviation": 0.2}, 0.5, 0.2),
        ({"distribution": "glorot"}, 0, np.sqrt(2 / 900)),
        ({"distribution": "glorot", "shape": "normal"}, 0, np.sqrt(2 / 900)),
        ({"distribution": "lecun"}, 0, np.sqrt(1 / 400)),
        ({"distribution": "lecun", "shape": "normal"}, 0, np.sqrt(1 / 400)),
        ({"distribution": "he"}, 0, np.sqrt(2 / 400)),
        ({"distribution": "he", "shape": "normal"}, 0, np.sqrt(2 / 400)),
    ],
)
def test_initial_weights_have_their_moments(settings, mean, deviation):
    kernel = draw_kernel(distribution(**settings), 0, 0, 400, 500).astype(np.float64)
    assert kernel.dtype == np.float64
    # 200,000 draws: the mean is within 5 standard errors, the deviation within 1%.
    assert abs(kernel.mean() - mean) < 5 * deviation / np.sqrt(kernel.size)
    assert kernel.std() == pytest.approx(deviation, rel=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 40), st.data())
def test_every_matrix_of_a_stack_is_aligned_and_selection_keeps_values(n, rows, columns, data):
    stack = aligned_stack((n, rows, columns), torch.float32)
    stack.copy_(torch.randn(n, rows, columns))
    keep = data.draw(st.lists(st.integers(0, n - 1), min_size=1, unique=True))
    kept = select_networks(stack, torch.tensor(keep))
    assert torch.equal(kept, stack[keep])
    for part in (stack, kept):
        assert {matrix.data_ptr() % 64 for matrix in part} == {0}


def test_dropout_masks_have_their_rate_and_do_not_depend_on_companions():
    rates, seeds = torch.tensor([0.25, 0.5, 0.0]), torch.tensor([3, 4, 3])
    masks = Dropout(rates, seeds).mask(step=7, layer=1, batch=200, units=500)
    kept = (masks > 0).float().mean((1, 2))
    # 100,000 units: five standard errors are 0.008.
    np.testing.assert_allclose(kept, [0.75, 0.5, 1.0], atol=0.008)
    np.testing.assert_allclose(masks.mean((1, 2)), 1, atol=0.02)
    alone = Dropout(rates[1:2], seeds[1:2])
    assert torch.equal(alone.mask(7, 1, 200, 500), masks[1:2])
    assert not torch.equal(alone.mask(8, 1, 200, 500), masks[1:2])
    assert not torch.equal(alone.mask(7, 0, 200, 500), masks[1:2])
    # Neighbouring rows and units are not alike: correlation of 100,000 pairs within 5/√n.
    dropped = (masks[1] == 0).float()
    pairs = torch.stack([dropped[:, 1:].flatten(), dropped[:, :-1].flatten()])
    assert abs(torch.corrcoef(pairs)[0, 1]) < 5 / np.sqrt(pairs.shape[1])


def test_slow_bfloat16_is_refused(monkeypatch):
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda device: False)
    with pytest.raises(ValueError, match="no bfloat16 matrices faster"):
        product_dtype("bfloat16")
    assert product_dtype("float32") == torch.float32


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (25, 25)])
def test_orthogonal_weights_keep_lengths(shape):
    kernel = draw_kernel(distribution(distribution="orthogonal", gain=1.5), 3, 0, *shape)
    product = kernel.T @ kernel if shape[0] >= shape[1] else kernel @ kernel.T
    np.testing.assert_allclose(product, 2.25 * np.eye(min(shape)), atol=1e-5)


def test_layers_with_a_residual_may_begin_at_zero():
    zero = distribution(distribution="he", zero_residuals=True)
    first, second, third, last = draw_kernels(zero, 0, (7, 5, 5, 6, 5))
    assert all(kernel.all() for kernel in (first, third, last))
    assert not second.any()
