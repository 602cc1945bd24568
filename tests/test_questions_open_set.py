"""Questions about unknown classes: what can be asked, and the answers of a small real run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from command_line import mlplab
from mlplab.analysis.open_set.evaluating import tests_of as kept_tests
from mlplab.analysis.open_set.table import open_set_table
from mlplab.analysis.questions.answers import answer_questions
from mlplab.declarations.checking.audit import audit_study
from mlplab.declarations.loading import load
from mlplab.declarations.metric import OpenSetMetric
from mlplab.declarations.open_set_measures import measure_named, measures_of
from mlplab.declarations.problems import BadInput
from mlplab.declarations.question import PairQuestion
from mlplab.declarations.resolving.arms import arms_of
from mlplab.records.database import writing
from mlplab.records.questions import question_digest
from mlplab.report.chapters import chapters_of
from mlplab.report.context import Context
from mlplab.report.markdown import document
from mlplab.study import open_results

ADAM = {"name": "adam", "learning_rate": 0.005}
OPEN = "0-4 known, 5-9 unknown"
CENTRE, SOFTMAX = "class centre", "softmax"
LEVEL = {"ask": "Nines for fours?", "level_of": "small", "than": 0.5, "expect": "greater",
         "metric": {"open_set": "9_taken_for_4"}}  # fmt: skip
DETECTORS = {"ask": "Is the centre better?", "compare": ["small", "small"],
             "detectors": [CENTRE, SOFTMAX], "metric": {"open_set": "auroc"},
             "expect": "greater"}  # fmt: skip
NETWORKS = {"ask": "Does width help?", "compare": ["large", "small"], "factor": "width",
            "metric": {"open_set": "recall_of_unknown", "detector": SOFTMAX},
            "expect": "greater"}  # fmt: skip
RANKED = {"ask": "Which detector?", "rank": ["small"] * 3,
          "detectors": [SOFTMAX, CENTRE, "nearest neighbours"],
          "metric": {"open_set": "oscr"}}  # fmt: skip
CLOSED = {"ask": "Is large more accurate?", "compare": ["large", "small"], "factor": "width",
          "metric": {"final": "accuracy"}, "expect": "greater"}  # fmt: skip
STUDY = {
    "name": "both",
    "data": {"name": "digits"},
    "training": {"steps": 60, "batch_size": 32, "evaluate_every": 30},
    "seeds": 9,
    "networks": {
        "small": {"hidden": [16], "optimizer": ADAM},
        "large": {"hidden": [32], "optimizer": ADAM},
    },
    "open_set": [
        {
            "known": [0, 1, 2, 3, 4],
            "unknown": [5, 6, 7, 8, 9],
            "networks": ["small", "large"],
            "detectors": [SOFTMAX, CENTRE, "nearest neighbours"],
        }
    ],
    "questions": [LEVEL, DETECTORS, NETWORKS, RANKED, CLOSED],
}


@pytest.fixture
def read(tmp_path):
    """Read the study with other questions or settings."""

    def reading(*questions, **settings):
        path = tmp_path / "both.json"
        path.write_text(json.dumps(STUDY | {"questions": list(questions), **settings}))
        return load(path)

    return reading


def test_every_form_of_question_can_be_asked(read):
    study = read(LEVEL, DETECTORS, NETWORKS, RANKED, CLOSED)
    assert [q.arms for q in study.questions] == [
        ("small",), (CENTRE, SOFTMAX), ("large", "small"),
        (SOFTMAX, CENTRE, "nearest neighbours"), ("large", "small"),
    ]  # fmt: skip
    trained = [[arm.network for arm in arms_of(q, study)] for q in study.questions]
    assert trained[1] == ["small · 0-4 known"] * 2
    assert trained[4] == ["large", "small"]


def changed(question, metric=None, **changes):
    made = {**question, **changes}
    return made if metric is None else made | {"metric": {**question["metric"], **metric}}


@pytest.mark.parametrize(
    ("question", "where", "words"),
    [
        (changed(LEVEL, {"open_set": "9_taken_for_3", "split": OPEN[:-1]}), "metric.split",
         f'did you mean "{OPEN}"?'),
        (changed(DETECTORS, {"open_set": "aurok"}), "metric.open_set", 'did you mean "auroc"?'),
        (changed(LEVEL, {"open_set": "9_taken_for_7"}), "metric.open_set",
         f'a class that is known in "{OPEN}": "0", "1", "2", "3", "4"'),
        (changed(LEVEL, {"open_set": "3_taken_for_4"}), "metric.open_set",
         f'a class that is unknown in "{OPEN}"'),
        (changed(LEVEL, {"open_set": "auroc"}), "metric", 'add "detector": "softmax"'),
        (changed(NETWORKS, {"detector": "nearest neighbors"}), "metric.detector",
         'did you mean "nearest neighbours"?'),
        (changed(NETWORKS, {"detector": "vim"}), "metric.detector",
         'add it to "detectors" of "open_set"'),
        (changed(DETECTORS, detectors=[CENTRE, "softmx"]), "detectors[1]",
         'did you mean "softmax"?'),
        (changed(DETECTORS, detectors=[CENTRE, CENTRE]), "compare[1]",
         "every network once with a detector"),
        (changed(DETECTORS, {"detector": SOFTMAX}, detectors=None), "compare[1]", "every network once"),
        (changed(DETECTORS, {"detector": SOFTMAX}), "metric.detector", 'beside "detectors"'),
        (changed(RANKED, detectors=RANKED["detectors"][:2]), "detectors", "at least 3"),
        (changed(RANKED, rank=["small"] * 4), "detectors", "4 detectors"),
        (changed(CLOSED, detectors=[CENTRE, SOFTMAX]), "detectors", 'a metric with "open_set"'),
        (changed(DETECTORS, by_at_least=2.0), "by_at_least", "0.02"),
        (changed(LEVEL, than=50), "than", "50% is 0.5"),
        (changed(LEVEL, level_of="smal"), "level_of", 'did you mean "small"?'),
        (changed(LEVEL, expect="same"), "", 'the key "within"'),
        (changed(LEVEL, factor="width"), "factor", ""),
        (LEVEL | {"metric": {"steps_to": {"accuracy": 0.9}}}, "metric", "every run has"),
    ],
)  # fmt: skip
def test_what_is_not_tested_cannot_be_asked(read, question, where, words):
    with pytest.raises(BadInput) as error:
        read(question)
    wanted = "questions[0]" + (f".{where}" if where else "")
    assert [problem.where for problem in error.value.problems] == [wanted]
    assert words in str(error.value.problems[0])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"open_set": [STUDY["open_set"][0] | {"networks": ["large"]}]}, 'networks that "open_set"'),
        ({"open_set": []}, 'name it in "networks" of "open_set"'),
        ({"open_set": [*STUDY["open_set"], STUDY["open_set"][0] | {"unknown": [8, 9]}]},
         'the key "split"'),
    ],
)  # fmt: skip
def test_the_study_must_test_what_is_asked(read, settings, words):
    assert read(LEVEL).questions
    with pytest.raises(BadInput, match="questions") as error:
        read(LEVEL, **settings)
    assert words in str(error.value)


def test_a_network_of_open_set_forms_alone_has_no_accuracy_on_all_classes(read):
    only = {n: w | {"open_set_only": True} for n, w in STUDY["networks"].items()}
    assert read(LEVEL, DETECTORS, networks=only).questions
    with pytest.raises(BadInput, match="open_set_only"):
        read(CLOSED, networks=only)


def test_what_differs_between_detectors_is_the_detector(read):
    found = [audit.sentences for audit in audit_study(read(DETECTORS, NETWORKS))]
    assert found[0] == ("The only setting that differs is detector (class centre, softmax).",)
    assert found[1][0] == "The only setting that differs is widest layer (32, 16)."


def test_the_digest_holds_what_decides_and_older_questions_keep_theirs(read):
    study = read(DETECTORS, NETWORKS, CLOSED)
    digests = [question_digest(q, study) for q in study.questions]
    stricter = [STUDY["open_set"][0] | {"reject_at_most": 0.1}]
    again = read(DETECTORS, NETWORKS, CLOSED, open_set=stricter)
    others = [question_digest(q, again) for q in again.questions]
    assert [a == b for a, b in zip(digests, others, strict=True)] == [False, False, True]
    assert "detectors" in PairQuestion.model_fields
    swapped = read(changed(DETECTORS, detectors=[SOFTMAX, CENTRE]))
    assert question_digest(swapped.questions[0], swapped) != digests[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The study as the command runs it."""
    where = tmp_path_factory.mktemp("both")
    (where / "both.json").write_text(json.dumps(STUDY))
    ended = mlplab("run", "both.json", "--out", "runs", "--device", "cpu", cwd=where)
    assert ended.returncode == 0, ended.stderr
    return where / "runs" / "both"


@pytest.fixture(scope="module")
def answers(folder):
    return answer_questions(open_results(folder))


def test_values_are_those_of_the_open_set_table(folder, answers):
    table = open_set_table(open_results(folder)).set_index(["network", "detector", "metric"])
    table = table.sort_index()

    def column(network, detector, metric):
        return table.loc[(network, detector, metric)].sort_values("seed")["value"].to_numpy()

    level, detectors, networks, ranked, _ = [a.measured.values for a in answers]
    np.testing.assert_array_equal(level[:, 0], column("small", CENTRE, "9_taken_for_4"))
    for place, detector in enumerate((CENTRE, SOFTMAX)):
        np.testing.assert_array_equal(detectors[:, place], column("small", detector, "auroc"))
    for place, network in enumerate(("large", "small")):
        expected = column(network, SOFTMAX, "recall_of_unknown")
        np.testing.assert_array_equal(networks[:, place], expected)
    np.testing.assert_array_equal(ranked[:, 2], column("small", "nearest neighbours", "oscr"))
    difference = detectors[:, 0] - detectors[:, 1]
    assert answers[1].finding.effect == pytest.approx(difference.mean())


def test_every_measure_of_the_table_can_be_asked_for_and_no_other(folder):
    results = open_results(folder)
    names = set(open_set_table(results)["metric"])
    assert names == {one.name for one in measures_of("56789", "01234")}
    assert all(measure_named(name) is not None for name in names)
    assert OpenSetMetric(open_set="known_rejected").measure.higher_is_better is False


def test_they_were_asked_before_and_say_what_was_tested(answers):
    assert all(a.is_registered for a in answers)
    assert {a.finding.seeds for a in answers} == {9}
    for found in answers[:4]:
        assert f"Tested on: {OPEN}." in found.caveats
    assert "the fraction of 9 taken for 4 of small is" in answers[0].sentence
    assert "the AUROC by class centre is" in answers[1].sentence
    assert "the fraction of unknown inputs rejected by softmax of large is" in answers[2].sentence
    assert "Tested on" not in " ".join(answers[4].caveats)


def test_other_test_rows_are_told_of_beside_the_seeds(folder, answers):
    nines, centre, width, _, closed = [
        next(t for t in a.caveats if "test set" in t or "beside the seeds" in t) for a in answers
    ]
    assert "rows of 9 beside the seeds" in nines
    finding = kept_tests(open_results(folder))[0].finding
    rows = f"{finding.known_rows} known and {finding.unknown_rows} unknown rows"
    for told in (centre, width):
        assert f"{rows} would move the difference by a standard error of about" in told
    assert "360 test rows beside the seeds" in closed
    assert answers[4].rows.each_known


def test_a_test_that_is_not_made_is_missing_and_said_to_be(folder, tmp_path):
    import shutil

    shutil.copytree(folder, tmp_path / "both")
    with writing(tmp_path / "both") as connection:
        connection.execute(
            "DELETE FROM analysis WHERE content IN (SELECT content FROM analysis LIMIT 1)"
        )
        connection.commit()
    found = answer_questions(open_results(tmp_path / "both"))
    assert min(a.finding.seeds for a in found[:4]) == 8
    told = [text for a in found for text in a.caveats if "1 seed is left out" in text]
    assert told
    assert all("a test on unknown classes is not made yet" in text for text in told)


def test_report_and_export_tell_the_same(folder, answers, tmp_path):
    context = Context(open_results(folder))
    text = document("both", chapters_of(context)).replace("\\", "")
    for found in answers:
        # The verdict that a sentence begins with stands in bold before it.
        verdict, _, rest = found.sentence.split(" (")[0].partition(": ")
        told = rest or verdict
        assert told.lower() in text.lower()
    ended = mlplab("export", str(folder), "--verdicts", str(tmp_path / "v.json"), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    exported = json.loads((tmp_path / "v.json").read_text())
    assert [one["sentence"] for one in exported] == [a.sentence for a in answers]
    assert exported[1]["detectors"] == [CENTRE, SOFTMAX]
    assert exported[0]["than"] == 0.5


def test_forms_do_not_stand_among_networks_that_learn_all_classes(folder):
    context = Context(open_results(folder))
    assert set(context.ranking.networks) == {"small", "large"}
    assert {c.network for c in context.chosen.candidates} == {"small", "large"}
    chapters = {chapter.anchor: chapter for chapter in chapters_of(context)}
    for name in ("figures", "cost", "overview"):
        for figure in chapters[name].figures:
            if "network" in figure.table:
                assert set(figure.table["network"]) <= {"small", "large"}, figure.name
    assert "open-set" in chapters
    overview = document("both", [chapters["overview"]])
    assert "**2 networks**" in overview
    assert "2 more networks learn only some of the classes" in overview


def test_one_network_alone_keeps_the_questions_about_it(folder):
    alone = load(folder.parent.parent / "both.json", select=["small"])
    assert [q.ask for q in alone.questions] == [LEVEL["ask"], DETECTORS["ask"], RANKED["ask"]]
