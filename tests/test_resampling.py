"""Repeated splits: their rows, their runs, and what is concluded from them."""

import numpy as np
import pytest
from scipy import stats

from mlplab import Study
from mlplab.analysis.choice.rule import NoChoice
from mlplab.data.preparation import prepare
from mlplab.declarations.loading import load, load_values
from mlplab.declarations.problems import BadInput
from mlplab.declarations.writing import study_json
from mlplab.records.usual_methods import usual_results
from mlplab.study import open_results
from test_table_study import frame

FOLDS = {"folds": 4, "repeats": 2}
SPLITS = {"splits": 6, "test": 0.25}
QUESTION = {
    "ask": "Is it better than one that hardly learns?",
    "compare": ["good", "bad"],
    "metric": {"final": "accuracy"},
    "expect": "greater",
}


def values(folder, resampling=FOLDS, **more):
    frame(120).to_csv(folder / "trees.csv", index=False)
    return {
        "name": "resampled",
        "data": {"format": "table", "path": "trees.csv", "target": "kind", "ignore": ["id"]},
        "resampling": resampling,
        "training": {"epochs": 20, "batch_size": 16},
        "networks": {
            "good": {"hidden": [8], "optimizer": {"name": "adam", "learning_rate": 0.03}},
            "bad": {"hidden": [8], "optimizer": {"name": "adam", "learning_rate": 1e-7}},
        },
        "questions": [QUESTION],
        **more,
    }


def rows_of(study, seed):
    return prepare(study.networks["good"].data_of(seed), study.folder, lambda line: None)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resampled")
    return Study(load_values(values(folder), folder)).run(folder)


def test_every_row_is_tested_once_in_each_repeat(tmp_path):
    study = load_values(values(tmp_path), tmp_path)
    assert study.networks["good"].seeds == tuple(range(8))
    found = [rows_of(study, seed) for seed in range(8)]
    for repeat in (found[:4], found[4:]):
        tested = np.concatenate([one.test_rows for one in repeat])
        assert sorted(tested) == list(range(120))
        for one in repeat:
            assert not set(one.test_rows) & set(one.train_rows)
            counts = np.bincount(one.labels[one.test_rows], minlength=3)
            whole = np.bincount(one.labels, minlength=3) / 4
            assert np.abs(counts - whole).max() <= 1  # stratified
    assert not np.array_equal(found[0].test_rows, found[4].test_rows)


def test_drawn_splits_differ_and_have_the_declared_size(tmp_path):
    study = load_values(values(tmp_path, SPLITS), tmp_path)
    found = [rows_of(study, seed) for seed in range(6)]
    assert {len(one.test_rows) for one in found} == {30}
    assert len({tuple(one.test_rows) for one in found}) == 6


def test_groups_stay_together_in_folds(tmp_path):
    made = values(tmp_path)
    frame(120).assign(patient=np.arange(120) // 3).to_csv(tmp_path / "trees.csv", index=False)
    made["data"] |= {"groups": "patient"}
    study = load_values(made, tmp_path)
    tested = [rows_of(study, seed).test_rows for seed in range(4)]
    assert sorted(np.concatenate(tested)) == list(range(120))
    for rows in tested:
        assert len(set(rows // 3)) == len(rows) / 3


def test_scaling_is_fitted_on_the_training_rows_of_each_repetition(tmp_path):
    study = load_values(values(tmp_path), tmp_path)
    for seed in (0, 1):
        one = rows_of(study, seed)
        np.testing.assert_allclose(one.inputs[one.train_rows, 0].mean(), 0, atol=1e-5)


def test_verdict_and_interval_are_the_corrected_ones(results):
    (answer,) = results.answers()
    summary = results.summary().set_index(["network", "seed"])["test_accuracy"]
    d = (summary["good"] - summary["bad"]).to_numpy()
    error = np.sqrt((1 / 8 + 1 / 3) * d.var(ddof=1))
    assert answer.interval == pytest.approx(stats.t(7, d.mean(), error).interval(0.95))
    assert answer.verdict == "supported"
    assert answer.method.name == "corrected resampled t test"
    assert any("8 repetitions" in caveat for caveat in answer.caveats)


def test_the_report_says_over_what_and_runs_come_back_from_records(results, monkeypatch):
    page = results.report().read_text()
    assert "Over data and seeds" in page
    assert "2 × 4-fold cross-validation" in page
    again = open_results(results.folder)
    assert again.study.resampling == results.study.resampling
    assert len(again.runs) == 16
    (usual,) = usual_results(again).values()
    assert len([one for one in usual if one.method == "logistic regression"]) == 8
    assert isinstance(again.choice(), NoChoice)
    for seed in (0, 5):
        tested = results.splits("good", seed).test
        (run,) = [one for one in again.runs if (one.network, one.seed) == ("good", seed)]
        counts = np.array(run.evaluation.confusion).sum(axis=1)
        assert counts.tolist() == np.bincount(tested.classes, minlength=3).tolist()


def test_intervals_of_the_overview_are_the_corrected_ones(results):
    from mlplab.commands.overview import overview

    accuracies = results.summary().query("network == 'good'")["test_accuracy"].to_numpy()
    half = stats.t.ppf(0.975, 7) * np.sqrt((1 / 8 + 1 / 3) * accuracies.var(ddof=1))
    (row,) = [row for row in overview(results)[0].rows if row[0] == "good"]
    assert row[2] == f"{accuracies.mean():.4f} ({accuracies.mean() - half:.4f} to 1.0000)"


def test_a_written_study_loads_as_the_same(tmp_path):
    study = load_values(values(tmp_path), tmp_path)
    (tmp_path / "again.json").write_text(study_json(study))
    assert load(tmp_path / "again.json").networks == study.networks


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"resampling": {}}, "folds"),
        ({"resampling": {"folds": 3, "splits": 3}}, "both"),
        ({"resampling": {"folds": 1}}, "folds"),
        ({"resampling": {"folds": 3, "test": 0.5}}, "test"),
        ({"resampling": {"splits": 3, "repeats": 2}}, "repeats"),
        ({"resampling": {"folds": 100, "repeats": 100}}, "repetitions"),
        ({"resampling": {"folds": 121}}, "120"),
        ({"seeds": {"until_decided": True, "at_least": 8, "at_most": 20}}, "until decided"),
        ({"seeds": 3}, "seeds"),
        ({"data": {"name": "digits"}}, "resampling"),
        ({"tune": {"space": {"optimizer.learning_rate": [0.1, 0.2]}}}, "tune"),
        ({"questions": [QUESTION | {"metric": {"steps_to": {"accuracy": 0.5}}}]}, "questions"),
    ],
)
def test_what_cannot_be_resampled_is_refused(changes, word, tmp_path):
    with pytest.raises(BadInput) as refused:
        load_values(values(tmp_path) | changes, tmp_path)
    assert word in str(refused.value)


def test_more_repeats_train_only_what_is_new(results, tmp_path):
    (tmp_path / "trees.csv").write_bytes((results.study.folder / "trees.csv").read_bytes())
    more = Study(load_values(values(tmp_path, {"folds": 4, "repeats": 3}), tmp_path))
    assert more.plan(results.folder.parent).finished == 16


def test_a_quantity_is_resampled_too(tmp_path):
    made = values(tmp_path, {"folds": 3})
    made["data"] |= {"target": "height", "task": "regression", "ignore": ["id"]}
    made["questions"][0] = QUESTION | {"metric": {"final": "rmse"}, "expect": "less"}
    results = Study(load_values(made, tmp_path)).run(tmp_path)
    summary = results.summary().set_index(["network", "seed"])["test_rmse"]
    d = (summary["good"] - summary["bad"]).to_numpy()
    error = np.sqrt((1 / 3 + 1 / 2) * d.var(ddof=1))
    (answer,) = results.answers()
    assert answer.interval == pytest.approx(stats.t(2, d.mean(), error).interval(0.95))
    means = {p.preparation.target_mean for p in (
        prepare(results.study.networks["good"].data_of(seed), tmp_path, lambda line: None)
        for seed in range(3))}  # fmt: skip
    assert len(means) == 3
    assert "Over data and seeds" in results.report().read_text()
