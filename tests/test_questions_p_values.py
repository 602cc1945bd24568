"""The p-value beside a verdict: that of what the verdict says, and never at odds with it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlplab.analysis.questions.answers import answer
from mlplab.analysis.questions.export import verdicts_json
from mlplab.analysis.questions.finding import FALSE_VERDICTS, corrected
from mlplab.analysis.questions.hypothesis import Hypothesis
from mlplab.analysis.questions.judging import judge
from mlplab.analysis.questions.sentence import wording_of
from mlplab.analysis.questions.shift import LogRankShifts
from mlplab.report.chapters.questions import chapter
from mlplab.report.context import Context
from mlplab.report.document import Table
from mlplab.words import p_value
from simulated_questions import pair, ranking, results, trend
from test_questions_levels import level
from test_questions_verdicts import EIGHT, STEPS, measured, of_differences

ALPHA = 0.05


def one_sided(differences, alternative):
    """By SciPy, all 2ⁿ sign patterns: that the mean is greater, or less, than 0."""
    return stats.permutation_test(
        (np.asarray(differences),), np.mean, permutation_type="samples", n_resamples=np.inf,
        alternative=alternative,
    ).pvalue  # fmt: skip


@pytest.mark.parametrize(
    ("question", "says", "bound", "side"),
    [
        (pair("greater", by_at_least=0.005), "above", 0.005, "greater"),
        (pair("greater", by_at_least=0.02), "below", 0.02, "less"),
        (pair("greater", by_at_least=0.0105), "above", 0.0105, "greater"),
        (pair("greater", by_at_least=0.012), "above", 0.012, "greater"),
        (pair("less", by_at_least=0.005), "above", -0.005, "greater"),
        (pair("less"), "above", 0, "greater"),
    ],
)
def test_of_one_bound_it_is_the_test_of_that_side(question, says, bound, side):
    found = of_differences(question, EIGHT)
    assert found.speaks_for == Hypothesis(says, bound)
    expected = 2 * one_sided(np.array(EIGHT) - bound, side)
    assert found.p_value == pytest.approx(min(1, expected))


def test_of_sameness_it_is_the_larger_of_both_one_sided_tests():
    for question in (
        pair("same", within=0.012),
        pair("same", within=0.015),
        pair("greater", by_at_least=0.0135, within=0.015),
    ):
        found = of_differences(question, EIGHT)
        w = question.within
        assert found.speaks_for == Hypothesis("within", w)
        assert found.test == "equivalence"
        both = (one_sided(np.array(EIGHT) + w, "greater"), one_sided(np.array(EIGHT) - w, "less"))
        assert found.p_value == pytest.approx(2 * max(both))


def test_of_refuted_sameness_it_is_the_test_beyond_the_margin():
    """The demo told "refuted" with p = 1, which was that of sameness."""
    for turned in (1, -1):
        found = of_differences(pair("same", within=0.005), turned * np.array(EIGHT))
        assert (found.verdict, found.test) == ("refuted", "sign-flip")
        assert found.speaks_for == Hypothesis("beyond", 0.005)
        assert found.p_value == pytest.approx(2 * one_sided(np.array(EIGHT) - 0.005, "greater"))


def test_of_trends_it_is_that_of_the_direction_told():
    rising = np.array([[1.0, 2, 3]] * 4)
    for expect in ("increasing", "decreasing"):
        found = judge(trend(expect), measured(rising), ALPHA)
        assert found.speaks_for == Hypothesis("rising")
        assert found.p_value == pytest.approx(2 / 6**4)
    mixed = np.array([[1.0, 2, 3], [1, 2, 3], [3, 2, 1], [2, 3, 1]])
    up = judge(trend("increasing"), measured(mixed), ALPHA)
    assert (up.verdict, up.speaks_for) == ("inconclusive", Hypothesis("rising"))
    assert up.p_value == pytest.approx(
        min(1, 2 * stats.page_trend_test(mixed, method="exact").pvalue)
    )


MARGINS = st.sampled_from([0.0, 0.002, 0.005])
WIDTHS = st.none() | st.sampled_from([0.001, 0.003, 0.006])
EXPECT = st.sampled_from(["greater", "less", "same"])


def asked(expect, margin, within, **changes):
    if expect == "same":
        return pair("same", within=within or 0.004, **changes)
    return pair(expect, by_at_least=margin, within=within, **changes)


def assert_agrees(found, alpha=ALPHA):
    decided = found.verdict in ("supported", "refuted", "same")
    assert decided == (found.p_value <= alpha * (1 + 1e-9)), found
    says, bound = found.speaks_for.says, found.speaks_for.bound
    if not decided or found.effect is None or says in ("rising", "falling"):
        return
    assert {
        "above": found.low > bound,
        "below": found.high < bound,
        "within": -bound < found.low <= found.high < bound,
        "beyond": found.low > bound or found.high < -bound,
    }[says]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(-6, 8), min_size=1, max_size=11), EXPECT, MARGINS, WIDTHS)
def test_it_is_small_exactly_where_a_pair_is_decided(counts, expect, margin, within):
    assert_agrees(of_differences(asked(expect, margin, within), np.array(counts) / 1000))
    worst = np.where(np.array(counts) == -6, -math.inf, 0.9 + np.array(counts) / 1000)
    values = measured(np.stack([worst, np.full(len(counts), 0.9)], 1))
    assert_agrees(judge(asked(expect, margin, within), values, ALPHA))
    number = level(expect, than=0.9, within=within or (0.004 if expect == "same" else None))
    assert_agrees(judge(number, measured(worst[:, None]), ALPHA))


TIMES = st.lists(
    st.tuples(*[st.sampled_from([100.0, 200.0, 300.0, 400.0, 500.0, math.inf])] * 2),
    min_size=5,
    max_size=9,
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(TIMES, EXPECT, st.sampled_from([0.0, 50.0, 100.0, 200.0]),
       st.none() | st.sampled_from([100.0, 150.0, 350.0]))  # fmt: skip
def test_it_is_small_exactly_where_times_are_decided(times, expect, margin, within):
    within = within or (150.0 if expect == "same" else None)
    question = asked(expect, margin, within, metric=STEPS)
    assert_agrees(judge(question, measured(np.array(times)), ALPHA))


@pytest.mark.slow
def test_where_the_log_rank_test_comes_and_goes_no_p_value_contradicts_the_interval():
    """In many data its p-value does not fall evenly with the shift; each bound is asked alone."""
    rng = np.random.default_rng(4)
    uneven = 0
    for _ in range(60):
        first, second = rng.integers(1, 9, (2, 8)) * 100.0
        first[rng.random(8) < 0.2] = math.inf
        seen = []
        for bound in np.arange(-800.0, 801.0, 50.0):
            shifts = LogRankShifts(first, second, 0.95, (bound,))
            low, high = shifts.interval
            assert (low > bound) == (shifts.above(bound) <= 0.025 * (1 + 1e-9))
            assert (high < bound) == (shifts.below(bound) <= 0.025 * (1 + 1e-9))
            seen.append(shifts._test(bound).p_later)
        uneven += (np.diff(seen) < -1e-12).any()
    assert uneven > 5


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=8),
    st.sampled_from(["increasing", "decreasing"]),
)
def test_it_is_small_exactly_where_a_trend_or_a_ranking_is_decided(rows, expect):
    values = measured(np.array(rows, dtype=float))
    assert_agrees(judge(trend(expect), values, ALPHA))
    assert_agrees(judge(ranking("a", "b", "c"), values, ALPHA))


@pytest.mark.parametrize(
    ("question", "values", "words"),
    [
        (pair("greater"), EIGHT, "exact sign-flip test, p = 0.0078 for a difference above 0)."),
        (pair("greater", by_at_least=0.02), EIGHT, "p = 0.0078 for a difference below +2.00 points)."),
        (pair("less", by_at_least=0.005), [-d for d in EIGHT],
         "p = 0.0078 for a difference below −0.50 points)."),
        (pair("same", within=0.015), EIGHT,
         "two one-sided exact sign-flip tests, p = 0.0078 for a difference within ±1.50 points)."),
        (pair("same", within=0.005), EIGHT, "p = 0.0078 for a difference beyond ±0.50 points)."),
    ],
)  # fmt: skip
def test_the_sentence_names_what_it_is_of(question, values, words):
    found = of_differences(question, values)
    assert words in wording_of(question, found).sentence
    several = wording_of(question, found, 3).sentence
    assert "corrected p = 0.023 for a difference" in several
    assert "simultaneous 95% interval over 3 questions" in several


def test_of_levels_trends_and_rankings_too():
    numbers = [0.83, 0.81, 0.85, 0.82, 0.84, 0.80, 0.86, 0.83]
    for question, words in (
        (level("less", than=0.9), "for a mean below 90%)."),
        (level("same", than=0.83, within=0.05), "for a mean within 5.00 points of 83%)."),
        (level("same", than=0.5, within=0.05), "for a mean beyond 5.00 points from 50%)."),
    ):
        found = judge(question, measured(np.array(numbers)[:, None]), ALPHA)
        assert words in wording_of(question, found).sentence
    rising = measured(np.array([[1.0, 2, 3]] * 4))
    falls = trend("decreasing")
    said = wording_of(falls, judge(falls, rising, ALPHA)).sentence
    assert "p = 0.0015 for a rise along them" in said
    order = ranking("a", "b", "c")
    assert "for any difference" in wording_of(order, judge(order, rising, ALPHA)).sentence


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0504, "p = 0.0504"),
        (0.05, "p = 0.05"),
        (0.0496, "p = 0.05"),
        (0.0500003, "p = 0.0500003"),
    ],
)
def test_it_is_never_rounded_across_the_level(p, words):
    assert p_value(p) == words


def test_it_is_corrected_as_the_interval_is_wherever_it_is_shown():
    """p = 2/2⁸ of each of ten questions is 0.078 together: the level is out of reach."""
    finals = {"a": 0.9 + np.array(EIGHT), "b": [0.9] * 8, "c": [0.9, 0.92] * 4}
    for questions in ((pair(), pair("same", within=0.005)), (pair(),) * 10):
        found = results(finals, questions)
        answers = answer(found, questions, {})
        rows = json.loads(verdicts_json(answers))
        (table,) = [b for b in chapter(Context(found)).blocks if isinstance(b, Table)]
        place = [c.title for c in table.columns].index("p")
        for one, row, shown in zip(answers, rows, table.rows, strict=True):
            decided = one.finding.verdict in ("supported", "refuted", "same")
            assert decided == (one.p_value <= FALSE_VERDICTS)
            assert row["p_value"] == one.p_value == corrected(one.finding.p_value, len(questions))
            assert row["p_value_speaks_for"] == shown[place - 1] == one.tested
            assert p_value(one.p_value) == f"p = {shown[place]}"
    said = answers[0].sentence
    assert "could not have reached p ≤ 0.05 once corrected for 10 questions" in said
