"""Seeds in rounds through real runs: for open questions only, resumed to the same, told everywhere."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from command_line import mlplab_here
from mlplab.declarations.loading import load, load_values
from mlplab.declarations.problems import BadInput
from mlplab.declarations.writing import study_values
from mlplab.records.questions import registrations
from mlplab.runner import events
from mlplab.runner.live import ask_to_stop
from mlplab.study import Study, open_results

DECLARED = {
    "name": "rounds",
    "data": {"name": "digits"},
    "optimizer": {"name": "sgd", "learning_rate": 0.1},
    "training": {"steps": 10, "batch_size": 32, "evaluate_every": 10},
    "seeds": {"until_decided": True, "at_least": 9, "at_most": 24},
    "networks": {
        "wide": {"hidden": [32]},
        "narrow": {"hidden": [2]},
        "like": {"hidden": [3]},
        "beside": {"hidden": [4]},
    },
    "questions": [
        {"ask": "Is wide better?", "compare": ["wide", "narrow"],
         "metric": {"final": "loss", "split": "test"}, "expect": "less"},
        {"ask": "Are two alike?", "compare": ["like", "narrow"],
         "metric": {"final": "loss", "split": "test"}, "expect": "same", "within": 0.1},
    ],
}  # fmt: skip


def declared(**seeds):
    return DECLARED | {"seeds": DECLARED["seeds"] | seeds}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the study was run from the command line, with what was said."""
    folder = tmp_path_factory.mktemp("rounds")
    (folder / "rounds.json").write_text(json.dumps(DECLARED))
    said = mlplab_here("run", "rounds.json", cwd=folder)
    assert said.returncode == 0, said.stderr
    return folder, said.stderr


def seeds_of(results):
    return Counter(run.network for run in results.runs)


def test_only_networks_of_open_questions_get_more_seeds(folder):
    results = open_results(folder[0] / "runs" / "rounds")
    first, second = results.answers()
    seeds = seeds_of(results)

    assert (first.verdict, first.seeds) == ("supported", 9)
    assert second.looks.state in ("at most", "decided", "not worth it")
    assert seeds["wide"] == seeds["beside"] == 9
    assert seeds["narrow"] == seeds["like"] == second.looks.path[-1].seeds > 9
    assert not results.missing


def test_rounds_are_told_and_looks_recorded(folder):
    place = folder[0] / "runs" / "rounds"
    answers = open_results(place).answers()
    recorded = Counter(len(one.looks) for one in registrations(place).values())

    assert "round 1: 1 of 2 questions open" in folder[1]
    assert recorded == Counter(len(answer.looks.made) for answer in answers)
    assert "in rounds" in (place / "report.md").read_text()


def test_the_same_again_trains_nothing(folder):
    again = mlplab_here("run", "rounds.json", cwd=folder[0])

    assert again.returncode == 0
    assert "finished already" in again.stderr


def test_a_stop_that_is_asked_for_between_rounds_is_heeded(tmp_path):
    def ask(event):
        if isinstance(event, events.RoundStarted):
            ask_to_stop(tmp_path / "rounds")

    with pytest.raises(KeyboardInterrupt):
        Study(load_values(DECLARED, tmp_path)).run(tmp_path, on_event=ask)


def test_stopped_in_any_round_it_ends_in_the_same(folder, tmp_path):
    study = Study(load_values(DECLARED, tmp_path))
    rounds = []

    def stop(event):
        rounds.append(isinstance(event, events.RoundStarted))
        if sum(rounds) and isinstance(event, events.StackFinished):
            raise KeyboardInterrupt

    for _ in range(20):
        rounds.clear()
        try:
            results = study.run(tmp_path, on_event=stop)
            break
        except KeyboardInterrupt:
            continue
    whole = open_results(folder[0] / "runs" / "rounds")

    assert seeds_of(results) == seeds_of(whole)
    assert [a.sentence for a in results.answers()] == [a.sentence for a in whole.answers()]


def test_a_fixed_number_of_seeds_goes_on_until_decided_and_its_look_counts(tmp_path):
    fixed = load_values(declared() | {"seeds": 9}, tmp_path)
    Study(fixed).run(tmp_path)

    results = Study(fixed).until_decided().run(tmp_path)
    caveats = [caveat for answer in results.answers() for caveat in answer.caveats]

    assert seeds_of(results)["like"] > 9
    assert any("Earlier runs judged it in another way" in caveat for caveat in caveats)


def test_a_resolved_study_is_read_back_as_it_is(tmp_path):
    study = load_values(DECLARED, tmp_path)
    again = load_values(study_values(study), tmp_path)

    assert again == replace(study, notes=())
    assert len(study.networks["wide"].seeds) == 9


def test_too_few_at_first_become_as_many_as_can_decide(tmp_path):
    study = load_values(declared(at_least=2), tmp_path)

    assert len(study.networks["wide"].seeds) == 9  # 2/2⁹ ≤ 0.05/2/4 < 2/2⁸
    assert load_values(DECLARED, tmp_path, seeds=3).until_decided is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": {"until_decided": False}}, "seeds.until_decided: expected true"),
        ({"seeds": {"until_decided": True, "at_most": 5}}, "the 10 seeds of"),
        ({"seeds": {"until_decided": True, "at_last": 5}}, 'did you mean "at_least"'),
        ({"seeds": {"until_decided": True, "at_least": 2, "at_most": 5}}, "at least 9 seeds"),
        ({"questions": []}, "seeds.until_decided: expected questions"),
        ({"networks": {"wide": {"hidden": [4], "seeds": 3}}, "questions": []},
         "networks.wide.seeds: expected no seeds of its own"),
        ({"tune": {"space": {"optimizer.learning_rate": [0.1, 0.2]}, "seeds": [15],
                   "steps": 5}, "data": {"name": "digits", "validation": 0.2}}, "tune.seeds"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(changes, said, tmp_path):
    with pytest.raises(BadInput, match=said.replace(".", r"\.").replace("?", r"\?")):
        load_values(DECLARED | changes, tmp_path)


def test_a_study_that_lists_seeds_cannot_be_given_more(tmp_path):
    with pytest.raises(BadInput, match="0 to N-1"):
        Study(load_values(DECLARED | {"seeds": [3, 4]}, tmp_path)).until_decided()
    with pytest.raises(BadInput, match="questions to be decided"):
        Study(load("config17", seeds=2)).until_decided()
