"""Tuning through real runs: trials first, fresh seeds after, resumed to the same bits, told everywhere."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from command_line import mlplab_here
from mlplab.analysis.questions.answers import answer_questions
from mlplab.declarations.metric import FinalMetric
from mlplab.declarations.question import PairQuestion
from mlplab.records.questions import registrations
from mlplab.records.results import Results
from mlplab.runner import events
from mlplab.study import Study, open_results

DECLARED = {
    "name": "tuned",
    "data": {"name": "digits", "validation": 0.2},
    "training": {"steps": 40, "batch_size": 32, "evaluate_every": 20},
    "seeds": 2,
    "networks": {
        "adam": {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": 0.5}},
        "sgd": {"hidden": [8, 8], "optimizer": {"name": "sgd", "learning_rate": 0.5}},
    },
    "questions": [
        {"ask": "Is Adam better?", "compare": ["adam", "sgd"], "factor": "optimizer",
         "metric": {"final": "accuracy"}, "expect": "greater"}
    ],
    "tune": {"space": {"optimizer.learning_rate": [0.001, 0.02, 1e30]}, "steps": 20, "seeds": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the study was run from the command line, with what was said."""
    folder = tmp_path_factory.mktemp("tuning")
    (folder / "tuned.json").write_text(json.dumps(DECLARED))
    said = mlplab_here("run", "tuned.json", cwd=folder)
    assert said.returncode == 0, said.stderr
    return folder, said.stderr


@pytest.fixture(scope="module")
def results(folder):
    return open_results(folder[0] / "runs" / "tuned")


def test_every_network_runs_with_the_rate_that_was_best_on_validation_rows(results):
    trials = Results.open(results.folder / "tuning").summary()
    assert len(trials) == 2 * 3 * 2
    assert set(trials["seed"]) == {999_999, 999_998}
    assert set(trials["steps"][trials["status"] == "finished"]) == {20}
    usable = trials.groupby("network").filter(lambda its: (its["status"] == "finished").all())
    means = usable.groupby("network")["validation_accuracy"].mean()
    for name, network in results.study.networks.items():
        own = means[[trial for trial in means.index if trial.startswith(f"{name} ·")]]
        rate = network.optimizer.learning_rate
        # Where accuracies tie, the loss decides; the chosen one has none above it all the same.
        assert own[f"{name} · learning_rate {rate:g}"] == own.max()
        assert results.study.tuned[name] == {"optimizer.learning_rate": rate}
    assert {run.seed for run in results.runs} == {0, 1}
    assert all(run.stopped_at == 40 for run in results.runs)


def test_the_progress_says_in_words_that_it_is_tuning(folder):
    told = folder[1]
    assert "tuning 2 networks on validation data: 3 settings each, 2 seeds, 20 steps" in told
    assert "12 of 12 networks × seeds to train" in told
    assert "[tuning 12/12]" in told
    assert "chosen: adam learning_rate 0.02; sgd learning_rate" in told
    assert "[4/4]" in told


def test_a_tuning_without_any_setting_that_works_says_so(tmp_path):
    space = {"optimizer.learning_rate": [1e29, 1e30]}
    declared = {**DECLARED, "tune": {"space": space, "steps": 20, "seeds": 1}, "questions": []}
    (tmp_path / "tuned.json").write_text(json.dumps(declared))
    said = mlplab_here("run", "tuned.json", "sgd", "--seeds", "1", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert (
        "of sgd every setting failed or diverged in some seed, so that is no choice" in said.stderr
    )


def test_questions_stood_before_the_first_trial(results):
    (found,) = answer_questions(results)
    assert found.is_registered
    assert [one.path for one in found.audit.others] == ["hidden"]
    assert [one.path for one in found.audit.tuned] == ["optimizer.learning_rate"]
    assert not any("Asked afterwards" in caveat for caveat in found.caveats)
    late = PairQuestion(ask="Late?", compare=("adam", "sgd"), expect="less",
                        metric=FinalMetric(final="loss"))  # fmt: skip
    asked = replace(results.study, questions=(*results.study.questions, late), tuned={})
    again = Study(asked).run(results.folder.parent)
    assert [one.is_registered for one in answer_questions(again)] == [True, False]


def test_the_plan_tells_what_is_tried_and_what_of_it_is_there(folder, tmp_path):
    where, _ = folder
    before = mlplab_here("plan", where / "tuned.json", "--out", tmp_path, cwd=where).stdout
    assert "2 networks × 3 settings × 2 seeds, 20 steps" in before
    assert "tuning seeds: 999999, 999998" in before
    assert "0 of 12 trials × seeds are finished" in before
    assert "together with tuning" in before
    assert not list(tmp_path.iterdir())
    after = Study.load(where / "tuned.json", seeds=3).plan(where / "runs")
    assert (after.tuning.finished, after.tuning.total, after.tuning.flops) == (12, 12, 0)
    # More seeds of the study: tuning stays what it was, and its choice is what is counted.
    assert (after.finished, after.total) == (4, 6)


def test_the_plan_of_halving_counts_the_rounds_to_come(folder, tmp_path):
    halving = ["tune.search=successive halving", "tune.steps=40"]
    study = Study.load(folder[0] / "tuned.json", overrides=halving)
    plan = study.plan(tmp_path)
    # 2 networks × 2 seeds × (3 settings in the first round and 2 in the last).
    assert plan.tuning.total == 2 * 2 * (3 + 2)
    seen: list[events.Event] = []
    study.run(tmp_path, on_event=seen.append)
    rounds = [e for e in seen if isinstance(e, events.TuningStarted)]
    assert [(e.round, e.rounds, e.settings, e.steps) for e in rounds] == [
        (1, 2, 3, 20),
        (2, 2, 2, 40),
    ]
    first, second, main = [e for e in seen if isinstance(e, events.RunPlanned)]
    assert (first.total, second.total, second.already, main.total) == (12, 20, 12, 4)
    assert first.flops + second.flops == plan.tuning.flops
    assert study.plan(tmp_path).tuning.finished == 20
    assert json.loads(events.to_json(rounds[0]))["event"] == "tuning_started"


def test_a_stopped_tuning_goes_on_to_the_same_bits(folder, results, tmp_path):
    def stop(event: events.Event) -> None:
        if isinstance(event, events.StackFinished):
            raise KeyboardInterrupt

    study = Study.load(folder[0] / "tuned.json")
    with pytest.raises(KeyboardInterrupt):
        study.run(tmp_path, on_event=stop)
    registered = registrations(tmp_path / "tuned")
    assert [one.after_results for one in registered.values()] == [False]
    seen: list[events.Event] = []
    again = study.run(tmp_path, on_event=seen.append)
    assert next(e for e in seen if isinstance(e, events.RunPlanned)).already > 0
    assert again.study.tuned == results.study.tuned
    assert registrations(tmp_path / "tuned") == registered
    for run in again.runs:
        other = results.run(run.network, run.seed)
        for curve, values in run.curves.items():
            if curve[1] != "seconds":
                np.testing.assert_array_equal(values, other.curves[curve])


def test_the_report_shows_sensitivity_choice_and_cost(results):
    results.report(figures=["csv", "svg"])
    text = (results.folder / "report.md").read_text(encoding="utf-8")
    chapter = text[text.index("## Tuning") :]
    assert "all with the same trials: 3 settings × 2 seeds × 20 steps" in chapter
    assert "Most sensitive" in chapter or "equally sensitive" in chapter
    assert "(999999 and 999998)" in chapter
    assert "| adam | Adam | 0.02 |" in chapter
    stem = results.folder / "figures" / "tuning-optimizer-learning-rate"
    with stem.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    lost = [row for row in rows if row["value"] == "1e+30"]
    assert all(row["diverged"] == "2" and row["chosen"] == "False" for row in lost)
    assert stem.with_suffix(".svg").stat().st_size > 2000
    assert "One learning rate an optimizer" not in text


def test_the_trials_are_exported_tidily(folder):
    where, _ = folder
    done = mlplab_here("export", "runs/tuned", "--tuning", "trials.csv", cwd=where)
    assert done.returncode == 0, done.stderr
    with (where / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "study", "network", "trial", "setting", "value", "round", "seed", "step", "metric", "score",
        "status", "chosen", "training_flops", "seconds",
    ]  # fmt: skip
    assert len(rows) == 12
    chosen = {(row["network"], row["value"]) for row in rows if row["chosen"] == "True"}
    study = open_results(where / "runs" / "tuned").study
    assert chosen == {
        (name, str(network.optimizer.learning_rate)) for name, network in study.networks.items()
    }
    diverged = [row for row in rows if row["status"] == "diverged"]
    assert {row["value"] for row in diverged} == {"1e+30"}
    assert all(row["score"] == "" for row in diverged)


def test_the_trials_are_a_results_folder_of_their_own(folder):
    where, _ = folder
    status = mlplab_here("status", "runs/tuned/tuning", cwd=where)
    assert "12 of 12 networks × seeds of tuned tuning finished" in status.stdout
