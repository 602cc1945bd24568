"""The sentences that people read: direction, units, rounding, ties, tiny n."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplab.analysis.questions.judging import judge
from mlplab.analysis.questions.sentence import wording_of
from mlplab.analysis.questions.units import phrase_of, unit_of
from mlplab.declarations import metric as m
from mlplab.words import p_value
from simulated_questions import ACCURACY, pair, ranking, trend
from test_questions_verdicts import EIGHT, STEPS, measured

LOSS = m.FinalMetric(final="loss", split="validation")
ALIKE = "the final test accuracy of a equals that of b in every seed"


def sentence(question, values, alpha=0.05, questions=1):
    return wording_of(question, judge(question, measured(values), alpha), questions).sentence


def pairs(differences, base=0.9):
    differences = np.asarray(differences, dtype=float)
    return np.stack([base + differences, np.full(len(differences), base)], 1)


@pytest.mark.parametrize(
    ("question", "values", "start", "holds"),
    [
        (pair("greater"), pairs(EIGHT), "Yes: the final test accuracy of a is 1.05 points higher",
         ("than that of b (95% interval +0.90 to +1.20 points", "8 paired seeds", "p = 0.0078")),
        (pair("less"), pairs(EIGHT), "No, the opposite: the final test accuracy of a is 1.05",
         ("points higher than that of b",)),
        (pair("less"), pairs([-d for d in EIGHT]), "Yes: the final test accuracy of a is 1.05",
         ("points lower than that of b", "−1.20 to −0.90 points")),
        (pair("greater", by_at_least=0.005), pairs(EIGHT), "Yes:",
         ("beyond the 0.50 points asked for",)),
        (pair("greater", by_at_least=0.02), pairs(EIGHT), "No: the final test accuracy of a is not",
         ("higher than that of b by as much as 2.00 points", "the difference is +1.05 points")),
        (pair("same", within=0.02), pairs(EIGHT), "Yes: the final test accuracy of a and of b",
         ("differ by less than 2.00 points; the difference is +1.05 points",)),
        (pair("same", within=0.005), pairs(EIGHT), "No: the final test accuracy of a is 1.05",
         ("beyond the 0.50 points allowed",)),
        (pair("greater", by_at_least=0.012, within=0.015), pairs(EIGHT), "No, neither way:",
         ("less than 1.50 points",)),
        (pair("greater"), pairs([0.01, -0.01] * 4), "Not decided:",
         ("does not exclude that there is no difference",)),
        (pair("greater"), pairs([0.0] * 8), f"Not decided: {ALIKE}", ("0.00 to 0.00 points",)),
        (pair("greater"), pairs([0.3]), "Undecidable with 1 seed:",
         ("6 seeds could", "30.00 points higher")),
        (pair("greater"), pairs([0.3] * 5), "Undecidable with 5 paired seeds:",
         ("p ≤ 0.05; 6 seeds could",)),
        (pair("less", metric=LOSS), pairs([-d for d in EIGHT], 0.1), "Yes: the final validation",
         ("loss of a is 0.0105 lower than that of b",)),
        (pair("greater", metric=STEPS), [[300, 100]] * 8, "Yes: the number of steps to 90% test",
         ("accuracy of a is 200 steps larger than that of b", "log-rank")),
        (pair("greater", metric=STEPS), [[math.inf, 100]] * 8, "Yes: a mostly never gets to 90%",
         ("while b does", "interval without a finite limit")),
        (pair("less", metric=STEPS), [[math.inf, math.inf]] * 8, "Not decided: in most seeds",
         ("neither a nor b",)),
        (trend("increasing"), [[0.1, 0.2, 0.3]] * 4, "Yes: the final test accuracy rises along",
         ("a → b → c", "c is 20.00 points higher than that of a", "4 paired seeds")),
        (trend("decreasing"), [[0.1, 0.2, 0.3]] * 4, "No, the opposite: the final test accuracy",
         ("rises along a → b → c",)),
        (trend("decreasing"), [[0.3, 0.2, 0.1]] * 4, "Yes: the final test accuracy falls",
         ("20.00 points lower",)),
        (ranking("a", "b", "c"), [[0.3, 0.2, 0.1]] * 8, "a: it has the best average rank in final",
         ("1.0 of 3", "told apart from every other", "3 of 3 pairs are told apart")),
        (ranking("a", "b", "c"), [[0.3, 0.2999 + 0.0002 * (i % 2), 0.1] for i in range(8)],
         "a or b: a and b share the best average rank in final test accuracy, 1.5 of 3",
         ("a is not told apart from b", "2 of 3 pairs are told apart")),
        (ranking("a", "b", "c"), [[0.3, 0.3, 0.3]] * 8, "Not decided: no difference in final test",
         ("all have the same average rank",)),
        (ranking("a", "b", "c"), [[0.3, 0.2, 0.1]], "Undecidable with 1 seed", ()),
    ],
)  # fmt: skip
def test_sentences(question, values, start, holds):
    said = sentence(question, values)
    assert said.startswith(start), said
    for part in holds:
        assert part in said, said
    assert said.endswith(".")
    assert "nan" not in said


def test_no_seed_is_no_answer():
    assert sentence(pair(), np.empty((0, 2))) == (
        "No answer yet: no seed is finished for all of a and b."
    )


def test_several_questions_are_told():
    said = sentence(pair(), pairs([0.01] * 12), alpha=0.05 / 3, questions=3)
    assert "simultaneous 95% interval over 3 questions" in said


@pytest.mark.parametrize(
    ("p", "words"),
    [(0, "p < 0.0001"), (0.00009, "p < 0.0001"), (0.0078125, "p = 0.0078"), (0.049, "p = 0.049"),
     (0.5, "p = 0.50"), (1, "p = 1"), (0.9999, "p = 1")],
)  # fmt: skip
def test_p_values(p, words):
    assert p_value(p) == words


@pytest.mark.parametrize(
    ("metric", "phrase"),
    [
        (ACCURACY, "final test accuracy"),
        (m.BestMetric(best="loss"), "best test loss"),
        (m.AtStepMetric(at_step=1000, value="accuracy"), "test accuracy at step 1,000"),
        (m.AreaMetric(area_under="accuracy"), "mean test accuracy over training"),
        (m.GapMetric(train_test_gap="loss"), "gap between training and test loss"),
        (m.DivergedMetric(share_of="diverged"), "fraction of diverged runs"),
        (m.SecondsToMetric(seconds_to=m.TARGETS["loss"](loss=0.1)), "training time to a test loss of 0.1"),
        (m.FlopsToMetric(flops_to=m.TARGETS["accuracy"](accuracy=0.955)),
         "training arithmetic to 95.5% test accuracy"),
        (m.GradientMetric(gradient_size="first", at_step=20),
         "gradient size of the first layer at step 20"),
    ],
)  # fmt: skip
def test_metrics_in_words(metric, phrase):
    assert phrase_of(metric) == phrase


@pytest.mark.parametrize(
    ("metric", "value", "amount"),
    [
        (ACCURACY, 0.0123, "1.23 points"),
        (ACCURACY, -0.0123, "1.23 points"),
        (ACCURACY, 0.01, "1.00 points"),
        (STEPS, 1.0, "1 step"),
        (STEPS, 1200.0, "1,200 steps"),
        (m.FlopsToMetric(flops_to=m.TARGETS["loss"](loss=1)), 3.2e12, "3.20 TFLOP"),
        (m.SecondsToMetric(seconds_to=m.TARGETS["loss"](loss=1)), 0.5, "0.500 seconds"),
        (LOSS, 0.0105, "0.0105"),
        (m.GradientMetric(gradient_size="first"), 3e-6, "0.00000300"),
        (STEPS, math.inf, "∞ steps"),
    ],
)
def test_amounts(metric, value, amount):
    assert unit_of(metric, [value]).amount(value) == amount


@settings(max_examples=200, deadline=None)
@given(
    st.floats(-0.5, 0.5), st.floats(0, 0.2), st.sampled_from([0.0, 0.005, 0.1]), st.floats(-1, 1)
)
def test_rounding_never_moves_a_limit_across_a_bound(middle, half, bound, nudge):
    low, high = middle - half, bound + nudge * 1e-5
    unit = unit_of(ACCURACY, (low, high), (bound,))
    shown = float(unit.signed(bound).replace("−", "-"))
    for value in (low, high):
        there = float(unit.signed(value).replace("−", "-"))
        if not math.isclose(value, bound, rel_tol=1e-6, abs_tol=1e-8):
            assert (there > shown) == (value > bound)
            assert there != shown


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-30, 30), min_size=6, max_size=9),
    st.sampled_from(["greater", "less"]),
    st.sampled_from([0.0, 0.004, 0.01]),
)
def test_what_is_said_agrees_with_the_verdict(counts, expect, margin):
    """The numbers in the sentence, read back, give its verdict again."""
    question = pair(expect, by_at_least=margin)
    found = judge(question, measured(pairs(np.array(counts) / 1000)), 0.05)
    said = wording_of(question, found).sentence
    limits = re.search(r"interval ([+−]?[\d.]+) to ([+−]?[\d.]+) points", said)
    low, high = (float(text.replace("−", "-")) / 100 for text in limits.groups())
    if expect == "less":
        low, high = -high, -low
    unit = wording_of(question, found).unit
    slack = 0.5 * unit.scale * 10.0**-unit.decimals
    if found.verdict == "supported":
        assert low > margin
    elif found.verdict == "refuted":
        assert high < margin
    else:
        assert low <= margin + slack
        assert high >= margin - slack
    word = re.search(r"points (higher|lower) than", said)
    if word and "as much as" not in said and found.effect:
        assert (word[1] == "higher") == (found.effect > 0)
