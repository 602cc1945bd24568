"""A captured step does what an eager step does, to the bit; on a GPU where there is one.

What the capture reads must be all that changes from step to step. So that this is tested without
a GPU, the first capture here repeats a function that was made at the first step, as a graph would.
"""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from mlplab.declarations.initial_weights import Uniform
from mlplab.declarations.optimizer import Adam, CosineSchedule, RmsProp, Sgd
from mlplab.declarations.training import Training
from mlplab.objectives.with_negatives import Entropic
from mlplab.trainer import eager_networks
from mlplab.trainer.batches import Batches
from mlplab.trainer.captured_step import (
    CannotCaptureError,
    CapturedStep,
    OnlyOn,
    can_be_captured,
    cuda_graph,
    step_for,
)
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.eager_step import StackState, eager_step
from mlplab.trainer.recipe import Recipe
from mlplab.trainer.train import train

STEPS = 12
NO_STEP = 10**9
LAYERS = (9, 14, 11, 4)
LONG = Training(steps=STEPS, batch_size=32, evaluate_every=STEPS)
SHORT = Training(steps=STEPS // 2, batch_size=32, evaluate_every=STEPS)
ON_GPU = pytest.param(
    "cuda",
    marks=pytest.mark.skipif(
        not torch.cuda.is_available(), reason="a CUDA graph can only be captured on a GPU"
    ),
)


def recipe(seed: int, optimizer, dropout: float = 0.0, **changes) -> Recipe:
    rows = np.arange(120)
    return Recipe(
        layers=LAYERS,
        activation="relu",
        dropout=dropout,
        initial_weights=Uniform(distribution="uniform", low=-0.3, high=0.3),
        optimizer=optimizer,
        training=changes.pop("training", LONG),
        seed=seed,
        label_map=np.arange(4),
        train_rows=rows,
        validation_rows=rows[:0],
        test_rows=rows[:10],
        **changes,
    )


CHANGING = Adam(
    name="adam", learning_rate=0.01, schedule=CosineSchedule(name="cosine", warmup_steps=3)
)
"""Its coefficients are others at every step."""
WILD = Sgd(name="sgd", learning_rate=1e12, momentum=0.9)
STACK = [
    recipe(0, CHANGING),
    recipe(1, RmsProp(name="rmsprop", learning_rate=0.003), dropout=0.3),
    recipe(0, WILD),
]


def eager(state: StackState):
    """A capture that calls its function again, as it was when it was captured.

    A graph cannot ask the host for the number of its step: in a replay there is none to read.
    """

    def capture(body):
        def replay() -> None:
            step, state.step = state.step, NO_STEP
            body()
            state.step = step

        return replay

    return capture


def resident(precision: str, device: str) -> DeviceDataset:
    generator = np.random.default_rng(5)
    inputs = generator.normal(size=(120, 9)).astype(np.float32)
    return DeviceDataset(inputs, generator.integers(0, 4, 120), precision, device)


def trained(recipes, data: DeviceDataset, step_of, seen=None) -> StackState:
    state = StackState.init(recipes, data.inputs.dtype, data.device)
    step = step_of(state)

    def look(layer: int, gradient: torch.Tensor) -> None:
        seen.append(gradient.norm().item())

    for number, (inputs, targets) in enumerate(Batches(recipes, data).take(STEPS), start=1):
        step(inputs, targets, look if seen is not None and number % 5 == 0 else None)
    return state


def taken(state: StackState):
    return lambda inputs, targets, look: eager_step(state, inputs, targets, look)


def assert_same(one: StackState, other: StackState) -> None:
    assert one.step == other.step == STEPS
    pairs = zip(one.kernels + one.biases, other.kernels + other.biases, strict=True)
    for ours, theirs in pairs:
        for name in ("weights", "first", "second"):
            torch.testing.assert_close(
                getattr(ours, name), getattr(theirs, name), rtol=0, atol=0, equal_nan=True
            )
    assert torch.equal(one.diverged_at, other.diverged_at)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("device", ["cpu", ON_GPU])
def test_a_captured_step_is_an_eager_step_to_the_bit(precision, device):
    data = resident(precision, device)
    capture_of = (lambda _: cuda_graph) if device == "cuda" else eager
    captured_seen, taken_seen = [], []
    captured = trained(STACK, data, lambda s: CapturedStep(s, capture_of(s)), captured_seen)
    assert_same(captured, trained(STACK, data, taken, taken_seen))
    assert captured_seen == pytest.approx(taken_seen, nan_ok=True)
    assert len(captured_seen) == 2 * (len(LAYERS) - 1)
    # The third diverges, at a step that only the replay can have noted.
    assert captured.diverged_at.tolist()[:2] == [0, 0]
    assert 2 < captured.diverged_at[2] <= STEPS


def test_it_is_captured_once_for_all_batches():
    captures = []

    def counting(body):
        captures.append(body)
        return body

    trained(STACK, resident("float32", "cpu"), lambda s: CapturedStep(s, counting))
    assert len(captures) == 1


def test_a_stack_with_an_objective_by_autograd_is_not_captured():
    data = resident("float32", "cpu")
    plain, with_autograd = (
        StackState.init(stack, data.inputs.dtype, data.device)
        for stack in (STACK, [*STACK, recipe(0, CHANGING, objective=Entropic())])
    )
    assert can_be_captured(plain)
    assert not can_be_captured(with_autograd)
    assert not isinstance(step_for(plain), CapturedStep)


def test_a_capture_is_let_go_before_a_smaller_stack_asks_for_its_memory(monkeypatch):
    steps, seen = [], []
    real_select = StackState.select

    def select(self, *args):
        seen.append(steps[-1]())
        return real_select(self, *args)

    def captured(state: StackState) -> CapturedStep:
        step = CapturedStep(state, eager(state))
        steps.append(weakref.ref(step))
        return step

    monkeypatch.setattr(StackState, "select", select)
    monkeypatch.setattr(eager_networks, "step_for", captured)
    some = [replace(one, dropout=0.1) for one in STACK[:2]]  # which the compiled loop does not know
    short = recipe(2, CHANGING, training=SHORT, dropout=0.1)
    train([*some, short], resident("float32", "cpu"))
    assert seen == [None]


def test_what_a_replay_would_not_repeat_is_refused_while_a_step_is_captured():
    on_device = torch.zeros(3, device="meta")
    with OnlyOn("meta"):
        on_device + on_device * 2
        for not_repeated in (
            lambda: torch.zeros(3) + 1,
            lambda: torch.ones(3, device="cpu").mul_(2),
            lambda: torch.arange(3, device="meta").copy_(torch.tensor([1, 2, 3])),
        ):
            with pytest.raises(CannotCaptureError, match="would not repeat"):
                not_repeated()
    with OnlyOn("cpu"), pytest.raises(CannotCaptureError, match="the host"):
        torch.ones(()).item()
