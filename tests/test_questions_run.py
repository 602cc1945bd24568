"""Questions through a real run: registered before training, answered after, told everywhere."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest

from mlplab.analysis.questions.answers import answer_questions, answers_about, questions_given_up
from mlplab.declarations.metric import TARGETS, FinalMetric, StepsToMetric
from mlplab.declarations.question import PairQuestion, TrendQuestion
from mlplab.records.questions import registrations
from mlplab.records.results import Results
from mlplab.runner.run import run
from small_studies import ADAM, SGD, network, study

SLOW = SGD | {"learning_rate": 0.001}
TRAINING = {"steps": 60, "batch_size": 32, "evaluate_every": 20}


def better(first: str, second: str, **changes) -> PairQuestion:
    return PairQuestion(**{
        "ask": f"Is {first} better than {second}?", "compare": (first, second),
        "metric": FinalMetric(final="accuracy"), "expect": "greater", "factor": "optimizer",
        **changes,
    })  # fmt: skip


FIRST = better("fast", "slow")
TREND = TrendQuestion(
    ask="Slower?",
    along=("fast", "middle", "slow"),
    metric=StepsToMetric(steps_to=TARGETS["accuracy"](accuracy=0.5)),
    expect="increasing",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three networks of seven seeds, and two questions that were asked before."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    run(asked(), folder, device="cpu")
    return folder


def asked():
    seeds = list(range(7))
    made = study(
        fast=network(optimizer=ADAM, seeds=seeds, training=TRAINING),
        middle=network(optimizer=SGD, seeds=seeds, training=TRAINING),
        slow=network(optimizer=SLOW, seeds=seeds, training=TRAINING),
    )
    return replace(made, questions=(FIRST, TREND))


def test_what_was_asked_before_is_registered_and_answered(folder):
    first, trend = answer_questions(Results.open(folder))
    assert first.is_registered
    assert trend.is_registered
    assert first.finding.verdict == "supported"
    assert trend.finding.verdict == "supported"
    assert first.finding.seeds == 7
    summary = Results.open(folder).summary().pivot(index="seed", columns="network")
    difference = summary["test_accuracy"]["fast"] - summary["test_accuracy"]["slow"]
    assert first.finding.effect == pytest.approx(difference.mean())
    assert first.rows.rows == "360 test rows"
    assert first.rows.each_known
    assert not any("Asked afterwards" in caveat for caveat in first.caveats)


def test_what_was_added_or_changed_later_is_marked(folder, tmp_path):
    changed = better("fast", "slow", by_at_least=0.01)
    reworded = better("fast", "slow", ask="In other words?")
    later = replace(asked(), questions=(reworded, changed, better("fast", "middle")))
    results = run(later, folder, device="cpu")
    again = answer_questions(results)
    assert [a.is_registered for a in again] == [True, False, False]
    assert "Asked afterwards" in again[1].caveats[0]
    # The trend is not asked any more; of the first question only the words are new.
    assert questions_given_up(results) == 1
    # Asking again does not make it earlier, and the first asking is not forgotten.
    run(asked(), folder, device="cpu")
    assert [a.is_registered for a in answer_questions(run(later, folder, device="cpu"))] == [
        True,
        False,
        False,
    ]
    run(asked(), folder, device="cpu")


def test_another_network_under_an_old_name_is_another_question(folder):
    made = asked()
    other = replace(made, networks={**made.networks, "fast": network(seeds=list(range(7)))})
    from mlplab.records.questions import question_digest

    assert question_digest(FIRST, made) != question_digest(FIRST, other)
    more = {n: w.model_copy(update={"seeds": (0, 1)}) for n, w in made.networks.items()}
    assert question_digest(FIRST, made) == question_digest(FIRST, replace(made, networks=more))


def test_a_question_stays_asked_when_a_new_version_computes_otherwise(monkeypatch):
    from mlplab.records import key
    from mlplab.records.questions import question_digest

    def run_of(study):
        where = {"outputs": 10, "data_digest": "", "seed": 0, "precision": "", "device_kind": ""}
        return key.key_content(study.networks["fast"], **where)

    made = asked()
    question, run = question_digest(FIRST, made), run_of(made)
    monkeypatch.setattr(key, "NUMERICS", key.NUMERICS + 1)
    assert run_of(made) != run
    assert question_digest(FIRST, made) == question


def test_seeds_added_after_a_look_are_told(folder, tmp_path):
    few = asked()
    few = replace(few, networks={
        n: w.model_copy(update={"seeds": w.seeds[:6]}) for n, w in few.networks.items()
    })  # fmt: skip
    run(few, tmp_path / "small", device="cpu")
    found = answer_questions(run(asked(), tmp_path / "small", device="cpu"))
    assert found[0].is_registered
    assert "asked with 6 seeds, and 7 are used" in " ".join(found[0].caveats)


def test_records_of_before_there_were_questions_can_be_read(folder, tmp_path):
    import shutil

    old = tmp_path / "old"
    shutil.copytree(folder, old)
    with sqlite3.connect(old / "records.sqlite") as connection:
        connection.execute("DROP TABLE question")
    connection.close()
    assert registrations(old) == {}
    assert not answer_questions(Results.open(old))[0].is_registered
    run(asked(), old, device="cpu")
    assert not answer_questions(Results.open(old))[0].is_registered


def test_compare_gives_the_studys_own_question_or_the_usual_one(folder):
    results = Results.open(folder)
    (own,) = answers_about(results, "slow", "fast")
    assert own.question.ask == FIRST.ask
    (usual,) = answers_about(results, "middle", "fast")
    assert not usual.is_registered
    assert usual.question.compare == ("middle", "fast")


def test_report_and_export_tell_the_answers(folder):
    from mlplab.analysis.questions.export import verdicts_json
    from mlplab.report.chapters.questions import chapter
    from mlplab.report.context import Context
    from mlplab.report.markdown import render

    results = Results.open(folder)
    found = chapter(Context(results))
    text = "\n".join(render(block) for block in found.blocks)
    exported = json.loads(verdicts_json(answer_questions(results)))
    assert "2 supported" in text
    assert "All of them were written down before training." in text
    for one in exported:
        assert one["registered"] is True
        assert one["ask"] in text
        told = one["sentence"].split(" (")[0].partition(": ")[2]
        assert told[1:] in text.replace("\\", "")
    assert len(found.figures) == 2
    for figure in found.figures:
        assert figure.specification["layer"]


def test_answers_are_readable_and_a_table(folder):
    answers = answer_questions(Results.open(folder))
    assert repr(answers).startswith("1. ")
    assert answers[0].sentence in repr(answers)
    assert "verdict='supported'" in repr(answers[0])
    assert len(repr(answers[0])) < 300
    table = answers.to_frame()
    assert table["verdict"].tolist() == [one.verdict for one in answers]
    assert table["low"][0] == answers[0].interval[0]
