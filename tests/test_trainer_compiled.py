"""The compiled loop against the eager path over whole trainings, and its own promises of bits."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from mlplab.declarations.form import Form
from mlplab.declarations.optimizer import Adagrad, AdamW, RmsProp, Sgd
from mlplab.declarations.training import EarlyStopping, Training
from mlplab.networks import kernels
from mlplab.networks.precision import has_fast_bfloat16
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.regression import Huber, MeanAbsoluteError, MeanSquaredError, Pinball
from mlplab.objectives.weighted_cross_entropy import WeightedCrossEntropy
from mlplab.objectives.with_negatives import Entropic
from mlplab.trainer import compiled_networks
from mlplab.trainer import train as training
from mlplab.trainer.compiled_networks import CompiledNetworks, is_compiled
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.eager_networks import EagerNetworks
from mlplab.trainer.recipe import Quantity, Recipe, TrainedNetwork
from mlplab.trainer.train import train
from test_trainer import assert_same_bits
from test_trainer_captured_step import CHANGING, LAYERS, WILD, recipe

pytestmark = pytest.mark.skipif(
    kernels.loaded().library is None, reason="mlplab is installed without its compiled loop"
)

ROWS, SAME = np.arange(120), np.arange(4)
NO_CLASSES = np.zeros(4, dtype=np.int64)
SHARED = {"train_rows": ROWS[:100], "label_map": SAME, "validation_rows": ROWS[100:]}
TRAINING = Training(steps=40, batch_size=32, evaluate_every=8, diagnostics=True)
OPTIMIZERS = [
    CHANGING,
    Sgd(name="sgd", learning_rate=0.1),
    Sgd(name="sgd", learning_rate=0.03, momentum=0.9, weight_decay=0.01),
    Adagrad(name="adagrad", learning_rate=0.05),
    RmsProp(name="rmsprop", learning_rate=0.003),
    AdamW(name="adamw", learning_rate=0.01, weight_decay=0.1),
]
SHAPES = {
    "linear": (9, 4),
    "a narrow last layer": LAYERS,
    "odd widths": (9, 33, 19, 4),
    "wide": (9, 200, 180, 4),
    "deep": (9, 20, 20, 20, 20, 4),
}
TOLERANCE = {
    "float32": {"rtol": 2e-4, "atol": 2e-5},
    # Rounded to eight bits, what differs in a last place is another operand.
    "bfloat16": {"rtol": 0.05, "atol": 0.03},
}
PRECISIONS = [
    "float32",
    pytest.param(
        "bfloat16",
        marks=pytest.mark.skipif(
            not has_fast_bfloat16("cpu"), reason="this processor has no fast bfloat16"
        ),
    ),
]


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def clouds(precision: str = "float32") -> DeviceDataset:
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 4, 120)
    inputs = generator.normal(size=(4, 9))[labels] + generator.normal(size=(120, 9))
    return DeviceDataset(inputs.astype(np.float32), labels, precision)


def stack(layers: tuple[int, ...] = LAYERS, **changes) -> list[Recipe]:
    """One network an optimizer."""
    changes = {"training": TRAINING, **SHARED, "layers": layers, **changes}
    return [replace(recipe(seed, one), **changes) for seed, one in enumerate(OPTIMIZERS)]


def eagerly(recipes: list[Recipe], data: DeviceDataset, monkeypatch) -> list[TrainedNetwork]:
    with monkeypatch.context() as patch:
        patch.setattr(training, "is_compiled", lambda *_: False)
        return train(recipes, data)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layers", SHAPES.values(), ids=SHAPES.keys())
def test_it_trains_as_the_eager_path_does(precision, layers, monkeypatch):
    recipes, data = stack(layers), clouds(precision)
    compiled, eager = train(recipes, data), eagerly(recipes, data, monkeypatch)
    for one, other in zip(compiled, eager, strict=True):
        assert one.curves.keys() == other.curves.keys()
        np.testing.assert_array_equal(one.steps, other.steps)
        for ours, theirs in zip(one.weights, other.weights, strict=True):
            for part, same in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(part, same, **TOLERANCE[precision])
        if precision == "bfloat16":
            continue
        np.testing.assert_allclose(one.test_logits, other.test_logits, rtol=1e-3, atol=1e-4)
        for name in one.curves.keys() - {("batch", "seconds")}:
            np.testing.assert_allclose(
                one.curves[name], other.curves[name], rtol=1e-3, atol=1e-4, err_msg=str(name)
            )


def of_a_quantity(layers: tuple[int, ...] = (9, 20, 12, 1)) -> list[Recipe]:
    """One network an optimizer; they have the losses of a quantity by turns."""
    generator = np.random.default_rng(7)
    targets = generator.normal(size=120).astype(np.float32)
    losses = [MeanSquaredError(), MeanAbsoluteError(), Huber(0.7), Pinball(0.8)]
    return [
        replace(
            one,
            objective=losses[place % 4],
            quantity=Quantity(targets, 3.0),
            label_map=NO_CLASSES,
        )
        for place, one in enumerate(stack(layers))
    ]


def weighted() -> list[Recipe]:
    return stack(objective=WeightedCrossEntropy((0.5, 3.0, 1.0, 0.8)))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("recipes", [of_a_quantity(), of_a_quantity((9, 1)), weighted()])
def test_other_objectives_train_as_on_the_eager_path(recipes, precision, monkeypatch):
    data = clouds(precision)
    compiled, eager = train(recipes, data), eagerly(recipes, data, monkeypatch)
    for own, one, other in zip(recipes, compiled, eager, strict=True):
        assert is_compiled(own.form, own.dropout, own.objective, "cpu")
        assert_same_bits(train([own], data)[0], one)
        assert one.curves.keys() == other.curves.keys()
        for ours, theirs in zip(one.weights, other.weights, strict=True):
            for part, same in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(part, same, **TOLERANCE[precision])
        for name in one.curves.keys() - {("batch", "seconds")} if precision == "float32" else ():
            np.testing.assert_allclose(
                one.curves[name], other.curves[name], rtol=1e-3, atol=1e-4, err_msg=str(name)
            )


def test_what_a_loop_would_read_beyond_is_refused():
    data, some = clouds(), of_a_quantity()[:1]
    for bad in (
        [replace(some[0], quantity=Quantity(np.zeros(5, dtype=np.float32), 1.0))],
        [replace(some[0], layers=LAYERS)],
        [replace(one, label_map=np.array([0, 1, 2, -1])) for one in stack()[:1]],
        [replace(one, objective=WeightedCrossEntropy((1.0, 2.0))) for one in stack()[:1]],
    ):
        with pytest.raises(ValueError, match=r"output|known class|quantity"):
            train(bad, data)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layers", SHAPES.values(), ids=SHAPES.keys())
def test_a_network_has_the_same_bits_alone_in_company_and_in_any_order(precision, layers):
    recipes, data = stack(layers), clouds(precision)
    together, turned = train(recipes, data), train(recipes[::-1], data)[::-1]
    for own, one, other in zip(recipes, together, turned, strict=True):
        assert_same_bits(one, other)
        assert_same_bits(train([own], data)[0], one)


def of_many_kinds() -> list[Recipe]:
    """Networks that leave at different steps: done, stopped early, diverged."""
    stopping = EarlyStopping(metric="accuracy", patience=1)
    first, second, *others = stack()
    return [
        replace(first, training=TRAINING.model_copy(update={"steps": 20})),
        replace(second, training=TRAINING.model_copy(update={"early_stopping": stopping})),
        *others,
        replace(recipe(9, WILD), training=TRAINING, **SHARED),
    ]


def test_networks_stop_and_diverge_where_they_do_on_the_eager_path(monkeypatch):
    recipes, data = of_many_kinds(), clouds()
    compiled, eager = train(recipes, data), eagerly(recipes, data, monkeypatch)
    for one, other in zip(compiled, eager, strict=True):
        assert (one.stopped_at, one.diverged_at) == (other.stopped_at, other.diverged_at)
    assert compiled[-1].diverged_at
    assert not any(one.diverged_at for one in compiled[:-1])
    assert {one.stopped_at for one in compiled} >= {8, 20, 40}
    for own, one in zip(recipes, compiled, strict=True):
        assert_same_bits(train([own], data)[0], one)


def test_two_threads_that_train_at_once_give_the_bits_of_one_after_the_other():
    stacks, data = (of_many_kinds(), stack((9, 33, 19, 4))), clouds()
    in_turn = [train(recipes, data) for recipes in stacks]
    with ThreadPoolExecutor(2) as two:
        at_once = list(two.map(lambda recipes: train(recipes, data), stacks))
    for ours, theirs in zip(in_turn, at_once, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert_same_bits(one, other)


def dotted(share: float = 0.12, rows: int = 160) -> DeviceDataset:
    random = np.random.default_rng(3)
    inputs = random.random((rows, 40), dtype=np.float32) + np.float32(0.1)
    inputs[random.random(inputs.shape) >= share] = 0
    return DeviceDataset(inputs, random.integers(0, 4, rows))


def test_data_are_sparse_when_four_rows_have_half_of_the_features():
    # Of independent numbers, of which a share p is not zero, four rows have 1 - (1 - p)⁴.
    assert dotted(0.14).masks is not None
    assert dotted(0.18).masks is None
    assert dotted(0.0).masks is not None
    assert dotted(0.0, rows=3).masks is None
    # In the order of their classes, four neighbours have a quarter of the features, others all.
    inputs = np.kron(np.eye(4, dtype=np.float32), np.ones((40, 10), dtype=np.float32))
    assert DeviceDataset(inputs, np.repeat(np.arange(4), 40)).masks is None


def test_a_mask_has_a_bit_for_every_number_that_is_not_zero():
    data = dotted()
    bits = (data.masks[:, :, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    expected = data.inputs.numpy() != 0
    np.testing.assert_array_equal(bits.reshape(160, -1)[:, :40], expected)


def test_training_without_the_zeros_is_nearly_that_with_them(monkeypatch):
    one_thread = torch.get_num_threads()
    torch.set_num_threads(1)
    wide = Training(steps=6, batch_size=64, evaluate_every=3)
    changes = {"layers": (40, 64, 4), "training": wide, "test_rows": np.arange(100, 160)}
    recipes, data = stack(**{**SHARED, **changes}), dotted()
    sparse = train(recipes, data)
    for own, one in zip(recipes, sparse, strict=True):
        assert_same_bits(train([own], data)[0], one)
    data.masks = None
    for one, other in zip(sparse, train(recipes, data), strict=True):
        for (kernel, bias), (like, bias_like) in zip(one.weights, other.weights, strict=True):
            np.testing.assert_allclose(kernel, like, rtol=0, atol=2e-5)
            np.testing.assert_allclose(bias, bias_like, rtol=0, atol=2e-5)
    torch.set_num_threads(one_thread)


def test_long_trainings_prepare_their_batches_in_blocks(monkeypatch):
    whole = train(stack(), clouds())
    monkeypatch.setattr(compiled_networks, "_LARGEST_BLOCK", 3 * 6 * 32)
    for one, other in zip(train(stack(), clouds()), whole, strict=True):
        assert_same_bits(one, other)


def test_every_network_is_charged_its_own_seconds():
    recipes = stack((9, 64, 4))
    trained = train(recipes, clouds())
    seconds = [one.curves["batch", "seconds"] for one in trained]
    assert all((np.diff(own) > 0).all() for own in seconds)
    assert len({one.seconds for one in trained}) == len(trained)


def test_means_of_gradients_of_dead_units_do_not_stay_subnormal():
    steps = Training(steps=1500, batch_size=32, evaluate_every=1500)
    dead = replace(recipe(0, CHANGING), training=steps, **SHARED)
    data = DeviceDataset(np.full((120, 9), -1e-3, dtype=np.float32), np.zeros(120, dtype=np.int64))
    networks = CompiledNetworks([dead], data)
    networks.advance(1500, diagnose=False)
    size = np.abs(networks._first)
    assert not ((size > 0) & (size < 2.0**-126)).any()
    assert np.float32(2.0**-126) * np.float32(0.5) != 0  # and the caller's mode is as it was


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("form", Form("tanh")),
        ("form", Form(normalization="layer")),
        ("dropout", 0.2),
        ("objective", Entropic()),
        ("device", "cuda"),
    ],
)
def test_what_the_loop_does_not_know_goes_the_eager_way(setting, value):
    known = {"form": Form(), "dropout": 0.0, "objective": CrossEntropy(), "device": "cpu"}
    assert is_compiled(**known)
    assert not is_compiled(**{**known, setting: value})


def test_networks_of_both_forms_can_share_a_stack():
    recipes, data = stack(), clouds()
    mixed = [recipes[0], replace(recipes[1], dropout=0.2), recipes[2]]
    for own, one in zip(mixed, train(mixed, data), strict=True):
        assert_same_bits(train([own], data)[0], one)


@pytest.mark.parametrize("form", [CompiledNetworks, EagerNetworks])
def test_rows_that_are_not_there_are_refused_before_anything_is_read(form):
    outside = replace(stack()[0], train_rows=np.arange(100) + 60)
    with pytest.raises((ValueError, IndexError)):
        form([outside], clouds()).advance(8, diagnose=False)
