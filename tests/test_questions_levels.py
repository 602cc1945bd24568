"""One network against a fixed number: verdicts, sentences, figure, and how often it is wrong."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from mlplab.analysis.questions.answers import answer, answers_about
from mlplab.analysis.questions.export import verdicts_json
from mlplab.analysis.questions.finite_rows import counted_fraction
from mlplab.analysis.questions.judging import judge
from mlplab.analysis.questions.pilot import sample_size_of
from mlplab.analysis.questions.sentence import limits, wording_of
from mlplab.declarations.metric import FinalMetric, OpenSetMetric
from mlplab.declarations.question import LevelQuestion
from mlplab.figures.effects import effect_figure
from simulated_questions import ACCURACY, pair, results
from test_questions_verdicts import measured

NINES = OpenSetMetric(open_set="9_taken_for_4")
AREA = OpenSetMetric(open_set="auroc", detector="softmax")
EIGHT = (0.83, 0.81, 0.85, 0.82, 0.84, 0.80, 0.86, 0.83)
"""Mean 0.83."""


def level(expect="greater", than=0.5, metric=NINES, **changes) -> LevelQuestion:
    return LevelQuestion(ask="?", level_of="a", than=than, expect=expect, metric=metric, **changes)


def judged(question, values, alpha=0.05):
    return judge(question, measured(np.asarray(values, dtype=float)[:, None]), alpha)


@pytest.mark.parametrize(
    ("question", "values", "verdict"),
    [
        (level("greater"), EIGHT, "supported"),
        (level("less"), EIGHT, "refuted"),
        (level("less", than=0.9), EIGHT, "supported"),
        (level("greater", than=0.9), EIGHT, "refuted"),
        (level("greater", than=0.83), EIGHT, "inconclusive"),
        (level("greater", than=0.83, within=0.05), EIGHT, "same"),
        (level("same", than=0.83, within=0.05), EIGHT, "same"),
        (level("same", than=0.5, within=0.05), EIGHT, "refuted"),
        (level("same", than=0.82, within=0.01), EIGHT, "inconclusive"),
        (level("greater"), EIGHT[:5], "undecidable"),
        (level("greater"), [0.5] * 8, "inconclusive"),
        (level("same", within=0.01), [0.5] * 8, "same"),
        (level("greater"), [-math.inf] * 8, "refuted"),
    ],
)
def test_verdicts(question, values, verdict):
    assert judged(question, values).verdict == verdict


def test_the_test_is_that_of_the_differences_from_the_number():
    """SciPy flips the signs of the same differences, all 2⁸ of them."""
    differences = np.array([0.53, 0.49, 0.55, 0.46, 0.52, 0.51, 0.58, 0.50]) - 0.5
    reference = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    found = judged(level(), differences + 0.5)
    assert found.p_value == pytest.approx(reference.pvalue)
    assert found.effect == pytest.approx(differences.mean())
    assert found.test == "sign-flip"


@pytest.mark.parametrize(
    ("question", "values", "start", "holds"),
    [
        (level(), EIGHT, "Yes: on average the fraction of 9 taken for 4 of a is 83.00%, which is above "
         "50% (95% interval 81.", ("; 8 seeds, exact sign-flip test, p = 0.0078 for a mean above 50%).",)),
        (level("less"), EIGHT, "No, the opposite: on average", ("83.00%, which is above 50%",)),
        (level("less", than=0.9), EIGHT, "Yes: on average", ("83.00%, which is below 90%",)),
        (level("greater", than=0.9), EIGHT, "No, the opposite: on average", ("is below 90%",)),
        (level(than=0.83), EIGHT, "Not decided: on average",
         ("83.00%, and the interval does not exclude 83% itself",)),
        (level("same", than=0.83, within=0.05), EIGHT, "Yes: on average",
         ("83.00%, less than 5.00 points from 83%",)),
        (level("same", within=0.05), EIGHT, "No: on average", ("more than 5.00 points from 50%",)),
        (level("same", than=0.822, within=0.01), EIGHT, "Not decided: on average",
         ("the interval holds less and more than 1.00 points from 82.2%", "would probably")),
        (level(than=0.83, within=0.05), EIGHT, "No, neither way: on average", ("from 83%",)),
        (level(), [0.5] * 8, "Not decided: the fraction of 9 taken for 4 of a is 50% in every seed",
         ("does not exclude 50% itself; no number of seeds would decide if all are like these (",
          "(95% interval 50.00% to 50.00%")),
        (level(), [0.8], "Undecidable with 1 seed:", ("What was seen: on average the fraction", "80.00%")),
        (level(), EIGHT[:5], "Undecidable with 5 seeds:", ("6 seeds could",)),
        (level(), [-math.inf] * 8, "No: a mostly diverges (", ("without a finite limit",)),
        (level(metric=ACCURACY, than=0.82999), EIGHT, "Not decided:", ("83.000%", "82.999% itself")),
        (level(metric=AREA, than=0.8), EIGHT, "Yes: on average the AUROC by softmax of a is 0.830,",
         ("which is above 0.8 (",)),
        (level(metric=FinalMetric(final="loss"), than=0.9, expect="less"), EIGHT,
         "Yes: on average the final test loss of a is 0.830, which is below 0.9", ()),
        (level(than=0.99), [0.991, 0.999, 0.995, 0.998, 0.997, 0.992, 0.9999, 1.0, 1.0, 1.0],
         "Yes: on average", ("which is above 99%", " to 99.")),
    ],
)  # fmt: skip
def test_sentences(question, values, start, holds):
    said = wording_of(question, judged(question, values)).sentence
    assert said.startswith(start), said
    for part in holds:
        assert part in said, said
    assert said.endswith(".")
    assert "paired" not in said
    assert "nan" not in said


def test_no_seed_is_no_answer():
    question = level()
    finding = judge(question, measured(np.empty((0, 1))), 0.05)
    assert wording_of(question, finding).sentence == (
        "No answer yet: no seed is finished and tested for a."
    )


@pytest.mark.parametrize("n", [6, 10])
@pytest.mark.parametrize("kind", ["normal", "heavy", "discrete"])
def test_false_verdicts_stay_at_their_level(kind, n):
    """Values that lie evenly about the number: any verdict of a side is false. 5% in all."""
    rng = np.random.default_rng([11, n, len(kind)])
    draw = {
        "normal": lambda: rng.normal(size=n),
        "heavy": lambda: rng.standard_t(2, size=n),
        "discrete": lambda: rng.integers(-2, 3, size=n).astype(float),
    }[kind]
    repeats = 200
    false = sum(
        judged(level(metric=FinalMetric(final="loss")), 0.5 + 0.01 * draw()).verdict
        in ("supported", "refuted")
        for _ in range(repeats)
    )
    assert false / repeats <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / repeats)


def answered(values, *questions):
    found = results({"a": values, "b": [0.5] * len(values)}, questions)
    return found, answer(found, questions, {})


def test_a_level_is_exported_drawn_and_foreseen():
    question = level(metric=ACCURACY)
    _, (found,) = answered(EIGHT, question)
    (exported,) = json.loads(verdicts_json([found]))
    assert exported["than"] == 0.5
    assert exported["effect"] == pytest.approx(0.33)
    assert exported["interval"][0] == pytest.approx(found.finding.low)
    assert exported["networks"] == ["a"]
    assert exported["audit"] == ["One network, held against a number: there is nothing to compare."]
    figure = effect_figure(found, "level")
    values = figure.table.set_index("kind")["value"]
    assert values["effect"] == pytest.approx(83)
    assert sorted(values["seed"]) == pytest.approx(sorted(100 * v for v in EIGHT))
    assert "Upright line: the number asked about" in figure.caption
    rules = [layer["data"]["values"] for layer in figure.specification["layer"] if "data" in layer]
    assert "at\n50\n" in rules
    assert sample_size_of(found).wanted.likely == 6
    assert "the number asked about" in found.method.what


def test_comparing_two_networks_tells_what_was_asked_of_either():
    asked = level(metric=ACCURACY)
    found, _ = answered(EIGHT, asked)
    usual, own = answers_about(found, "a", "b")
    assert usual.question.compare == ("a", "b")
    assert own.question == asked
    both = pair("greater")
    found, _ = answered(EIGHT, asked, both)
    assert [a.question for a in answers_about(found, "a", "b")] == [asked, both]


@pytest.mark.parametrize("values", [[1.0] * 7 + [0.97], [0.0] * 7 + [0.03]])
def test_the_interval_of_a_fraction_stays_between_0_and_1(values):
    question = level(than=0.5, metric=FinalMetric(final="accuracy"))
    values = np.asarray(values)
    rows = counted_fraction(values, 73, "73 test rows")
    found = judge(question, measured(values[:, None]), 0.05, rows)
    low, high = limits(question, found)
    assert 0 <= low < values.mean() < high <= 1
