"""Metrics of classes beside accuracy: held against scikit-learn, and along training where asked."""

import json

import numpy as np
import pytest
from scipy.special import softmax
from sklearn import metrics as reference
from sklearn.datasets import load_breast_cancer

from mlplab import Study
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mlplab.declarations.task import CLASSIFICATION, METRICS, TASKS
from mlplab.metrics.scores import score_metrics, score_metrics_of_many


def drawn(classes, rows=400):
    generator = np.random.default_rng(classes)
    targets = generator.choice(classes, rows, p=np.arange(1, classes + 1) / sum(range(classes + 1)))
    scores = generator.normal(size=(rows, classes))
    scores[np.arange(rows), targets] += 1
    scores[1::3] = scores[: len(scores[1::3])]  # equal rows, so that probabilities tie
    return scores, targets


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_are_those_of_scikit_learn(classes):
    scores, targets = drawn(classes)
    found, probability = score_metrics(scores, targets), softmax(scores, axis=1)
    predicted = scores.argmax(axis=1)
    one_hot = np.eye(classes)[targets]
    two = classes == 2
    area = reference.roc_auc_score(
        targets, probability[:, 1] if two else probability, multi_class="ovr"
    )
    precision = reference.average_precision_score(
        targets if two else one_hot, probability[:, 1] if two else probability
    )
    brier = np.square(probability - one_hot).sum(axis=1).mean() / (2 if two else 1)
    expected = {
        "balanced_accuracy": reference.balanced_accuracy_score(targets, predicted),
        "log_loss": reference.log_loss(targets, probability),
        "brier_score": brier,
        "auroc": area,
        "average_precision": precision,
        "macro_f1": reference.f1_score(targets, predicted, average="macro"),
    }
    assert set(found) == set(CLASSIFICATION.measured_on_request) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


def test_rows_of_no_class_are_left_out():
    scores, targets = drawn(3)
    some = np.where(np.arange(len(targets)) % 5, targets, -1)
    kept = some >= 0
    assert score_metrics(scores, some) == score_metrics(scores[kept], targets[kept])


def test_a_network_is_measured_alike_alone_and_beside_others():
    scores, targets = drawn(4)
    others = np.random.default_rng(0).normal(size=(40, *scores.shape))
    others[7, 3, 2] = np.nan
    together = score_metrics_of_many(np.concatenate([others, scores[None]]), targets)
    for name, alone in score_metrics(scores, targets).items():
        assert together[name][-1] == alone
        assert np.flatnonzero(np.isnan(together[name])).tolist() == [7]


def test_every_metric_says_which_way_is_better_and_lies_within_its_bounds():
    for task in TASKS.values():
        assert task.main in task.metrics
        for name, metric in task.metrics.items():
            assert METRICS[name].higher_is_better == metric.higher_is_better
    assert METRICS["auroc"].sign == 1
    assert METRICS["brier_score"].sign == -1
    assert METRICS["r2"].low is None


def study(folder, **changes):
    inputs, target = load_breast_cancer(return_X_y=True, as_frame=True)
    inputs.iloc[:, :8].assign(kind=target.map({0: "bad", 1: "good"})).to_csv(
        folder / "cells.csv", index=False
    )
    declared = {
        "name": "cells",
        "data": {"format": "table", "path": "cells.csv", "target": "kind", "validation": 0.2},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {
            "steps": 60,
            "batch_size": 32,
            "evaluate_every": 10,
            "metrics": ["auroc"],
            "early_stopping": {"metric": "macro_f1", "patience": 3},
        },
        "seeds": 3,
        "choice": {"metric": "auroc", "within": 0.01},
        "networks": {"linear": {"hidden": []}, "net": {"hidden": [16]}},
        "questions": [
            {
                "ask": "Sooner?",
                "compare": ["net", "linear"],
                "expect": "less",
                "metric": {"steps_to": {"auroc": 0.9}},
            }
        ],
        **changes,
    }
    file = folder / "study.json"
    file.write_text(json.dumps(declared))
    return file


def test_any_metric_of_the_task_in_training_questions_choice_and_report(tmp_path):
    results = Study.load(study(tmp_path)).run(tmp_path / "runs")
    run = results.run("net", 0)
    assert np.isfinite(run.curves["test", "auroc"]).all()
    assert np.isfinite(run.curves["validation", "macro_f1"]).all()
    measured = ~np.isnan(run.curves["test", "brier_score"])
    assert measured.tolist() == [False] * (len(run.steps) - 1) + [True]
    table = results.summary()
    for metric in CLASSIFICATION.metrics:
        assert table[f"test_{metric}"].notna().all()
    roc = run.evaluation.areas.macro
    last = table.loc[(table["network"] == "net") & (table["seed"] == 0), "test_auroc"].item()
    assert last == pytest.approx(roc, abs=1e-6)
    (answer,) = results.answers()
    assert "AUROC" in answer.sentence
    assert results.choice().metric.name == "auroc"
    assert run.evaluation.baseline["accuracy"] == pytest.approx(max(run.evaluation.support) / 114)
    assert run.evaluation.baseline["auroc"] == 0.5
    page = results.report().read_text(encoding="utf-8")
    assert "Precision and recall of net" in page
    assert "Final test AUROC" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"questions": [{"ask": "q", "compare": ["net", "linear"], "expect": "greater",
                        "metric": {"best": "brier_score"}}]},
        {"figures": [{"title": "t", "metric": "average_precision"}]},
    ],
)  # fmt: skip
def test_a_metric_along_training_is_to_be_asked_for(tmp_path, changes):
    with pytest.raises(BadInput, match='"metrics"'):
        load(study(tmp_path, **changes))


def test_a_metric_of_the_other_task_is_refused(tmp_path):
    with pytest.raises(BadInput, match="rmse"):
        load(study(tmp_path, choice={"metric": "rmse"}))
