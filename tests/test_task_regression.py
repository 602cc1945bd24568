"""Regression from objective to report: gradients, training, metrics, and scikit-learn beside it."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from sklearn.datasets import load_diabetes
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.neural_network import MLPRegressor

from mlplab import Study
from mlplab.analysis.questions.answers import answers_about
from mlplab.commands.compare import compare
from mlplab.declarations.loading import load
from mlplab.declarations.metric import FinalMetric
from mlplab.declarations.objective import OF_REGRESSION, Objective
from mlplab.declarations.problems import BadInput
from mlplab.declarations.training import EarlyStopping
from mlplab.networks.initial_weights import draw_kernels
from mlplab.objectives.declared import objective_of
from mlplab.objectives.objective import BatchOutputs
from mlplab.objectives.regression import Huber, MeanSquaredError, Pinball
from mlplab.trainer.batch_order import BatchOrder
from mlplab.trainer.dataset import DeviceDataset
from mlplab.trainer.recipe import Quantity
from mlplab.trainer.train import train
from test_trainer import ACTIVATIONS, FEATURES, ROWS, VALIDATION, assert_same_bits, recipe

SETTINGS = (
    {"name": "mse"},
    {"name": "mae"},
    {"name": "huber", "delta": 0.7},
    {"name": "pinball", "quantile": 0.8},
)


def objective(settings):
    return objective_of(TypeAdapter(Objective).validate_json(json.dumps(settings)))


def test_every_objective_of_a_quantity_is_tested_here():
    assert {settings["name"] for settings in SETTINGS} == OF_REGRESSION


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: s["name"])
def test_gradients_are_those_of_finite_differences(settings):
    generator = torch.Generator().manual_seed(3)
    outputs = 2 * torch.randn(2, 9, 1, generator=generator, dtype=torch.float64)
    targets = torch.randn(2, 9, generator=generator, dtype=torch.float64)
    asked, gradient = objective(settings), torch.empty_like(outputs)
    nothing = torch.empty(2, 9, 1)
    asked.value_and_gradients(BatchOutputs(outputs, nothing, targets), gradient, None)
    step = 1e-6
    for place in np.ndindex(2, 9, 1):
        ends = []
        for side in (step, -step):
            moved = outputs.clone()
            moved[place] += side
            its = BatchOutputs(moved, nothing, targets)
            ends.append(asked.value_and_gradients(its, torch.empty_like(outputs), None))
        slope = (ends[0] - ends[1])[place[0]] / (2 * step)
        assert float(gradient[place]) == pytest.approx(float(slope), abs=1e-8)


def test_values_are_those_of_torch():
    outputs, targets = torch.randn(1, 50, 1), torch.randn(1, 50)
    for ours, theirs in (
        (MeanSquaredError(), torch.nn.MSELoss()),
        (objective({"name": "mae"}), torch.nn.L1Loss()),
        (Huber(0.7), torch.nn.HuberLoss(delta=0.7)),
    ):
        its = BatchOutputs(outputs, outputs, targets)
        value = ours.value_and_gradients(its, torch.empty_like(outputs), None)
        assert float(value) == pytest.approx(float(theirs(outputs[..., 0], targets)), rel=1e-6)


def problem():
    generator = np.random.default_rng(1)
    inputs = generator.normal(size=(ROWS, FEATURES)).astype(np.float32)
    values = 40 + 7 * (np.sin(inputs[:, 0]) + inputs[:, 1] * inputs[:, 2])
    return DeviceDataset(inputs, np.zeros(ROWS, dtype=np.int64)), values


def quantity(values, rows=slice(0, 200)):
    mean, std = values[rows].mean(), values[rows].std()
    return Quantity(((values - mean) / std).astype(np.float32), float(std))


def of_quantity(seed=0, **changes):
    settings = {
        "layers": (FEATURES, 17, 11, 1),
        "label_map": np.zeros(1, dtype=np.int64),
        "objective": MeanSquaredError(),
        "quantity": QUANTITY if "quantity" not in changes else None,
        **changes,
    }
    return recipe(seed, **settings)


QUANTITY = quantity(problem()[1])


def test_training_is_that_of_a_plain_loop_with_autograd():
    data, _ = problem()
    own = of_quantity(which="sgd")
    (trained,) = train([own], data)
    kernels = [torch.tensor(k) for k in draw_kernels(own.initial_weights, 0, own.layers)]
    layers = [(k.requires_grad_(), torch.zeros(k.shape[1], requires_grad=True)) for k in kernels]
    descent = torch.optim.SGD([p for layer in layers for p in layer], lr=0.1, momentum=0.5)
    order = BatchOrder(0, len(own.train_rows), 32).take(30)
    for rows in order:
        hidden = data.inputs[own.train_rows[rows]]
        for place, (kernel, bias) in enumerate(layers):
            hidden = hidden @ kernel + bias
            hidden = torch.relu(hidden) if place < len(layers) - 1 else hidden
        right = torch.tensor(QUANTITY.targets[own.train_rows[rows]])
        descent.zero_grad()
        torch.nn.functional.mse_loss(hidden[:, 0], right).backward()
        descent.step()
    for (kernel, bias), (ours, our_bias) in zip(layers, trained.weights, strict=True):
        np.testing.assert_allclose(ours, kernel.detach().numpy(), atol=2e-5)
        np.testing.assert_allclose(our_bias, bias.detach().numpy(), atol=2e-5)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: s["name"])
def test_a_network_is_in_a_stack_what_it_is_alone(settings):
    data, _ = problem()
    stack = [of_quantity(seed, objective=objective(settings)) for seed in range(3)]
    stack.append(of_quantity(7, objective=Pinball(0.3)))
    together = train(stack, data)
    for one, result in zip(stack, together, strict=True):
        assert_same_bits(train([one], data)[0], result)


def test_metrics_are_in_the_unit_of_the_target():
    data, values = problem()
    own = of_quantity(steps=60, objective=Pinball(0.9), which="adam")
    (trained,) = train([own], data)
    mean, std = values[:200].mean(), values[:200].std()
    predicted, true = trained.test_logits[:, 0] * std + mean, values[own.test_rows]
    last = {name: curve[-1] for (split, name), curve in trained.curves.items() if split == "test"}
    assert last["rmse"] == pytest.approx(root_mean_squared_error(true, predicted), rel=1e-4)
    assert last["mae"] == pytest.approx(mean_absolute_error(true, predicted), rel=1e-4)
    assert last["r2"] == pytest.approx(r2_score(true, predicted), abs=1e-4)
    assert last["loss"] == pytest.approx((last["rmse"] / std) ** 2, rel=1e-4)
    error = predicted - true
    pinball = np.maximum(-0.9 * error, 0.1 * error).mean()
    assert last["pinball_loss"] == pytest.approx(pinball, rel=1e-4)
    assert (error > 0).mean() > 0.6  # the nine in ten quantile is aimed at


def test_early_stopping_watches_any_metric_of_the_task():
    data, _ = problem()
    for metric, best in (("rmse", np.argmin), ("r2", np.argmax)):
        own = of_quantity(
            steps=200,
            evaluate_every=5,
            early_stopping=EarlyStopping(metric=metric, patience=3),
            validation_rows=VALIDATION,
        )
        (trained,) = train([own], data)
        curve = trained.curves["validation", metric]
        assert len(curve) < 40
        assert best(curve) == len(curve) - 4


def test_activations_and_dropout_train_a_quantity_too():
    data, _ = problem()
    for activation in ACTIVATIONS:
        own = replace(of_quantity(), activation=activation, dropout=0.2)
        (trained,) = train([own], data)
        assert trained.diverged_at is None


# --- through the whole program ----------------------------------------------------------------


def diabetes(folder, **changes):
    inputs, target = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    inputs.assign(progression=target).to_csv(folder / "diabetes.csv", index=False)
    declared = {
        "name": "diabetes",
        "data": {
            "format": "table",
            "path": "diabetes.csv",
            "target": "progression",
            "validation": 0.15,
        },
        "optimizer": {"name": "adam", "learning_rate": 0.001},
        "initial_weights": {"distribution": "glorot"},
        "training": {"steps": 300, "batch_size": 64, "evaluate_every": 50},
        "seeds": 6,
        "networks": {"linear": {"hidden": []}, "net": {"hidden": [32, 32]}},
        "questions": [
            {
                "ask": "Does a hidden layer help?",
                "compare": ["net", "linear"],
                "expect": "less",
                "metric": {"final": "rmse"},
            },
            {
                "ask": "Who is sooner at 62?",
                "compare": ["net", "linear"],
                "expect": "less",
                "metric": {"steps_to": {"rmse": 62.0}},
            },
        ],
        **changes,
    }
    file = folder / "study.json"
    file.write_text(json.dumps(declared))
    return file


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diabetes")
    return Study.load(diabetes(folder)).run(folder / "runs")


def test_a_table_of_a_quantity_is_run(results):
    assert results.study.task.name == "regression"
    assert results.study.networks["net"].objective.name == "mse"
    assert any("taken for a quantity" in note for note in results.study.notes)
    table = results.summary()
    assert {"test_rmse", "test_mae", "test_r2", "validation_rmse"} <= set(table.columns)
    assert "test_accuracy" not in table.columns
    net = table[table["network"] == "net"]
    assert (net["test_rmse"] < 70).all()
    assert (net["test_r2"] > 0.2).all()


def test_the_evaluation_keeps_predictions_and_the_trivial_baseline(results):
    run = results.run("net", 0)
    found = run.evaluation
    predicted, true = found.predicted_values(), found.true_values()
    assert found.target_name == "progression"
    assert found.rmse == pytest.approx(root_mean_squared_error(true, predicted))
    assert found.rmse == pytest.approx(run.curves["test", "rmse"][-1], rel=1e-5)
    train_mean = results.preparation("net", 0).target_mean
    trivial = root_mean_squared_error(true, np.full(len(true), train_mean))
    assert found.baseline["rmse"] == pytest.approx(trivial, rel=1e-5)
    assert found.rmse < 0.85 * trivial


def test_predictions_are_in_the_unit_of_the_target(results):
    inputs = load_diabetes(as_frame=True, scaled=False).data
    predicted = results.predict("net", 0, inputs)
    assert predicted.shape == (442,)
    assert 100 < predicted.mean() < 200


def test_questions_and_the_choice_are_about_the_metric(results):
    first, second = results.answers()
    assert "RMSE" in first.sentence
    assert first.finding.effect == pytest.approx(
        results.summary().groupby("network")["test_rmse"].mean().loc[["net", "linear"]]
        .diff().iloc[-1] * -1,
    )  # fmt: skip
    assert "test RMSE of 62" in second.sentence
    choice = results.choice()
    assert choice.metric.name == "rmse"
    means = {c.network: c.value.mean for c in choice.candidates}
    assert choice.best.network == min(means, key=means.get)
    for candidate in choice.candidates:
        others = [m for n, m in means.items() if n != candidate.network]
        assert candidate.low <= means[candidate.network] - min(others) <= candidate.high


def test_networks_are_compared_by_the_metric_of_the_task(results, capsys):
    compare(results.folder, "net", "linear")
    told = capsys.readouterr().out
    assert "test rmse" in told
    assert "test accuracy" not in told
    beside = answers_about(
        replace(results, study=replace(results.study, questions=())), "net", "linear"
    )
    (asked,) = beside
    assert asked.question.metric == FinalMetric(final="rmse")
    assert asked.question.expect == "less"
    assert asked.finding.seeds == 6


def test_the_report_shows_errors_and_no_class(results):
    page = results.report().read_text(encoding="utf-8")
    for words in ("Predicted against true progression", "Residuals of", "by size of progression",
                  "mean of the training rows", "Test RMSE over training"):  # fmt: skip
        assert words in page
    for words in ("Confusion matrix", "ROC", "test accuracy"):
        assert words not in page


def test_it_is_as_good_as_scikit_learn_on_the_same_rows(results):
    """Same widths, optimizer, batches and number of steps, on the very rows of each seed."""
    splits = results.splits("net")
    ours, theirs = [], []
    steps = -(-len(splits.train) // 64)
    preparation = results.preparation("net", 0)
    for seed in range(6):
        fitted = MLPRegressor(
            hidden_layer_sizes=(32, 32), alpha=0, learning_rate_init=0.001, batch_size=64,
            max_iter=300 // steps, n_iter_no_change=10_000, random_state=seed,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged: nor have ours
            fitted.fit(splits.train.inputs, splits.train.targets)
        true = preparation.in_unit(splits.test.targets)
        predicted = preparation.in_unit(fitted.predict(splits.test.inputs))
        theirs.append(root_mean_squared_error(true, predicted))
        ours.append(results.run("net", seed).evaluation.rmse)
    difference = (np.array(ours) - theirs) / np.mean(theirs)
    assert abs(difference.mean()) < 0.03


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"objective": {"name": "cross_entropy"}}, "objective", "mse"),
        ({"outputs": 3}, "outputs", "one"),
        ({"data": {"format": "table", "path": "diabetes.csv", "target": "progression",
                   "classes": [1, 2]}}, "data.classes", "quantity"),
        ({"choice": {"metric": "accuracy"}}, "choice.metric", "rmse"),
        ({"figures": [{"title": "t", "metric": "auroc"}]}, "figures[0].metric", "rmse"),
        ({"tune": {"space": {"optimizer.learning_rate": [0.1, 0.01]}, "metric": "macro_f1"}},
         "tune.metric", "rmse"),
        ({"training": {"steps": 10, "batch_size": 32, "evaluate_every": 5,
                       "early_stopping": {"metric": "accuracy"}}}, "early_stopping", "rmse"),
        ({"questions": [{"ask": "q", "compare": ["net", "linear"], "expect": "less",
                         "metric": {"steps_to": {"accuracy": 0.5}}}]}, "steps_to", "rmse"),
    ],
)  # fmt: skip
def test_what_belongs_to_the_other_task_is_refused(tmp_path, changes, where, words):
    with pytest.raises(BadInput) as error:
        load(diabetes(tmp_path, **changes))
    assert any(where in str(p) and words in str(p) for p in error.value.problems)


def test_tuning_and_figures_take_the_metric_of_the_task(tmp_path):
    tune = {"space": {"optimizer.learning_rate": [0.001, 0.01]}}
    study = load(diabetes(tmp_path, tune=tune, figures=[{"title": "t"}]))
    assert study.tune.metric == "rmse"
    assert study.figures[0].metric == "rmse"
    assert study.choice.margin(50.0) == pytest.approx(0.5)
