"""The one update against torch.optim (ε outside the root) and against the written equations."""

import json

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from mlplab.declarations.optimizer import Optimizer
from mlplab.networks.aligned import aligned_stack
from mlplab.optimizers.coefficients import coefficients
from mlplab.optimizers.schedule import learning_rates
from mlplab.optimizers.update import CoefficientTables, OptimizerState

STEPS = 10


def declared(**settings: object) -> Optimizer:
    return TypeAdapter(Optimizer).validate_json(json.dumps(settings))


def stepped(optimizers, gradients: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Weights after each step: gradients (step, network, row, column) → same shape, float64."""
    stack, scratch = (aligned_stack(start.shape, torch.float64) for _ in "12")
    stack.copy_(torch.from_numpy(start))
    tables = CoefficientTables(
        coefficients(optimizers, [len(gradients)] * len(optimizers)),
        torch.float64,
        torch.device("cpu"),
    )
    optimized = OptimizerState.init(stack, scratch, tables.initial_second, decays=True)
    seen = []
    for step, gradient in enumerate(gradients, start=1):
        scratch.copy_(torch.from_numpy(gradient))
        optimized.update(tables.at(step))
        seen.append(stack.numpy().copy())
    return np.array(seen)


def random_problem(networks: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(7)
    # Gradients of very different size, so that ε matters for some and not for others.
    size = 10.0 ** generator.uniform(-9, 1, (1, networks, 5, 3))
    return generator.normal(size=(STEPS, networks, 5, 3)) * size, generator.normal(
        size=(networks, 5, 3)
    )


TORCH = [
    (
        {"name": "sgd", "learning_rate": 0.1},
        lambda p: torch.optim.SGD(p, lr=0.1),
    ),
    (
        {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01},
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    ),
    (
        {"name": "adagrad", "learning_rate": 0.01, "epsilon_placement": "outside_root"},
        lambda p: torch.optim.Adagrad(p, lr=0.01, initial_accumulator_value=0.1, eps=1e-7),
    ),
    (
        {"name": "rmsprop", "learning_rate": 0.001, "epsilon_placement": "outside_root"},
        lambda p: torch.optim.RMSprop(p, lr=0.001, alpha=0.9, eps=1e-7),
    ),
    (
        {"name": "rmsprop", "learning_rate": 0.1, "decay": 0.5, "weight_decay": 0.1,
         "epsilon_placement": "outside_root"},
        lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.5, eps=1e-7, weight_decay=0.1),
    ),
    (
        {"name": "adam", "learning_rate": 0.001, "epsilon_placement": "outside_root"},
        lambda p: torch.optim.Adam(p, lr=0.001, eps=1e-7),
    ),
    (
        {"name": "adam", "learning_rate": 0.01, "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3,
         "weight_decay": 0.1, "epsilon_placement": "outside_root"},
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.9), eps=1e-3, weight_decay=0.1),
    ),
    (
        {"name": "adamw", "learning_rate": 0.01, "weight_decay": 0.1,
         "epsilon_placement": "outside_root"},
        lambda p: torch.optim.AdamW(p, lr=0.01, eps=1e-7, weight_decay=0.1),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "reference"), TORCH)
def test_ten_steps_are_those_of_torch(settings, reference):
    gradients, start = random_problem(1)
    ours = stepped([declared(**settings)], gradients, start)
    parameter = torch.nn.Parameter(torch.from_numpy(start.copy()))
    theirs = reference([parameter])
    for step in range(STEPS):
        parameter.grad = torch.from_numpy(gradients[step].copy())
        theirs.step()
        np.testing.assert_allclose(ours[step], parameter.detach().numpy(), rtol=1e-12, atol=1e-14)


def adam_by_the_equations(gradients, w, placement, α=0.001, β1=0.9, β2=0.999, ε=1e-7):
    """Kingma and Ba (2015), algorithm 1, with ε where it is said to stand."""
    m, v, seen = np.zeros_like(w), np.zeros_like(w), []
    for t, g in enumerate(gradients, start=1):
        m, v = β1 * m + (1 - β1) * g, β2 * v + (1 - β2) * g * g
        if placement == "before_correction":
            w = w - α * np.sqrt(1 - β2**t) / (1 - β1**t) * m / (np.sqrt(v) + ε)
        else:
            m_hat, v_hat = m / (1 - β1**t), v / (1 - β2**t)
            root = np.sqrt(v_hat + ε) if placement == "inside_root" else np.sqrt(v_hat) + ε
            w = w - α * m_hat / root
        seen.append(w)
    return np.array(seen)


def accumulating_by_the_equations(gradients, w, keep, add, start, α, placement, ε=1e-7):
    """v ← keep·v + add·g², w ← w − α·g/√: Adagrad (Duchi et al., 2011), RMSprop (Hinton, 2012)."""
    v, seen = np.full_like(w, start), []
    for g in gradients:
        v = keep * v + add * g * g
        w = w - α * g / (np.sqrt(v + ε) if placement == "inside_root" else np.sqrt(v) + ε)
        seen.append(w)
    return np.array(seen)


@pytest.mark.parametrize("placement", ["before_correction", "inside_root", "outside_root"])
def test_adam_has_epsilon_where_it_is_said_to_stand(placement):
    gradients, start = random_problem(1)
    optimizer = declared(name="adam", learning_rate=0.001, epsilon_placement=placement)
    np.testing.assert_allclose(
        stepped([optimizer], gradients, start),
        adam_by_the_equations(gradients, start, placement),
        rtol=1e-12,
    )


@pytest.mark.parametrize("placement", ["inside_root", "outside_root"])
@pytest.mark.parametrize(
    ("name", "keep", "add", "start"), [("adagrad", 1, 1, 0.1), ("rmsprop", 0.9, 0.1, 0)]
)
def test_accumulating_optimizers_follow_their_equations(name, keep, add, start, placement):
    gradients, weights = random_problem(1)
    optimizer = declared(name=name, learning_rate=0.01, epsilon_placement=placement)
    np.testing.assert_allclose(
        stepped([optimizer], gradients, weights),
        accumulating_by_the_equations(gradients, weights, keep, add, start, 0.01, placement),
        rtol=1e-12,
    )


def test_a_hand_worked_step_of_rmsprop_with_epsilon_inside():
    # v = 0.1·(1e-8)² = 1e-17; √(1e-17 + 1e-7) = 3.1623e-4; step = 0.001·1e-8/3.1623e-4 = 3.1623e-8.
    # With ε outside: √1e-17 = 3.1623e-9, + 1e-7 = 1.0316e-7; step = 9.6935e-5: 3,000 times larger.
    gradient, start = np.full((1, 1, 1, 1), 1e-8), np.zeros((1, 1, 1))
    inside = declared(name="rmsprop", learning_rate=0.001)
    outside = declared(name="rmsprop", learning_rate=0.001, epsilon_placement="outside_root")
    assert stepped([inside], gradient, start).item() == pytest.approx(-3.16228e-8, rel=1e-5)
    assert stepped([outside], gradient, start).item() == pytest.approx(-9.69347e-5, rel=1e-5)


def test_networks_with_different_optimizers_share_a_stack_without_touching_each_other():
    optimizers = [declared(**settings) for settings, _ in TORCH]
    gradients, start = random_problem(len(optimizers))
    together = stepped(optimizers, gradients, start)
    for place, optimizer in enumerate(optimizers):
        one = slice(place, place + 1)
        alone = stepped([optimizer], gradients[:, one], start[one])
        np.testing.assert_array_equal(together[:, one], alone)


def test_a_gradient_that_is_not_finite_stays_with_its_network():
    optimizers = [declared(name="adam", learning_rate=0.1)] * 3
    gradients, start = random_problem(3)
    clean = stepped(optimizers, gradients, start)
    gradients[2, 1] = np.nan
    gradients[3, 1] = np.inf
    spoilt = stepped(optimizers, gradients, start)
    assert np.isnan(spoilt[-1, 1]).all()
    np.testing.assert_array_equal(spoilt[:, [0, 2]], clean[:, [0, 2]])


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_sgd_needs_no_square_of_its_gradient_that_would_overflow(momentum):
    sgd = declared(name="sgd", learning_rate=1e-160, momentum=momentum)
    gradients, start = np.full((1, 1, 2, 3), 1e160), np.zeros((1, 2, 3))
    np.testing.assert_allclose(stepped([sgd], gradients, start), -1, rtol=1e-12)


def test_schedules_have_their_known_values():
    base = {"name": "sgd", "learning_rate": 1.0}
    step = declared(**base, schedule={"name": "step", "every": 2, "factor": 0.5})
    np.testing.assert_allclose(learning_rates(step, 5), [1, 1, 0.5, 0.5, 0.25])
    cosine = declared(**base, schedule={"name": "cosine"})
    np.testing.assert_allclose(
        learning_rates(cosine, 5), [1, 0.853553, 0.5, 0.146447, 0], atol=1e-6
    )
    warm = declared(**base, schedule={"name": "constant", "warmup_steps": 4})
    np.testing.assert_allclose(learning_rates(warm, 6), [0.25, 0.5, 0.75, 1, 1, 1])
    ends = declared(**base, schedule={"name": "cosine", "final": 0.1, "warmup_steps": 2})
    rates = learning_rates(ends, 12)
    assert rates[0] == 0.5
    assert rates[-1] == pytest.approx(0.1)
