"""A step that is written down and played by compiled code does what a step does, to the bit."""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier

import numpy as np
import pytest
import torch
from mlplab.networks.recording import address_of_products, being_recorded, recording
from mlplab.trainer.compiled_step import compiled_step
from mlplab.trainer.lean_step import StackState, lean_step
from mlplab.trainer.repeated_step import RepeatedStep, step_for

from mlplab.declarations.optimizer import Adagrad, AdamW, RmsProp, Sgd
from mlplab.declarations.training import EarlyStopping, Training
from mlplab.networks import precision as precisions
from mlplab.networks.aligned import aligned_stack
from mlplab.networks.products import Product
from mlplab.objectives.with_centres import ClassAnchor
from mlplab.objectives.with_negatives import Entropic
from mlplab.trainer import repeated_step
from mlplab.trainer.batches import Batches
from mlplab.trainer.recipe import Recipe
from mlplab.trainer.train import train
from test_trainer import assert_same_bits
from test_trainer_repeated_step import (
    CHANGING,
    LAYERS,
    STEPS,
    WILD,
    assert_same,
    recipe,
    resident,
    taken,
    trained,
)

pytestmark = pytest.mark.skipif(
    address_of_products() is None, reason="this torch has no interface for C"
)

ROWS, SAME = np.arange(120), np.arange(4)
SHARED = {"train_rows": ROWS[:100], "label_map": SAME, "validation_rows": ROWS[100:]}
OPTIMIZERS = [
    CHANGING,
    Sgd(name="sgd", learning_rate=0.1),
    Sgd(name="sgd", learning_rate=0.03, momentum=0.9, weight_decay=0.01),
    Adagrad(name="adagrad", learning_rate=0.05),
    RmsProp(name="rmsprop", learning_rate=0.003),
    AdamW(name="adamw", learning_rate=0.01, weight_decay=0.1),
    WILD,
]
SHAPES = {
    "a narrow last layer": LAYERS,
    "odd widths": (9, 33, 19, 17),
    "even widths": (9, 32, 16),
    "deep": (9, 20, 20, 20, 20, 4),
}


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture
def _fast_bfloat16(monkeypatch) -> None:
    """Operands lie as bfloat16, as they do where the processor multiplies them fast."""
    monkeypatch.setattr(precisions, "has_fast_bfloat16", lambda device: True)


def stack(layers: tuple[int, ...] = LAYERS, *, one_seed: bool = False, **changes) -> list[Recipe]:
    """One network an optimizer; with one seed they share their batches."""
    return [
        replace(recipe(0 if one_seed else seed, optimizer), **SHARED, layers=layers, **changes)
        for seed, optimizer in enumerate(OPTIMIZERS)
    ]


def compiled_of(state: StackState) -> RepeatedStep:
    step = step_for(state)
    assert isinstance(step, RepeatedStep)
    return step


@pytest.mark.usefixtures("_fast_bfloat16", "threads")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize("layers", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("one_seed", [False, True], ids=["own batches", "shared batches"])
def test_a_compiled_step_is_a_step_to_the_bit(precision, layers, one_seed):
    recipes, data = stack(layers, one_seed=one_seed), resident(precision, "cpu")
    played = trained(recipes, data, compiled_of)
    assert_same(played, trained(recipes, data, taken))
    # The last one diverges where numbers end at 3e38, and none beside it.
    assert not played.diverged_at[:-1].any()
    assert precision == "float64" or played.diverged_at[-1] > 0
    assert all(kernel.weights[:-1].isfinite().all() for kernel in played.kernels)


def test_divergence_is_noted_at_the_step_at_which_it_comes_and_no_other():
    data, slow = resident("float32", "cpu"), Sgd(name="sgd", learning_rate=1e4, momentum=0.9)
    recipes = [recipe(seed, one) for seed, one in enumerate([CHANGING, slow, WILD, slow])]
    played, one_by_one = (trained(recipes, data, step) for step in (compiled_of, taken))
    assert played.diverged_at.tolist() == one_by_one.diverged_at.tolist()
    assert played.diverged_at[0] == 0
    assert 2 < played.diverged_at.max() < STEPS


@pytest.mark.usefixtures("threads")
def test_only_steps_that_show_gradients_go_operation_by_operation(monkeypatch):
    numbers, seen, recipes = [], [], stack()

    def noted(state: StackState, *arguments) -> None:
        numbers.append(state.step + 1)
        lean_step(state, *arguments)

    monkeypatch.setattr(repeated_step, "lean_step", noted)
    data = resident("float32", "cpu")
    played = trained(recipes, data, compiled_of, seen)
    assert numbers == [5, 10]
    assert len(seen) == 2 * (len(LAYERS) - 1)
    assert_same(played, trained(recipes, data, taken))


NOT_COMPILED = {
    "an objective by autograd": {"objective": Entropic()},
    "an objective with centres": {"objective": ClassAnchor()},
    "dropout": {"dropout": 0.2},
    "leaky_relu": {"activation": "leaky_relu"},
    "tanh": {"activation": "tanh"},
    "gelu": {"activation": "gelu"},
}


def step_of(recipes: list[Recipe], precision: str = "float32"):
    data = resident(precision, "cpu")
    return step_for(StackState.beginning(recipes, data.precision, data.device))


@pytest.mark.parametrize("changes", NOT_COMPILED.values(), ids=NOT_COMPILED.keys())
def test_a_stack_of_which_compiled_code_cannot_do_all_goes_operation_by_operation(changes):
    assert isinstance(step_of(stack()), RepeatedStep)
    assert not isinstance(step_of(stack(**changes)), RepeatedStep)


@pytest.mark.parametrize("which", ["an objective by autograd", "dropout"])
def test_one_such_network_is_enough(which):
    *others, last = stack()
    assert not isinstance(step_of([*others, replace(last, **NOT_COMPILED[which])]), RepeatedStep)


@pytest.mark.parametrize(("networks", "is_compiled"), [(1, False), (2, False), (3, True)])
def test_tiny_products_go_operation_by_operation(networks, is_compiled):
    # 32 rows, 11 units and 4 outputs a network; up to 4096 multiplications are tiny.
    assert isinstance(step_of(stack()[:networks]), RepeatedStep) == is_compiled


@pytest.mark.parametrize("is_fast", [False, True])
def test_emulated_bfloat16_goes_operation_by_operation(is_fast, monkeypatch):
    monkeypatch.setattr(precisions, "has_fast_bfloat16", lambda device: is_fast)
    assert isinstance(step_of(stack(), "bfloat16"), RepeatedStep) == is_fast


def test_without_torchs_interface_for_c_a_step_goes_operation_by_operation(monkeypatch):
    monkeypatch.setattr(repeated_step, "address_of_products", lambda: None)
    assert not isinstance(step_of(stack()), RepeatedStep)


def test_a_stack_on_a_device_without_a_recorder_goes_operation_by_operation():
    data = resident("float32", "cpu")
    state = StackState.beginning(stack(), data.precision, data.device)
    elsewhere = replace(state, diverged_at=state.diverged_at.to("meta"))
    assert not isinstance(step_for(elsewhere), RepeatedStep)


def of_many_kinds() -> list[Recipe]:
    """Networks that leave at different steps: done, stopped early, diverged."""
    longer = Training(steps=40, batch_size=32, evaluate_every=8)
    first, second, third, *others = stack(training=longer)
    shorter = longer.model_copy(update={"steps": 20})
    stopping = longer.model_copy(
        update={"early_stopping": EarlyStopping(metric="accuracy", patience=1)}
    )
    return [
        replace(first, training=shorter),
        replace(second, training=stopping),
        replace(third, training=longer.model_copy(update={"diagnostics": True})),
        *others,
    ]


@pytest.mark.usefixtures("_fast_bfloat16", "threads")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_whole_training_gives_the_same_bits_compiled_and_not(precision, monkeypatch):
    recipes, data, kinds = of_many_kinds(), resident(precision, "cpu"), []

    def noted(state: StackState):
        kinds.append(type(step_for(state)))
        return step_for(state)

    monkeypatch.setattr("mlplab.trainer.train.step_for", noted)
    compiled = train(recipes, data)
    assert len(kinds) > 2
    assert set(kinds[:3]) == {RepeatedStep}
    monkeypatch.setattr(repeated_step, "can_be_compiled", lambda state: False)
    for one, other in zip(compiled, train(recipes, data), strict=True):
        assert_same_bits(one, other)
    assert set(kinds[-2:]) == {partial}
    assert compiled[-1].diverged_at
    assert {one.stopped_at for one in compiled} >= {20, 40}


def train_alone(recipes: list[Recipe]):
    torch.set_num_threads(1)
    return train(recipes, resident("float32", "cpu"))


def test_two_threads_that_train_at_once_give_the_bits_of_one_after_the_other(threads):
    stacks = of_many_kinds(), stack((9, 33, 19, 17))
    with ThreadPoolExecutor(1) as one:
        in_turn = list(one.map(train_alone, stacks))
    with ThreadPoolExecutor(2) as two:
        at_once = list(two.map(train_alone, stacks))
    for ours, theirs in zip(in_turn, at_once, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert_same_bits(one, other)


def test_two_threads_that_record_at_once_write_down_each_its_own():
    both = Barrier(2, timeout=60)

    def at_once(state: StackState) -> RepeatedStep:
        record = compiled_step(torch.float32, torch.float32)

        def together(body):
            def slowly() -> None:
                both.wait()
                body()
                both.wait()

            return record(slowly)

        return RepeatedStep(state, together)

    data, stacks = resident("float32", "cpu"), (stack(), stack((9, 33, 19, 17)))
    with ThreadPoolExecutor(2) as two:
        found = list(two.map(lambda recipes: trained(recipes, data, at_once), stacks))
    for recipes, state in zip(stacks, found, strict=True):
        assert_same(state, trained(recipes, data, taken))


def test_nothing_is_written_down_any_more_after_a_recording_that_failed():
    def fail() -> None:
        assert being_recorded() is not None
        raise KeyError

    with pytest.raises(KeyError):
        compiled_step(torch.float32, torch.float32)(fail)
    assert being_recorded() is None


def test_a_product_that_torch_refuses_is_told():
    left, right = (aligned_stack(shape, torch.float32) for shape in ((2, 8, 9), (2, 7, 8)))
    play = compiled_step(torch.float32, torch.float32)(
        lambda: Product((2, 8, 8), torch.float32, "cpu").of(left, right)
    )
    with pytest.raises(RuntimeError, match="could not compute a product"):
        play()


def test_a_recording_holds_what_it_multiplies_and_lets_go_of_it():
    memory = np.zeros((2, 8, 8), dtype=np.float32)
    held = weakref.ref(memory)
    with recording() as written:
        written.multiply(*[torch.from_numpy(memory)] * 3)
    del memory
    assert held() is not None
    del written
    assert held() is None


def test_a_recording_holds_all_that_it_has_an_address_of_and_lets_go_of_it():
    memory = np.zeros(8)
    held = weakref.ref(memory)
    with recording() as written:
        assert written.places(memory) == (memory.ctypes.data,)
    del memory
    assert held() is not None
    del written
    assert held() is None


def test_a_step_holds_its_batch_until_it_is_let_go_with_its_state():
    recipes, data = stack(), resident("float32", "cpu")
    state = StackState.beginning(recipes, data.precision, data.device)
    step = compiled_of(state)
    drawn = np.random.default_rng(1)
    inputs = drawn.normal(size=(len(recipes), 32, 9)).astype(np.float32)
    targets = drawn.integers(0, 4, (len(recipes), 32))
    for _ in range(3):
        step(torch.from_numpy(inputs), torch.from_numpy(targets), None)
    held = weakref.ref(inputs), weakref.ref(targets), weakref.ref(state)
    del inputs, targets, state
    assert all(one() is not None for one in held)
    del step
    assert all(one() is None for one in held)


def test_a_batch_in_other_memory_is_read_there():
    recipes, data = stack(), resident("float32", "cpu")
    states = [StackState.beginning(recipes, data.precision, data.device) for _ in "12"]
    steps = compiled_of(states[0]), taken(states[1])
    for inputs, targets in Batches(recipes, data).take(STEPS):
        moved = inputs.clone(), targets.clone()
        for step in steps:
            step(*moved, None)
    assert_same(*states)


AT_THE_END = """
import torch
from mlplab.networks.recording import recording
tensor = torch.zeros(2, 8, 8)
with recording() as written:
    written.multiply(tensor, tensor, tensor)
"""


def test_a_recording_that_lives_to_the_end_of_the_program_ends_with_it_quietly():
    ended = subprocess.run(
        [sys.executable, "-c", AT_THE_END], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
