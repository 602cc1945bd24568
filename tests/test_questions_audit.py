"""What else differs between the networks of a question, in known cases."""

from __future__ import annotations

import json

import pytest

from mlplab.commands.studies import print_audits
from mlplab.declarations.checking.audit import audit_study
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput

RMSPROP = {"name": "rmsprop", "learning_rate": 0.001, "epsilon_placement": "inside_root"}
ADAM = {"name": "adam", "learning_rate": 0.001, "epsilon_placement": "before_correction"}
NETWORKS = {
    "config1": {"hidden": [128, 256], "optimizer": {"name": "sgd", "learning_rate": 0.1}},
    "config2": {"hidden": [128, 256], "optimizer": ADAM},
    "config3": {"hidden": [128, 256], "optimizer": RMSPROP},
    "config4": {"hidden": [128, 256, 512, 256], "optimizer": RMSPROP},
    "outside": {"hidden": [128, 256], "optimizer": RMSPROP | {"epsilon_placement": "outside_root"}},
    "deeper": {"hidden": [128, 256, 256], "optimizer": RMSPROP},
    "wide": {"hidden": [512, 256], "optimizer": RMSPROP},
}
FINAL = {"final": "accuracy", "split": "test"}


@pytest.fixture
def read(tmp_path):
    """Read a study of these networks with some questions, or with other settings."""

    def reading(*questions, **settings):
        study = {"name": "q", "data": {"name": "mnist"}, "networks": NETWORKS,
                 "questions": list(questions), **settings}  # fmt: skip
        path = tmp_path / "study.json"
        path.write_text(json.dumps(study))
        return load(path)

    return reading


def compare(first, second, **changes):
    return {"ask": "?", "compare": [first, second], "metric": FINAL, "expect": "greater", **changes}


@pytest.mark.parametrize(
    ("question", "declared", "others", "counts"),
    [
        (compare("config2", "config1", factor="optimizer"), ["optimizer"], ["learning rate"], []),
        (compare("config2", "config3", factor="optimizer"), ["optimizer"],
         ["placement of epsilon"], []),
        (compare("config3", "config4", factor="depth"), ["number of layers"], ["widest layer"],
         ["parameters", "training FLOPs"]),
        (compare("config3", "deeper", factor="depth"), ["number of layers"], [],
         ["parameters", "training FLOPs"]),
        (compare("config3", "wide", factor="width"), ["widest layer"], [],
         ["parameters", "training FLOPs"]),
        (compare("config3", "outside", factor="epsilon"), ["placement of epsilon"], [], []),
        (compare("config3", "outside", factor="depth"), [], ["placement of epsilon"], []),
        (compare("config2", "config1"), [], ["optimizer", "learning rate"], []),
        (compare("config3", "outside", factor="optimizer.epsilon_placement"),
         ["placement of epsilon"], [], []),
    ],
)  # fmt: skip
def test_known_comparisons(read, question, declared, others, counts):
    (found,) = audit_study(read(question))
    assert [d.what for d in found.declared] == declared
    assert [d.what for d in found.others] == others
    assert [d.what for d in found.counts] == counts
    assert found.is_controlled is (bool(declared) and not others)
    for word in (*declared, *others, *counts):
        assert word in " ".join(found.sentences)


def test_what_was_said_of_one_question_is_not_said_again(read, capsys):
    asked = compare("config2", "config1", ask="A?"), compare("config3", "wide", ask="B?")
    again = compare("config2", "config1", ask="C?", metric={"final": "loss"})
    study = read(*asked, again)
    print_audits(study)
    said = capsys.readouterr().out.splitlines()
    first, second, _ = audit_study(study)
    assert said == [
        "question 1: A?",
        *(f"  {sentence}" for sentence in first.sentences),
        "question 2: B?",
        *(f"  {sentence}" for sentence in second.sentences),
        "question 3: C?",
        "  As of question 1.",
    ]


def test_values_stand_beside_what_differs(read):
    (found,) = audit_study(read(compare("config2", "config1", factor="optimizer")))
    assert found.sentences[0] == (
        "Besides optimizer (adam, sgd) they differ in learning rate (0.001, 0.1): "
        "the effect may be due to that."
    )


def test_parameters_are_counted_by_hand(read):
    """784·128+128 + 128·256+256 + 256·10+10 = 136,074; with 256·256+256 more 201,866."""
    (found,) = audit_study(read(compare("config3", "deeper", factor="depth")))
    assert found.counts[0].values == ("136,074", "201,866")


def test_without_networks_nothing_is_said_of_their_names(read):
    with pytest.raises(BadInput) as refused:
        read(compare("config2", "config1"), networks=5, figures=[{"title": "t", "networks": ["a"]}])
    (problem,) = refused.value.problems
    assert problem.where == "networks"


def test_a_question_is_asked_once(read):
    first, again = compare("config2", "config1"), compare("config2", "config1", ask="Once more?")
    with pytest.raises(BadInput, match=r"every question once.*questions\[0\] again") as refused:
        read(first, compare("config1", "config2"), again)
    (problem,) = refused.value.problems
    assert problem.where == "questions[2]"


def of_trend(**changes):
    question = {"ask": "?", "along": ["config3", "deeper", "config4"], "metric": FINAL,
                "expect": "increasing", **changes}  # fmt: skip
    return {k: v for k, v in question.items() if v is not None}


@pytest.mark.parametrize(
    ("question", "where", "words"),
    [
        (compare("config2", "confg1"), "questions[0].compare[1]", 'did you mean "config1"?'),
        (compare("config2", "config2"), "questions[0].compare[1]", "every network once"),
        (compare("config2", "config1", expect="same"), "questions[0]", 'the key "within"'),
        (compare("config2", "config1", expect="better"), "questions[0].expect", '"greater"'),
        (compare("config2", "config1", by_at_least=2.0), "questions[0].by_at_least", "0.02"),
        (compare("config2", "config1", by_at_least=-1), "questions[0].by_at_least", "at least 0"),
        (compare("config2", "config1", factor="optimizer.learningrate"), "questions[0].factor",
         'did you mean "optimizer.learning_rate"?'),
        (compare("config2", "config1", factor="training.hidden"), "questions[0].factor",
         "a setting that one of the networks has"),
        (compare("config2", "config1", ask=" "), "questions[0].ask", "an empty one; write one"),
        (compare("config2", "config1", expect="same", within=1e308), "questions[0].within",
         "below 1, but got 1e+308."),
        ({**compare("config2", "config1"), "compare": "config2"}, "questions[0].compare",
         'a list of 2 texts, but got "config2".'),
        (compare("config2", "config1", factor="dept"), "questions[0].factor", '"depth"'),
        (compare("config2", "config1", metric={"finl": "accuracy"}), "questions[0].metric",
         'did you mean "final"?'),
        (compare("config2", "config1", metric="accuracy"), "questions[0].metric",
         'write {"final": "accuracy"}'),
        (compare("config2", "config1", metric={"final": "accuracy", "split": "validation"}),
         "questions[0].metric.split", '"validation": 0.1'),
        (compare("config2", "config1", metric={"gradient_size": "first"}), "questions[0].metric",
         '"diagnostics": true'),
        (compare("config2", "config1", metric={"at_step": 150, "value": "loss"}),
         "questions[0].metric.at_step", "every 100"),
        (compare("config2", "config1", metric={"at_step": 9900, "value": "loss"}),
         "questions[0].metric.at_step", "up to 2000"),
        (compare("config2", "config1", metric={"steps_to": {"accuracy": 95}}),
         "questions[0].metric.steps_to.accuracy", "at most 1"),
        (compare("config2", "config1", metric={"steps_to": {}}), "questions[0].metric.steps_to",
         '"accuracy"'),
        (compare("config2", "config1", metric={"steps_to": {"accuracy": 0.9}, "split": "train"}),
         "questions[0].metric.split", '"validation"'),
        (of_trend(along=["config3", "config4"]), "questions[0].along", "at least 3"),
        (of_trend(along=None), "questions[0]", '"compare", "along", "rank"'),
        (of_trend(expect="greater"), "questions[0].expect", '"increasing"'),
    ],
)  # fmt: skip
def test_bad_questions_are_told_with_their_place(read, question, where, words):
    with pytest.raises(BadInput) as error:
        read(question)
    problems = {problem.where: problem for problem in error.value.problems}
    assert where in problems, problems
    assert words in str(problems[where])
    assert problems[where].line == 1


def test_networks_of_a_comparison_share_their_seeds(read):
    networks = NETWORKS | {"config1": NETWORKS["config1"] | {"seeds": [5, 6]}}
    with pytest.raises(BadInput) as error:
        read(compare("config2", "config1"), networks=networks)
    assert "the same seeds" in str(error.value)
