"""Questions judged at more and more seeds: by the first that suffice, and never otherwise again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlplab.analysis.questions.answers import answer, answer_questions
from mlplab.analysis.questions.export import verdicts_json
from mlplab.declarations.until_decided import UntilDecided
from mlplab.figures.evidence import evidence_figure
from mlplab.records.questions import LookMade, Registration, question_digest
from mlplab.until_decided import run_in_rounds
from simulated_questions import pair, ranking, results, run, trend

RNG = np.random.default_rng(0)
HIGH, LOW = 0.9 + 0.01 * RNG.random(100), 0.5 + 0.01 * RNG.random(100)
SAME = 0.7 + 0.01 * RNG.random(100)


def in_rounds(finals, *questions, at_least=10, at_most=100):
    found = results(finals, questions)
    until = UntilDecided(until_decided=True, at_least=at_least, at_most=at_most)
    return replace(found, study=replace(found.study, until_decided=until))


def the_answer(finals, question, **limits):
    return answer_questions(in_rounds(finals, question, **limits))[0]


def test_the_first_look_that_decides_is_the_last():
    turned = np.concatenate([HIGH[:10], LOW[10:40]])

    found = the_answer({"a": turned, "b": SAME[:40]}, pair("greater"))

    assert (found.verdict, found.seeds, found.looks.state) == ("supported", 10, "decided")
    assert found.effect == pytest.approx((turned - SAME[:40])[:10].mean())


def test_seeds_between_two_looks_change_nothing():
    numbers = {"a": SAME[:50], "b": SAME[50:]}
    at_14, at_19 = (
        the_answer({k: v[:n] for k, v in numbers.items()}, pair("greater")) for n in (14, 19)
    )

    assert at_14.looks.made == at_19.looks.made
    assert at_14.interval == at_19.interval
    assert at_19.looks.path[-1].seeds == 14


def test_too_few_seeds_for_a_look_have_no_verdict():
    found = the_answer({"a": HIGH[:9], "b": LOW[:9]}, pair("greater"))

    assert found.verdict == "undecidable"
    assert found.looks.next_seeds == 10
    assert found.looks.made == ()


def test_the_looks_so_far_do_not_depend_on_the_most():
    numbers = {"a": SAME[:40], "b": SAME[50:90]}
    few, many = (the_answer(numbers, pair("greater"), at_most=most) for most in (57, 5_000))

    assert few.looks.made == many.looks.made


def test_levels_of_all_looks_stay_within_that_of_the_question():
    found = the_answer({"a": SAME[:50], "b": SAME[50:]}, pair("greater"))

    assert len(found.looks.made) == 5
    assert sum(look.level for look in found.looks.made) < 0.05
    assert found.p_value == pytest.approx(
        min(1, found.finding.p_value / found.finding.fraction), rel=1e-9
    )
    assert found.looks.width_ratio > 1.2


@pytest.mark.parametrize("question", [trend(), ranking("a", "b", "c")])
def test_trends_and_rankings_stop_too(question):
    found = the_answer({"a": LOW[:40], "b": SAME[:40], "c": HIGH[:40]}, question)

    assert (found.verdict, found.seeds) == ("supported", 10)


def test_what_so_many_seeds_would_hardly_decide_gets_no_more():
    rng = np.random.default_rng(2)
    numbers = {"a": 0.7 + 0.01 * rng.random(20), "b": 0.7 + 0.01 * rng.random(20)}

    given_up = the_answer(numbers, pair("greater"), at_most=28)

    assert given_up.looks.state == "not worth it"
    assert any("28 would decide is below 10%" in caveat for caveat in given_up.caveats)
    assert the_answer(numbers, pair("greater"), at_most=20).looks.state == "at most"


def test_an_equal_margin_is_decided_as_the_same():
    found = the_answer({"a": SAME[:40], "b": SAME[50:90]}, pair("greater", within=0.02))

    assert (found.verdict, found.looks.state, found.seeds) == ("same", "decided", 10)


def test_what_earlier_runs_looked_at_in_another_way_counts():
    question = pair("greater")
    known = in_rounds({"a": SAME[:20], "b": SAME[50:70]}, question)
    digest = question_digest(question, known.study)

    def level(*looks):
        asked = {digest: Registration("2026-01-01", False, 10, looks)}
        found = answer(known, (question,), asked)[0]
        told = [caveat for caveat in found.caveats if "Earlier runs" in caveat]
        return found.looks.level_with(looks), bool(told)

    own = LookMade(10, 0.05 / 4)
    assert level(own) == (pytest.approx(0.05), False), "its own looks are paid for already"
    assert level(own, LookMade(12, 0.0005)) == (pytest.approx(0.05), False), "some level is left"
    assert level(LookMade(10, 0.05))[0] == pytest.approx(0.05 + 0.05 * (1 - 3 / 11))
    assert level(LookMade(10, 0.05))[1]


def test_programs_get_every_look_and_the_figure_draws_them():
    found = the_answer({"a": SAME[:30], "b": SAME[50:80]}, pair("greater"))
    figure = evidence_figure(found, "path")

    assert '"seeds": 14,' in verdicts_json([found])
    assert list(figure.table["seeds"]) == [10, 14, 20, 28]
    assert (figure.table["low"] < figure.table["high"]).all()
    assert "times as wide" in figure.caption
    assert (
        evidence_figure(answer_questions(results({"a": SAME, "b": LOW}, [pair()]))[0], "x") is None
    )


def test_a_round_goes_where_it_decides_most_a_second(tmp_path):
    """Two pairs of the same numbers, of which one takes a hundred times as long to train."""
    questions = (pair("greater"), pair("greater", compare=("c", "d")))
    numbers = {"a": SAME[:20], "b": SAME[50:70], "c": SAME[:20], "d": SAME[50:70]}
    declared = in_rounds({k: v[:10] for k, v in numbers.items()}, *questions, at_most=20)
    trained = []

    def train(study):
        trained.append({name: len(one.seeds) for name, one in study.networks.items()})
        runs = [
            run(name, seed, [numbers[name][seed]], seconds=100.0 if name in "cd" else 1.0)
            for name, one in study.networks.items()
            for seed in one.seeds
        ]
        return replace(declared, study=study, runs=tuple(runs))

    run_in_rounds(declared.study, tmp_path, train)

    assert trained[:2] == [
        {"a": 10, "b": 10, "c": 10, "d": 10},
        {"a": 14, "b": 14, "c": 10, "d": 10},
    ]
    assert trained[-1] == dict.fromkeys("abcd", 14), "more are not worth it for either"


def test_a_question_whose_network_fails_gets_no_more_seeds(tmp_path):
    declared = in_rounds({"a": SAME[:10], "b": SAME[50:60]}, pair("greater"), at_most=40)
    trained = []

    def train(study):
        trained.append(len(study.networks["a"].seeds))
        return replace(declared, study=study, missing=(("b", 9),), runs=declared.runs[:-1])

    run_in_rounds(declared.study, tmp_path, train)

    assert trained == [10]
