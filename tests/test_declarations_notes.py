"""Notes: settings that never act, seeds and rows that are too few, and what reaches what."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlplab.declarations.checking.audit import audit_study
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mlplab.declarations.resolving.size import EVALUATION_ROWS, Size
from mlplab.declarations.seeds_needed import seeds_needed
from mlplab.declarations.source import shipped_studies
from mlplab.statistics.friedman import friedman_test
from mlplab.statistics.page import page_test
from mlplab.statistics.sign_flip import sign_flip_test
from mlplab.trainer.evaluation import SLICE_ROWS

STUDY: dict[str, Any] = {
    "data": {"name": "digits", "validation": 0.2},
    "training": {"steps": 100, "batch_size": 32, "evaluate_every": 10},
    "seeds": 6,
    "optimizer": {"name": "adam", "learning_rate": 0.001},
    "networks": {"a": {"hidden": [8]}, "b": {"hidden": [16]}, "c": {"hidden": [16, 16]}},
}
PAIR = {"ask": "?", "compare": ["a", "b"], "metric": {"final": "accuracy"}, "expect": "greater"}
TREND = {"ask": "?", "along": ["a", "b", "c"], "metric": {"final": "loss"}, "expect": "increasing"}
RANKING = {"ask": "?", "rank": ["a", "b", "c"], "metric": {"final": "accuracy"}}


def notes(folder: Path, change: dict[str, Any], **how: Any) -> tuple[str, ...]:
    path = folder / "study.json"
    study = {k: v for k, v in (STUDY | change).items() if v is not None}
    path.write_text(json.dumps(study))
    return load(path, **how).notes


def rate(value: float, **more: Any) -> dict[str, Any]:
    return {"optimizer": {"name": "adam", "learning_rate": value, **more}}


def training(**settings: Any) -> dict[str, Any]:
    return {"training": {**STUDY["training"], **settings}}


@pytest.mark.parametrize(
    ("change", "beside", "words"),
    [
        (rate(0.1, schedule={"name": "constant", "warmup_steps": 500}),
         rate(0.1, schedule={"name": "constant", "warmup_steps": 50}), ["500", "100 steps"]),
        (rate(0.1, schedule={"name": "step", "every": 100}),
         rate(0.1, schedule={"name": "step", "every": 99}), ["step 100", "never acts"]),
        (rate(0.1, schedule={"name": "step", "every": 60, "warmup_steps": 40}),
         rate(0.1, schedule={"name": "step", "every": 60, "warmup_steps": 39}), ["never acts"]),
        (training(evaluate_every=101), training(evaluate_every=100), ['"evaluate_every" is 101']),
        (training(early_stopping={"patience": 10}), training(early_stopping={"patience": 9}),
         ["patience of 10", "10 evaluations"]),
        (rate(1000), rate(1), ["1000", "diverge"]),
        ({"networks": {"a": {"hidden": [], "dropout": 0.5}}}, {"networks": {"a": {"hidden": []}}},
         ["dropout never acts"]),
        ({"networks": {"a": {"hidden": [64, 32, 10]}}}, {"networks": {"a": {"hidden": [64, 32]}}},
         ["64-64-32-10-10", '"hidden": [32]']),
        ({"data": {"name": "digits", "validation": 11}}, {"data": {"name": "digits"}},
         ["11 validation rows", "9.1 points", '"validation": 0.1']),
        (training(early_stopping={"metric": "accuracy", "patience": 2}),
         training(early_stopping={"metric": "loss", "patience": 2}),
         ["restored", "ranked", '"metric": "loss"']),
        ({"open_set": [{"known": [0, 1], "unknown": [2], "calibration": 5}]},
         {"open_set": [{"known": [0, 1], "unknown": [2], "calibration": 20}]},
         ["5 calibration rows", "5%", '"calibration": 20']),
        ({"open_set": [{"known": [0, 1], "unknown": [2],
                        "detectors": [{"name": "nearest neighbours", "k": 100_000}]}]},
         {"open_set": [{"known": [0, 1], "unknown": [2],
                        "detectors": [{"name": "nearest neighbours", "k": 5}]}]},
         ["100,000", "rows"]),
    ],
)  # fmt: skip
def test_what_never_acts_is_noted(tmp_path, change, beside, words):
    found = [note for note in notes(tmp_path, change) if all(word in note for word in words)]
    assert len(found) == 1
    assert notes(tmp_path, beside) == ()


def test_a_note_is_told_once_for_many_networks(tmp_path):
    networks = {f"n{i}": {"hidden": [i + 1]} for i in range(50)}
    (note,) = notes(tmp_path, rate(1000) | {"networks": networks})
    assert "(44 more)" in note


def test_shipped_studies_have_no_notes_of_settings_that_never_act():
    for name in shipped_studies():
        assert not [n for n in load(name).notes if "never" in n or "no verdict" in n], name


@pytest.mark.parametrize("questions", [1, 2, 3, 16, 400])
def test_the_seeds_that_questions_need_are_those_of_the_tests(tmp_path, questions):
    path = tmp_path / "study.json"
    path.write_text(json.dumps(STUDY | {"questions": [PAIR, TREND, RANKING]}))
    pair, trend, ranking = load(path).questions
    alpha = 0.05 / questions
    # Seeds that all agree, so many and one fewer
    for question, p_value in (
        (pair, lambda n: float(sign_flip_test(np.ones(n)).p_two_sided)),
        (trend, lambda n: 2 * page_test([[1.0, 2.0, 3.0]] * n).p_increasing),
        (ranking, lambda n: friedman_test([[1.0, 2.0, 3.0]] * n).p_value),
    ):
        fewest = seeds_needed(question, questions)
        assert p_value(fewest) <= alpha < p_value(fewest - 1)


def test_known_numbers_of_seeds(tmp_path):
    path = tmp_path / "study.json"
    path.write_text(json.dumps(STUDY | {"questions": [PAIR]}))
    (pair,) = load(path).questions
    # 2/2^6 = 1/32 is below 0.05, and 2/2^10 = 1/512 below 0.05/16.
    assert (seeds_needed(pair, 1), seeds_needed(pair, 16)) == (6, 10)
    assert math.isclose(2 / 2**5, 0.0625)


def test_too_few_seeds_for_a_verdict_are_told_before_training(tmp_path):
    asked = {"questions": [PAIR, {**PAIR, "expect": "less"}]}
    (note,) = notes(tmp_path, asked | {"seeds": 3})
    assert "questions 1, 2" in note
    assert '"seeds": 7' in note
    assert notes(tmp_path, asked | {"seeds": 7}) == ()
    (note,) = notes(tmp_path, asked | {"seeds": 7}, seeds=2)
    assert "2 seeds" in note


def test_default_seeds_suffice_for_the_studys_questions(tmp_path):
    path = tmp_path / "study.json"
    study = {key: value for key, value in STUDY.items() if key != "seeds"}
    path.write_text(json.dumps(study | {"questions": [PAIR]}))
    loaded = load(path)
    assert {network.seeds for network in loaded.networks.values()} == {tuple(range(6))}
    assert "6 seeds by default" in loaded.notes[0]
    path.write_text(json.dumps(study))
    assert {network.seeds for network in load(path).networks.values()} == {(0, 1, 2)}


def test_an_override_of_configuration_files_reaches_every_network(tmp_path):
    file = {"learning_rate": 0.1, "num_classes": 10, "num_features": 784, "training_steps": 500,
            "batch_size": 64, "n_layers": 2, "hiddens": [64], "optimizer": "sgd"}  # fmt: skip
    for name in ("config1", "config2"):
        (tmp_path / f"{name}.json").write_text(json.dumps(file))
    study = load(tmp_path, overrides=["training.steps=100", "activation=tanh"])
    assert {network.training.steps for network in study.networks.values()} == {100}
    assert not [note for note in study.notes if "does not reach" in note]


def test_an_override_that_networks_replace_is_noted(tmp_path):
    networks = {"a": {"hidden": [8], "training": {"steps": 50}}, "b": {"hidden": [16]}}
    found = notes(tmp_path, {"networks": networks}, overrides=["training.steps=70"])
    assert [note for note in found if "does not reach" in note and '"a"' in note]
    assert not [note for note in found if '"b"' in note]


def test_a_linear_network_is_checked_as_one(tmp_path):
    linear = {"networks": {"linear": {"hidden": []}, "b": {"hidden": [8]}}}
    asked = {"ask": "?", "compare": ["linear", "b"], "metric": {"final": "accuracy"},
             "expect": "less", "factor": "depth"}  # fmt: skip
    path = tmp_path / "study.json"
    path.write_text(json.dumps(STUDY | linear | {"questions": [asked]}))
    study = load(path)
    assert study.networks["linear"].hidden == ()
    (audit,) = audit_study(study)
    assert audit.is_controlled
    path.write_text(json.dumps(STUDY | linear | {"open_set": [{"known": [0, 1], "unknown": [2]}]}))
    with pytest.raises(BadInput, match="with a hidden layer"):
        load(path)


def test_memory_counts_the_rows_that_are_evaluated_at_once():
    # 784-200000-10 in float32: 159 million parameters at 16 bytes, 2.5 GB; 1,000 rows of the
    # wide layer and its gradient are 1.6 GB. 10,000 rows would be 16 GB.
    size = Size((784, 200_000, 10), batch_size=256, steps=1)
    assert 4.0e9 < size.memory_bytes(10_000) < 4.2e9
    assert SLICE_ROWS == EVALUATION_ROWS
