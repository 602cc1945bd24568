"""From a table and a target to a study that runs: by command, as a file, from a frame."""

import json
import random

import numpy as np
import pandas as pd
import pytest

from command_line import mlplab_here
from mlplab import Study
from mlplab.data.preparation import prepare
from mlplab.declarations.loading import load, load_values
from mlplab.declarations.problems import BadInput
from mlplab.declarations.table_options import TableOptions
from mlplab.records.usual_methods import usual_results
from mlplab.table_study import SEEDS, study_of_table, table_values
from mlplab.usual_methods import fit_usual_methods

QUICK = ("training.epochs=2", "seeds=2", "tune=null", "training.early_stopping=null")


def frame(rows=120):
    draw = random.Random(1)
    kinds = [draw.choice(["oak", "ash", "elm"]) for _ in range(rows)]
    return pd.DataFrame(
        {
            "id": range(1000, 1000 + rows),
            "height": [draw.gauss({"oak": 30, "ash": 20, "elm": 10}[k], 4) for k in kinds],
            "bark": [draw.choice(["rough", "smooth", None]) for _ in kinds],
            "kind": kinds,
        }
    )


@pytest.fixture
def table(tmp_path):
    frame().to_csv(tmp_path / "trees.csv", index=False)
    return tmp_path / "trees.csv"


def quick(*overrides):
    return [part for override in (*QUICK, *overrides) for part in ("--set", override)]


@pytest.mark.slow
def test_a_table_and_a_target_make_a_run_with_a_report(table, tmp_path):
    done = mlplab_here("run", table, "--target", "kind", "--ignore", "id", *quick(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "trees-kind" / "report.html").exists()
    assert "linear" in done.stdout
    assert "2x256" in done.stdout
    assert "training" in done.stderr  # the rows are told


def test_the_study_has_what_a_study_of_a_table_needs(table):
    study = study_of_table(table, TableOptions("kind", ["id"]))
    shapes = {network.hidden for network in study.networks.values()}
    assert () in shapes
    assert {len(s) for s in shapes} == {0, 1, 2}
    assert len({s[0] for s in shapes if s}) == 3
    assert all(network.training.early_stopping for network in study.networks.values())
    assert all(network.data.validation for network in study.networks.values())
    assert all(network.training.batch_size < 64 for network in study.networks.values())
    assert study.tune is not None
    assert len(study.questions) == 3
    assert not any("can have no verdict" in note for note in study.notes)
    assert len(next(iter(study.networks.values())).seeds) == SEEDS


def test_init_writes_the_same_study_as_a_file(table, tmp_path):
    done = mlplab_here(
        "init", "study/own.json", "--data", table, "--target", "kind", "--ignore", "id",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    written = load(tmp_path / "study" / "own.json")
    assert not json.loads((tmp_path / "study" / "own.json").read_text())["data"]["path"].startswith(
        "/"
    )
    made = study_of_table(table, TableOptions("kind", ["id"]))
    assert written.questions == made.questions
    for name, network in made.networks.items():
        its = written.networks[name]
        assert its.model_copy(update={"data": network.data}) == network


def test_a_frame_in_memory_is_studied_and_can_be_predicted_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    results = Study.for_table(
        frame(), target="kind", ignore=["id"], name="trees", overrides=QUICK
    ).run(tmp_path)
    assert len(results.runs) == 14
    assert len(results.splits().test) == 24
    assert results.baseline is not None


def test_a_frame_of_mixed_cells_is_kept_as_text(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    mixed = frame().assign(size=[1 if row % 2 else "large" for row in range(120)])
    study = Study.for_table(mixed, target="kind", ignore=["id"]).declaration
    assert len(study.networks) == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "trees.csv"], ["--target", "data describe"]),
        (["run", "trees.csv", "--target", "kin"], ["kin", "kind"]),
        (["run", "none.csv", "--target", "kind"], ["none.csv"]),
        (["run", "demo", "--ignore", "id"], ["--ignore", "--target"]),
        (["run", "trees.csv", "--target", "kind", "--ignore", "idd"], ["idd", "id"]),
        (["init", "a.json", "--data", "trees.csv"], ["--target"]),
        (["init", "a.json", "--target", "kind"], ["--data"]),
        (["init", "a.json", "--missing", "0"], ["--missing", "--data"]),
        (["init", "a.json", "--data", "trees.csv", "--target", "kind", "--choice"], ["--choice"]),
        (["init", "a.json", "--data", "none.csv", "--target", "kind"], ["none.csv"]),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(arguments, words, table, tmp_path):
    done = mlplab_here(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "a.json").exists()


def test_mostly_one_class_and_rare_classes_are_told(tmp_path):
    rows = frame(200).assign(kind=["oak"] * 185 + ["ash"] * 12 + ["elm"] * 3)
    rows.to_csv(tmp_path / "rare.csv", index=False)
    told = " ".join(study_of_table(tmp_path / "rare.csv", TableOptions("kind", ["id"])).notes)
    assert "oak" in told
    assert "class_weights" in told
    assert "elm (" in told


# Lengths in epochs, and the default batch of small tables.


def values(**training):
    return {
        "name": "x",
        "data": {"name": "digits", "validation": 0.1},
        "training": training,
        "networks": {"a": {"hidden": [8], "optimizer": {"name": "sgd", "learning_rate": 0.1}}},
    }


def training(tmp_path, **settings):
    return load_values(values(**settings), tmp_path).networks["a"].training


def test_epochs_are_counted_in_steps(tmp_path):
    rows = 1437 - 144  # the training rows of the digits, without a tenth to validate
    its = training(tmp_path, epochs=3, batch_size=100)
    assert its.steps == -(-3 * rows // 100)
    assert its.evaluate_every == -(-rows // 100)
    assert training(tmp_path, epochs=3, batch_size=100, evaluate_every=5).evaluate_every == 5
    same = training(tmp_path, steps=its.steps, batch_size=100, evaluate_every=its.evaluate_every)
    assert same == its


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 3, "steps": 20}, ["steps", "epochs"]),
        ({"epochs": 0}, ["epochs"]),
        ({"epochs": 3, "batch_size": 5000}, ["batch_size", "1293"]),
        ({"epochs": 100000, "batch_size": 1, "evaluate_every": 1}, ["evaluate_every"]),
    ],
)
def test_lengths_that_cannot_be_are_refused(settings, words, tmp_path):
    with pytest.raises(BadInput) as refused:
        training(tmp_path, **settings)
    for word in words:
        assert word in str(refused.value)


def test_metrics_are_not_doubted_where_no_network_could_be_made(tmp_path):
    x = np.random.default_rng(0).normal(size=40)
    rows = pd.DataFrame({"x": x, "y": 1.5 * x**2})
    rows.to_csv(tmp_path / "numbers.csv", index=False)
    with pytest.raises(BadInput) as refused:
        study_of_table(
            tmp_path / "numbers.csv", TableOptions("y"), overrides=("training.batch_size=0",)
        )
    assert [problem.where for problem in refused.value.problems] == ["training.batch_size"]


def test_epochs_of_open_set_studies_are_refused(tmp_path):
    asked = values(epochs=3) | {
        "open_set": [{"known": [0, 1, 2], "unknown": [3, 4], "detectors": ["softmax"]}]
    }
    with pytest.raises(BadInput, match="steps"):
        load_values(asked, tmp_path)


def test_only_the_default_batch_shrinks_to_a_small_table(table):
    data = {"format": "table", "path": str(table), "target": "kind", "ignore": ["id"]}
    network = {"hidden": [8], "optimizer": {"name": "sgd", "learning_rate": 0.1}}
    made = {"name": "x", "data": data, "networks": {"a": network}}
    study = load_values(made, table.parent)
    assert study.networks["a"].training.batch_size == 16  # of 96 rows
    assert any("16" in note and "96" in note for note in study.notes)
    with pytest.raises(BadInput, match="batch_size"):
        load_values({**made, "training": {"batch_size": 256}}, table.parent)


# Class weights.


@pytest.fixture
def rare(tmp_path):
    frame(300).assign(kind=["oak"] * 280 + ["ash"] * 20).to_csv(tmp_path / "rare.csv", index=False)
    return tmp_path / "rare.csv"


def weighted(path, weights, **more):
    return {
        "name": "weighted",
        "data": {"format": "table", "path": str(path), "target": "kind", "ignore": ["id"]},
        "training": {"epochs": 3, "batch_size": 16},
        "seeds": 1,
        "objective": {"name": "cross_entropy", "class_weights": weights},
        "networks": {"a": {"hidden": [8], "optimizer": {"name": "adam", "learning_rate": 0.01}}},
        **more,
    }


def test_balanced_weights_are_those_of_scikit_learn(rare, tmp_path):
    from sklearn.utils.class_weight import compute_class_weight

    from mlplab.runner.wanted import wanted_runs

    study = load_values(weighted(rare, "balanced"), tmp_path)
    (run,) = wanted_runs(study, precision="float32", device="cpu", announce=lambda text: None)
    labels = run.data.labels[run.data.train_rows]
    expected = compute_class_weight("balanced", classes=np.arange(2), y=labels)
    assert run.recipe.objective.weights == pytest.approx(tuple(expected))


def test_given_weights_move_predictions_and_are_told_in_the_report(rare, tmp_path):
    found = {}
    for weights in ({"ash": 1.0}, {"ash": 50.0}):
        study = load_values(weighted(rare, weights), tmp_path)
        results = Study(study).run(tmp_path / str(weights["ash"]))
        found[weights["ash"]] = results
    ash = found[1.0].splits().class_names.index("ash")
    taken = {
        weight: sum(row[ash] for row in results.runs[0].evaluation.confusion)
        for weight, results in found.items()
    }
    assert taken[50.0] > taken[1.0]
    page = found[50.0].report().read_text()
    assert "class weights ash 50" in page
    assert "Class weights" in page


@pytest.mark.parametrize("weights", [{"elm": 2.0}, {"ash": 0}, {"ash": "2"}, {}, "even", [1, 2]])
def test_class_weights_that_cannot_be_are_refused(weights, rare, tmp_path):
    with pytest.raises(BadInput) as refused:
        Study(load_values(weighted(rare, weights), tmp_path)).run(tmp_path)
    assert "class_weights" in str(refused.value)


# The usual methods beside the networks.


@pytest.fixture
def beside(table, tmp_path):
    study = study_of_table(table, TableOptions("kind", ["id"]), overrides=QUICK)
    return Study(study).run(tmp_path)


def test_the_usual_methods_learn_from_the_rows_of_the_networks(beside):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    splits = beside.splits()
    own = LogisticRegression(max_iter=1000).fit(splits.train.inputs, splits.train.classes)
    (found,) = usual_results(beside).values()
    metrics = {one.method: one.metrics for one in found}
    assert set(metrics) == {"most frequent class", "logistic regression", "gradient boosting"}
    its = metrics["logistic regression"]
    assert its["test_accuracy"] == own.score(splits.test.inputs, splits.test.classes)
    probabilities = own.predict_proba(splits.test.inputs)
    assert its["test_loss"] == pytest.approx(log_loss(splits.test.classes, probabilities))
    most = np.bincount(splits.train.classes).argmax()
    frequent = float((splits.test.classes == most).mean())
    assert metrics["most frequent class"]["test_accuracy"] == frequent


def test_the_usual_methods_are_fitted_once_and_stand_in_the_report(beside, monkeypatch):
    told = []
    fit_usual_methods(beside, told.append)
    assert told == []
    page = beside.report().read_text()
    (found,) = usual_results(beside).values()
    for one in found:
        assert one.method in page
        assert f"{one.metrics['test_accuracy']:.4f}" in page


def test_studies_of_images_have_no_usual_methods(tmp_path):
    study = load_values(values(steps=2, batch_size=10) | {"seeds": 1}, tmp_path)
    assert usual_results(Study(study).run(tmp_path)) == {}


def test_a_number_far_beyond_all_others_makes_scaling_robust(tmp_path):
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"x": draw.normal(size=400), "y": draw.normal(size=400)})

    def made(table):
        table.to_csv(tmp_path / "table.csv", index=False)
        study = study_of_table(tmp_path / "table.csv", TableOptions("y"))
        data = next(iter(study.networks.values())).data
        rows = prepare(data, tmp_path, lambda line: None).train_rows
        return data.scaling, study.notes, rows

    scaling, notes, rows = made(table)
    assert scaling is None
    assert not any("quartiles" in note for note in notes)
    table.loc[rows[0], "x"] = 1e4  # a row to learn from: test rows decide nothing
    scaling, notes, _ = made(table)
    assert scaling == "robust"
    assert any("quartiles" in note for note in notes)


def test_a_slip_in_test_rows_changes_nothing_of_the_study(tmp_path):
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"x": draw.normal(size=400), "y": draw.normal(size=400)})
    table.to_csv(tmp_path / "table.csv", index=False)
    before = table_values(tmp_path / "table.csv", TableOptions("y"))
    study = study_of_table(tmp_path / "table.csv", TableOptions("y"))
    data = prepare(next(iter(study.networks.values())).data, tmp_path, lambda line: None)
    table.loc[data.test_rows[0], "x"] = 1e4
    table.to_csv(tmp_path / "table.csv", index=False)
    assert table_values(tmp_path / "table.csv", TableOptions("y")) == before
