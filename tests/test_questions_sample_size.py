"""An open question names a number of seeds, or says why not; and the number keeps its promise."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from mlplab.analysis.questions.answers import answer
from mlplab.analysis.questions.export import verdicts_json
from mlplab.analysis.questions.judging import judge
from mlplab.analysis.questions.pilot import sample_size_of
from mlplab.analysis.questions.sample_size import ALL_ALIKE, ONE_SEED, TOO_MANY, seeds_to_decide
from mlplab.analysis.questions.sentence import wording_of
from mlplab.statistics.power import seeds_for_ranking
from simulated_questions import pair, ranking, results, trend
from test_questions_levels import level
from test_questions_verdicts import STEPS, measured

INF = math.inf
LATE = [[600, 300], [INF, 400], [300, 500], [700, 600], [INF, 500], [400, 500], [800, 300],
        [500, 400]]  # fmt: skip
"""Steps of which the first two never come: a is later, but not surely (p = 0.08)."""
RANKED = [[200, 300, INF], [300, 200, 400], [200, 400, 300], [300, 400, INF], [400, 200, 300]]
RISING = [[200, 300, 400], [300, 200, INF], [400, 300, 300], [200, 400, 300], [300, 300, INF]]
DIVERGED = [[0.9, -INF], [0.9, 0.8], [0.7, 0.8], [0.9, -INF], [0.9, 0.7], [0.8, 0.6], [0.8, 0.9],
            [0.9, -INF]]  # fmt: skip

OPEN = [
    (pair("greater", metric=STEPS), LATE),
    (pair("same", metric=STEPS, within=700), LATE),
    (ranking("a", "b", "c", metric=STEPS), RANKED),
    (ranking("a", "b", "c"), [[0.3, 0.1, 0.2], [0.3, 0.2, 0.1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]),
    (trend("increasing", metric=STEPS), RISING),
    (pair("greater"), DIVERGED),
    (level(than=0.5), [[0.6], [-INF], [0.7], [0.8], [0.9], [0.7], [0.8], [0.4]]),
]


@pytest.mark.parametrize(("question", "values"), OPEN)
def test_what_is_open_names_a_number(question, values):
    found = judge(question, measured(values), 0.05)
    assert found.verdict == "inconclusive"
    assert found.seeds_needed > len(values)
    assert found.why_no_number == ""
    said = wording_of(question, found).sentence
    assert f"; about {found.seeds_needed:,} seeds would probably decide" in said
    cautious = seeds_to_decide(question, found, np.array(values), cautious=True)
    assert cautious is None or cautious >= seeds_to_decide(question, found, np.array(values))


def more_like(values, n, rng):
    """Seeds like those at hand: normal about their means, or drawn from them where some are
    infinite, as the numbers assume."""
    if not np.isfinite(values).all():
        return values[rng.integers(0, len(values), n)]
    rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    std = math.sqrt((rest**2).sum() / ((len(values) - 1) * (values.shape[1] - 1)))
    return rng.normal(values.mean(axis=0), std, (n, values.shape[1]))


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 2, 3, 5])
def test_with_that_many_seeds_about_80_percent_decide(place):
    """100 samples have a standard error of 4%, and the numbers are about."""
    question, values = OPEN[place]
    n = judge(question, measured(values), 0.05).seeds_needed
    rng = np.random.default_rng(place)
    samples = (more_like(np.array(values), n, rng) for _ in range(100))
    verdicts = [judge(question, measured(sample), 0.05).verdict for sample in samples]
    share = np.mean([v in ("supported", "refuted") for v in verdicts])
    assert share == pytest.approx(0.8, abs=0.15)


@pytest.mark.parametrize(
    ("question", "values", "reason"),
    [
        (pair("less", metric=STEPS), [[INF, INF]] * 8, ALL_ALIKE),
        (pair("greater"), [[0.9, 0.9]] * 8, ALL_ALIKE),
        (level(than=0.5), [[0.5]] * 8, ALL_ALIKE),
        (ranking("a", "b", "c"), [[0.9, 0.9, 0.9]] * 8, ALL_ALIKE),
        (trend("increasing"), [[0.9, 0.9, 0.9]] * 8, ALL_ALIKE),
        (pair("greater"), [[0.9, 0.8], [0.8, 0.9]] * 4, TOO_MANY),
        (pair("greater", metric=STEPS), [[INF, 200], [200, INF]] * 4, TOO_MANY),
        (ranking("a", "b", "c"), [[0.9, 0.8, 0.7], [0.8, 0.7, 0.9], [0.7, 0.9, 0.8]] * 3, TOO_MANY),
        (trend("increasing", along=tuple("abcde")), [[0.1, 0.3, 0.2, 0.5, 0.4]], ONE_SEED),
    ],
)
def test_or_says_why_none_is_named(question, values, reason):
    found = judge(question, measured(values), 0.05)
    assert (found.verdict, found.seeds_needed) == ("inconclusive", None)
    assert found.why_no_number == reason
    assert f"; {reason}" in wording_of(question, found).sentence


def test_what_is_decided_names_neither():
    found = judge(pair("greater"), measured([[0.9, 0.8]] * 8), 0.05)
    assert (found.verdict, found.seeds_needed, found.why_no_number) == ("supported", None, "")


def test_more_seeds_are_named_than_are_at_hand():
    """An effect of 1.8 standard deviations takes six seeds, but these six have just not decided."""
    values = np.array([[0.9, 0.9 - d] for d in (0.010, 0.020, 0.015, 0.025, 0.020, -0.001)])
    question = pair("greater")
    found = judge(question, measured(values), 0.05)
    assert seeds_to_decide(question, found, values) <= 6
    assert (found.verdict, found.seeds_needed) == ("inconclusive", 7)


def test_plan_and_verdict_name_the_same_number():
    finals = {"a": [0.91, 0.94, 0.9, 0.93, 0.92, 0.9, 0.95, 0.9],
              "b": [0.9, 0.95, 0.9, 0.91, 0.93, 0.9, 0.92, 0.88],
              "c": [0.92, 0.9, 0.93, 0.9, 0.94, 0.91, 0.9, 0.93]}  # fmt: skip
    questions = (pair(), trend(), ranking("a", "b", "c"))
    for one in answer(results(finals, questions), questions, {}):
        assert one.finding.verdict == "inconclusive"
        likely = sample_size_of(one).wanted.likely
        assert one.finding.seeds_needed == (likely if likely is None else max(likely, 9))


def test_programs_are_told_the_reason():
    finals = {"a": [0.9] * 8, "b": [0.9] * 8}
    questions = (pair(),)
    (exported,) = json.loads(verdicts_json(answer(results(finals, questions), questions, {})))
    assert (exported["seeds_needed"], exported["why_no_number"]) == (None, ALL_ALIKE)


@pytest.mark.parametrize(
    ("question", "values", "alpha"),
    [
        # 5,000 questions: beyond 20 seeds the 100,000 patterns of old reach 2/100,000 only.
        (pair("greater"), [[0.9, 0.8]] * 22, 1e-5),
        (pair("greater", metric=STEPS), [[300, 100]] * 22, 1e-5),
        # 1,000 questions: 10,000 orders of eight networks reach 1/10,000 only.
        (ranking(*"abcdefgh"), [np.arange(8) / 10] * 12, 5e-5),
    ],
)
def test_strict_levels_are_within_reach_of_drawn_patterns(question, values, alpha):
    assert judge(question, measured(values), alpha).verdict == "supported"


def test_pairs_are_told_apart_beyond_20_seeds_at_a_strict_level():
    """28 pairs of 200 questions: Holm's first step is at 0.9 of 100,000."""
    values = measured([np.arange(8) / 10] * 22)
    found = judge(ranking(*"abcdefgh"), values, 0.05 / 200)
    assert len(found.ranking.cliques) == 0
    assert (found.ranking.pairs.adjusted <= 0.05 / 200).all()


def test_ties_leave_less_to_chance_in_rankings():
    """One of three arrives: the ranks vary by 3/4 of what they would, so 3/4 of the seeds do."""
    values = np.array([[INF, INF, 100]] * 4 + [[100, INF, INF]] * 2 + [[INF, 100, INF]] * 2)
    question = ranking("a", "b", "c", metric=STEPS)
    spread = ((stats.rankdata(values, axis=1).mean(axis=0) - 2) ** 2).sum()
    found = seeds_to_decide(question, judge(question, measured(values), 0.05), values)
    assert found == pytest.approx(0.75 * seeds_for_ranking(spread, 3), abs=1)
