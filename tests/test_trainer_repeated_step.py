"""A recorded step does what a step does, to the bit; on a GPU where there is one.

What the recording reads must be all that changes from step to step. So that this is tested without
a GPU, the first recorder here plays a function that was made at the first step, as a graph would.
"""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from mlplab.trainer.lean_step import StackState, lean_step
from mlplab.trainer.repeated_step import RepeatedStep, can_be_recorded, cuda_graph, step_for
from mlplab.trainer.resident import ResidentData

from mlplab.declarations.initial_weights import Uniform
from mlplab.declarations.optimizer import Adam, CosineSchedule, RmsProp, Sgd
from mlplab.declarations.training import Training
from mlplab.objectives.with_negatives import Entropic
from mlplab.trainer import train as training
from mlplab.trainer.batches import Batches
from mlplab.trainer.recipe import Recipe

STEPS = 12
NO_STEP = 10**9
LAYERS = (9, 14, 11, 4)
LONG = Training(steps=STEPS, batch_size=32, evaluate_every=STEPS)
SHORT = Training(steps=STEPS // 2, batch_size=32, evaluate_every=STEPS)
ON_GPU = pytest.param(
    "cuda",
    marks=pytest.mark.skipif(
        not torch.cuda.is_available(), reason="a CUDA graph can only be recorded on a GPU"
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
    """Play a recorded function again, as it was when it was recorded.

    A graph cannot ask the host for the number of its step: while one plays, there is none to read.
    """

    def record(body):
        def play() -> None:
            step, state.step = state.step, NO_STEP
            body()
            state.step = step

        return play

    return record


def resident(precision: str, device: str) -> ResidentData:
    generator = np.random.default_rng(5)
    inputs = generator.normal(size=(120, 9)).astype(np.float32)
    return ResidentData(inputs, generator.integers(0, 4, 120), precision, device)


def trained(recipes, data: ResidentData, step_of, seen=None) -> StackState:
    state = StackState.beginning(recipes, data.precision, data.device)
    step = step_of(state)

    def look(layer: int, gradient: torch.Tensor) -> None:
        seen.append(gradient.norm().item())

    for number, (inputs, targets) in enumerate(Batches(recipes, data).take(STEPS), start=1):
        step(inputs, targets, look if seen is not None and number % 5 == 0 else None)
    return state


def taken(state: StackState):
    return lambda inputs, targets, look: lean_step(state, inputs, targets, look)


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
def test_a_recorded_step_is_a_step_to_the_bit(precision, device):
    data = resident(precision, device)
    record_of = (lambda _: cuda_graph) if device == "cuda" else eager
    recorded_seen, taken_seen = [], []
    recorded = trained(STACK, data, lambda s: RepeatedStep(s, record_of(s)), recorded_seen)
    assert_same(recorded, trained(STACK, data, taken, taken_seen))
    assert recorded_seen == pytest.approx(taken_seen, nan_ok=True)
    assert len(recorded_seen) == 2 * (len(LAYERS) - 1)
    # The third diverges, at a step that only the recording can have noted.
    assert recorded.diverged_at.tolist()[:2] == [0, 0]
    assert 2 < recorded.diverged_at[2] <= STEPS


def test_it_is_recorded_once_for_all_batches():
    recordings = []

    def counting(body):
        recordings.append(body)
        return body

    trained(STACK, resident("float32", "cpu"), lambda s: RepeatedStep(s, counting))
    assert len(recordings) == 1


def test_a_stack_with_an_objective_by_autograd_is_not_recorded():
    data = resident("float32", "cpu")
    plain, with_autograd = (
        StackState.beginning(stack, data.precision, data.device)
        for stack in (STACK, [*STACK, recipe(0, CHANGING, objective=Entropic())])
    )
    assert can_be_recorded(plain)
    assert not can_be_recorded(with_autograd)
    assert not isinstance(step_for(plain), RepeatedStep)


def test_a_recording_is_let_go_before_a_smaller_stack_asks_for_its_memory(monkeypatch):
    steps, seen = [], []
    real_select = StackState.select

    def select(self, *args):
        seen.append(steps[-1]())
        return real_select(self, *args)

    def recorded(state: StackState) -> RepeatedStep:
        step = RepeatedStep(state, eager(state))
        steps.append(weakref.ref(step))
        return step

    monkeypatch.setattr(StackState, "select", select)
    monkeypatch.setattr(training, "step_for", recorded)
    training.train([*STACK[:2], recipe(2, CHANGING, training=SHORT)], resident("float32", "cpu"))
    assert seen == [None]
