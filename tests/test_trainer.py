"""A stack gives what each network gives alone, and what a plain loop with autograd gives."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mlplab.declarations.initial_weights import Uniform
from mlplab.declarations.optimizer import Optimizer
from mlplab.declarations.task import CLASSIFICATION
from mlplab.declarations.training import EarlyStopping, Training
from mlplab.networks.activations import ACTIVATIONS
from mlplab.networks.initial_weights import draw_kernels
from mlplab.objectives.cross_entropy import CrossEntropy
from mlplab.objectives.with_centres import ClassAnchor
from mlplab.objectives.with_negatives import Entropic
from mlplab.trainer.batch_order import BatchOrder
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.evaluation import METRICS, metric_sums
from mlplab.trainer.recipe import Recipe, TrainedNetwork
from mlplab.trainer.train import train

FEATURES, CLASSES, ROWS = 13, 4, 300
LAYERS = (FEATURES, 17, 11, CLASSES)


def optimizer(**declared: object) -> Optimizer:
    return TypeAdapter(Optimizer).validate_json(json.dumps(declared))


OPTIMIZERS = {
    "sgd": optimizer(name="sgd", learning_rate=0.1, momentum=0.5),
    "adagrad": optimizer(name="adagrad", learning_rate=0.05),
    "rmsprop": optimizer(name="rmsprop", learning_rate=0.003),
    "adam": optimizer(name="adam", learning_rate=0.01),
    "adamw": optimizer(name="adamw", learning_rate=0.01),
}
ALL = np.arange(ROWS)
TRAIN, VALIDATION, TEST = ALL[:200], ALL[200:240], ALL[240:]
NONE = ALL[:0]
SAME = np.arange(CLASSES)
PLAIN = [(CrossEntropy(), slice(None))]


def problem(precision: str = "float32") -> DeviceDataset:
    """Rows of four overlapping clouds, learnable but not at once."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, ROWS)
    centres = generator.normal(size=(CLASSES, FEATURES))
    inputs = centres[labels] + 1.2 * generator.normal(size=(ROWS, FEATURES))
    return DeviceDataset(inputs.astype(np.float32), labels, precision)


def recipe(seed: int = 0, which: str = "adam", **changes: object) -> Recipe:
    training = {"steps": 30, "batch_size": 32, "evaluate_every": 10}
    training |= {k: changes.pop(k) for k in list(changes) if k in Training.model_fields}
    base = Recipe(
        layers=LAYERS,
        activation="relu",
        dropout=0.0,
        initial_weights=Uniform(distribution="uniform", low=-0.3, high=0.3),
        optimizer=OPTIMIZERS[which],
        training=Training(**training),
        seed=seed,
        label_map=SAME,
        train_rows=TRAIN,
        validation_rows=NONE,
        test_rows=TEST,
    )
    return replace(base, **changes)


def assert_same_bits(one: TrainedNetwork, other: TrainedNetwork) -> None:
    np.testing.assert_array_equal(one.steps, other.steps)
    assert one.curves.keys() == other.curves.keys()
    for name in one.curves.keys() - {("batch", "seconds")}:
        np.testing.assert_array_equal(one.curves[name], other.curves[name], err_msg=str(name))
    for (kernel, bias), (kernel2, bias2) in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(kernel, kernel2)
        np.testing.assert_array_equal(bias, bias2)
    np.testing.assert_array_equal(one.test_logits, other.test_logits)
    assert (one.diverged_at, one.stopped_at) == (other.diverged_at, other.stopped_at)


DIFFERENT = [
    recipe(0, "adam"),
    recipe(1, "sgd", steps=20),
    recipe(0, "rmsprop", evaluate_every=7),
    recipe(2, "adagrad", train_rows=ALL[10:160]),
    recipe(0, "adamw", dropout=0.3),
    recipe(3, "adam", label_map=np.array([1, 0, 3, 2]), test_rows=ALL[250:]),
    recipe(1, "adam", steps=45, validation_rows=VALIDATION),
]


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request) -> str:
    return request.param


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request):
    """A stack on one core, as most are, and on two; products may be computed differently."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_every_network_of_a_mixed_stack_gives_the_bits_it_gives_alone(precision, threads):
    data = problem(precision)
    for one, result in zip(DIFFERENT, train(DIFFERENT, data), strict=True):
        assert_same_bits(train([one], data)[0], result)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_odd_widths_and_batches_give_the_bits_they_give_alone(activation, precision, threads):
    """Matrices that do not fill their boundaries lie with gaps between them."""
    changes = {"activation": activation, "batch_size": 25, "steps": 6, "evaluate_every": 3}
    stack = [recipe(seed, "adam", dropout=0.3 * (seed == 1), **changes) for seed in range(3)]
    data = problem(precision)
    for one, result in zip(stack, train(stack, data), strict=True):
        assert_same_bits(train([one], data)[0], result)


def test_a_batch_without_a_known_class_is_no_divergence():
    known = {"layers": (FEATURES, 9, 2), "label_map": np.array([0, 1, -1, -1])}
    often = {"batch_size": 1, "steps": 40, "evaluate_every": 1}
    (result,) = train([recipe(objective=Entropic(), **known, **often)], problem())
    assert (result.diverged_at, result.stopped_at) == (None, 40)
    losses = result.curves["batch", "loss"]
    assert 0 < np.isnan(losses).sum() < 40


def test_anchored_networks_are_measured_by_float32_distances():
    objective = ClassAnchor(magnitude=50.0)
    anchored = [recipe(seed, objective=objective, test_rows=ALL) for seed in range(8)]
    data = problem("bfloat16")
    for result in train(anchored, data):
        scores = objective.class_scores(torch.from_numpy(result.test_logits))
        right = scores.argmax(-1).numpy() == data.labels
        assert result.curves["test", "accuracy"][-1] == right.mean()


STOPPING = EarlyStopping(patience=2, metric="loss")


@pytest.mark.parametrize(
    "pair",
    [
        (
            recipe(0, steps=400, evaluate_every=50, validation_rows=VALIDATION,
                   early_stopping=STOPPING),
            recipe(1, steps=400, evaluate_every=5, validation_rows=VALIDATION),
        ),
        (
            recipe(0, steps=400, evaluate_every=50, validation_rows=VALIDATION,
                   early_stopping=STOPPING),
            recipe(1, steps=75, evaluate_every=50, validation_rows=VALIDATION),
        ),
        (
            recipe(0, steps=100, evaluate_every=100, optimizer=optimizer(name="sgd",
                   learning_rate=1e30)),
            recipe(1, steps=100, evaluate_every=5),
        ),
        (recipe(0, test_rows=ALL[240:252]), recipe(1, test_rows=ALL[240:270])),
        (recipe(0, test_rows=NONE), recipe(1)),
    ],
    ids=["patience", "a neighbour that ends", "divergence", "longer test rows", "no test rows"],
)  # fmt: skip
def test_when_and_on_what_a_neighbour_is_measured_changes_nothing(pair, threads):
    data = problem()
    for one, result in zip(pair, train(pair, data), strict=True):
        alone = train([one], data)[0]
        assert_same_bits(alone, result)
        assert (alone.diverged_at, alone.stopped_at) == (result.diverged_at, result.stopped_at)


def test_many_test_rows_beside_others_give_the_same_logits():
    generator = np.random.default_rng(1)
    data = DeviceDataset(
        generator.random((2100, 20), dtype=np.float32), generator.integers(0, CLASSES, 2100)
    )
    some = recipe(0, layers=(20, 300, CLASSES), train_rows=np.arange(100), steps=3)
    pair = [
        replace(some, seed=seed, test_rows=np.arange(100, end))
        for seed, end in ((0, 1103), (1, 2099))
    ]
    for one, result in zip(pair, train(pair, data), strict=True):
        assert_same_bits(train([one], data)[0], result)


def test_a_network_that_is_lost_in_its_last_step_has_diverged_there():
    lost = recipe(steps=1, evaluate_every=1, optimizer=optimizer(name="sgd", learning_rate=1e38))
    (result,) = train([lost], problem())
    assert result.diverged_at == result.stopped_at == 1


def test_networks_as_wide_as_a_real_one_give_the_bits_they_give_alone(threads):
    generator = np.random.default_rng(1)
    inputs = generator.random((400, 784), dtype=np.float32)
    data = DeviceDataset(inputs, generator.integers(0, 10, 400))
    wide = [
        recipe(
            seed,
            layers=(784, 128, 256, 10),
            label_map=np.arange(10),
            train_rows=ALL,
            batch_size=256,
            steps=3,
        )
        for seed in (0, 0, 1)
    ]
    for one, result in zip(wide, train(wide, data), strict=True):
        assert_same_bits(train([one], data)[0], result)


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(len(DIFFERENT))))
def test_permuting_networks_permutes_results(order):
    chosen = order[:4]
    data = problem()
    there = train([DIFFERENT[i] for i in chosen], data)
    back = train([DIFFERENT[i] for i in reversed(chosen)], data)
    for one, other in zip(there, reversed(back), strict=True):
        assert_same_bits(one, other)


def test_twice_the_same_bits(precision):
    first, second = (train(DIFFERENT, problem(precision)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert_same_bits(one, other)


def plain_loop(one: Recipe, data: DeviceDataset, build) -> torch.nn.Sequential:
    """What anyone would write with torch: modules, autograd, torch.optim, one network."""
    layers: list[torch.nn.Module] = []
    for kernel in draw_kernels(one.initial_weights, one.seed, one.layers):
        linear = torch.nn.Linear(*kernel.shape, dtype=torch.float64)
        linear.weight.data = torch.from_numpy(kernel.T.astype(np.float64).copy())
        linear.bias.data.zero_()
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optim = build(model.parameters())
    order = BatchOrder(one.seed, len(one.train_rows), one.training.batch_size)
    for positions in order.take(one.training.steps):
        rows = one.train_rows[positions]
        optim.zero_grad()
        targets = torch.from_numpy(data.labels[rows])
        torch.nn.functional.cross_entropy(model(data.inputs[rows]), targets).backward()
        optim.step()
    return model


@pytest.mark.parametrize(
    ("declared", "build"),
    [
        (
            optimizer(name="sgd", learning_rate=0.1),
            lambda p: torch.optim.SGD(p, lr=0.1),
        ),
        (
            optimizer(name="adagrad", learning_rate=0.05, epsilon_placement="outside_root"),
            lambda p: torch.optim.Adagrad(p, 0.05, initial_accumulator_value=0.1, eps=1e-7),
        ),
        (
            optimizer(name="rmsprop", learning_rate=0.003, epsilon_placement="outside_root"),
            lambda p: torch.optim.RMSprop(p, 0.003, alpha=0.9, eps=1e-7),
        ),
        (
            optimizer(name="adam", learning_rate=0.01, epsilon_placement="outside_root"),
            lambda p: torch.optim.Adam(p, 0.01, eps=1e-7),
        ),
    ],
)
def test_a_stack_in_float64_trains_as_a_plain_loop_does(declared, build):
    data = problem("float64")
    members = [recipe(seed, optimizer=declared) for seed in (0, 1)]
    members.append(recipe(5, "adagrad"))
    for one, result in zip(members[:2], train(members, data), strict=False):
        model = plain_loop(one, data, build)
        for (kernel, bias), linear in zip(result.weights, model[::2], strict=True):
            np.testing.assert_allclose(kernel, linear.weight.detach().T, rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(bias, linear.bias.detach(), rtol=1e-6, atol=1e-7)
        logits = model(data.inputs[one.test_rows])
        targets = torch.from_numpy(data.labels[one.test_rows])
        loss = torch.nn.functional.cross_entropy(logits, targets).item()
        assert result.curves["test", "loss"][-1] == pytest.approx(loss, rel=1e-9)
        accuracy = (logits.argmax(1) == targets).double().mean().item()
        assert result.curves["test", "accuracy"][-1] == pytest.approx(accuracy)
        assert accuracy > 0.5


def test_a_diverging_network_is_a_result_and_disturbs_no_neighbour(precision):
    data = problem(precision)
    wild = recipe(0, optimizer=optimizer(name="sgd", learning_rate=1e30), steps=30)
    neighbours = [recipe(0, "adam"), recipe(1, "sgd")]
    first, diverged, last = train([neighbours[0], wild, neighbours[1]], data)
    assert diverged.diverged_at is not None
    assert 1 < diverged.diverged_at <= 10
    assert diverged.stopped_at == 10
    assert ("test", "accuracy") not in diverged.curves
    for result, alone in zip((first, last), train(neighbours, data), strict=True):
        assert_same_bits(result, alone)


def test_networks_are_recorded_at_their_own_steps_and_at_their_end():
    results = train([recipe(steps=25), recipe(evaluate_every=7), recipe(steps=5)], problem())
    assert [r.steps.tolist() for r in results] == [[10, 20, 25], [7, 14, 21, 28, 30], [5]]
    for result in results:
        assert np.isfinite(result.curves["train", "accuracy"][-1])
        assert np.isnan(result.curves["train", "accuracy"][:-1]).all()
        for split in ("batch", "test"):
            assert np.isfinite(result.curves[split, "softmaxed_loss"]).all()
        assert ("validation", "loss") not in result.curves


def test_weights_and_logits_handed_over_belong_together():
    result = train([recipe(steps=17)], problem())[0]
    hidden = problem().inputs.numpy()[TEST].astype(np.float64)
    for layer, (kernel, bias) in enumerate(result.weights):
        hidden = hidden @ kernel.astype(np.float64) + bias
        hidden = np.maximum(hidden, 0) if layer < 2 else hidden
    np.testing.assert_allclose(result.test_logits, hidden, rtol=1e-4, atol=1e-5)


def test_early_stopping_goes_back_to_the_best_weights():
    stopping = EarlyStopping(metric="loss", patience=3)
    eager = recipe(
        0,
        optimizer=optimizer(name="adam", learning_rate=0.05),
        steps=400,
        evaluate_every=5,
        early_stopping=stopping,
        validation_rows=VALIDATION,
    )
    patient = recipe(0, optimizer=eager.optimizer, steps=400, evaluate_every=5)
    stopped, other = train([eager, patient], problem())
    losses = stopped.curves["validation", "loss"]
    assert stopped.stopped_at < 400 == other.stopped_at
    best = int(np.argmin(losses))
    assert best == len(losses) - 1 - stopping.patience
    until_best = recipe(
        0, optimizer=eager.optimizer, steps=int(stopped.steps[best]), evaluate_every=5
    )
    again = train([until_best], problem())[0]
    np.testing.assert_array_equal(stopped.weights[0][0], again.weights[0][0])
    np.testing.assert_array_equal(stopped.test_logits, again.test_logits)
    assert_same_bits(other, train([patient], problem())[0])


def test_batches_cross_epochs_and_every_row_comes_once_an_epoch():
    order = BatchOrder(seed=4, rows=10, batch_size=4)
    positions = np.concatenate([order.take(3).ravel(), order.take(2).ravel()])
    assert sorted(positions[:10]) == list(range(10)) == sorted(positions[10:])
    at_once = BatchOrder(4, 10, 4).take(5).ravel()
    np.testing.assert_array_equal(at_once, positions)
    assert not np.array_equal(BatchOrder(5, 10, 4).take(5).ravel(), positions)


def test_metrics_have_their_hand_worked_values():
    # Two classes, logits (0, ln 3): shares 1/4 and 3/4. Right class 1: loss −ln(3/4) = 0.28768;
    # the report's loss: ln(e^0.25 + e^0.75) − 0.75 = 0.47408.
    logits = torch.tensor([[[0.0, np.log(3.0)], [0.0, np.log(3.0)]]], dtype=torch.float64)
    sums = metric_sums(logits, torch.tensor([[1, 0]]), PLAIN, torch.tensor([[True, True]]))
    np.testing.assert_allclose(sums[:, 0], [0.28768 + 1.38629, 1, 0.47408 + 0.97408], rtol=1e-4)
    only_first = metric_sums(logits, torch.tensor([[1, 0]]), PLAIN, torch.tensor([[True, False]]))
    np.testing.assert_allclose(only_first[:, 0], [0.28768, 1, 0.47408], rtol=1e-4)
    sure = torch.tensor([[[1000.0] + [0.0] * 9]], dtype=torch.float64)
    found = metric_sums(sure, torch.tensor([[0]]), PLAIN, torch.tensor([[True]]))
    assert found[2, 0].item() == pytest.approx(1.4612, abs=1e-4)


def test_diagnostics_show_gradient_sizes_and_dead_units():
    deep = (FEATURES, *[16] * 6, CLASSES)
    small = Uniform(distribution="uniform", low=-0.05, high=0.05)
    shown, plain = train(
        [
            recipe(layers=deep, initial_weights=small, diagnostics=True, steps=10),
            recipe(layers=deep, initial_weights=small, steps=10),
        ],
        problem(),
    )
    sizes = [shown.curves["batch", f"gradient_size_layer_{k}"][0] for k in range(1, 8)]
    # With such small weights the gradient vanishes towards the input.
    assert sizes[0] < sizes[-1] / 100
    assert all(0 <= shown.curves["batch", f"dead_units_layer_{k}"][0] <= 1 for k in range(1, 7))
    at_the_end = CLASSIFICATION.measured_on_request
    assert {metric for _, metric in plain.curves} == {*METRICS, *at_the_end, "seconds"}
    np.testing.assert_array_equal(shown.weights[0][0], plain.weights[0][0])


def test_a_watcher_sees_progress_and_may_end_the_training():
    seen = []
    train([recipe(), recipe(steps=20)], problem(), seen.append)
    assert [(p.step, p.steps, p.finished) for p in seen] == [(10, 30, 0), (20, 30, 1), (30, 30, 2)]
    assert 0 <= seen[0].best <= seen[-1].best <= 1

    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train([recipe()], problem(), interrupt)


def test_what_cannot_share_a_stack_is_refused():
    with pytest.raises(ValueError, match="same layers, form and batch size"):
        train([recipe(), recipe(batch_size=16)], problem())


def test_bfloat16_products_keep_weights_in_float32_and_learn():
    results = train([recipe(0), recipe(1)], problem("bfloat16"))
    full = train([recipe(0), recipe(1)], problem())
    for low, high in zip(results, full, strict=True):
        kernel = low.weights[0][0]
        assert kernel.dtype == np.float32
        assert not np.array_equal(kernel, torch.from_numpy(kernel).bfloat16().float().numpy())
        np.testing.assert_allclose(
            low.curves["test", "loss"], high.curves["test", "loss"], rtol=0.05
        )
    assert_same_bits(results[1], train([recipe(1)], problem("bfloat16"))[0])
