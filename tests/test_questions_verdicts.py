"""Verdicts from known values, and the share of false ones where nothing differs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplab.analysis.questions.answers import answer
from mlplab.analysis.questions.export import verdicts_json
from mlplab.analysis.questions.judging import judge
from mlplab.analysis.questions.shift import LogRankShifts
from mlplab.analysis.questions.values import MetricValues
from mlplab.declarations.metric import TARGETS, StepsToMetric
from mlplab.statistics.logrank import log_rank_test
from mlplab.statistics.page import page_test
from mlplab.statistics.trend_power import seeds_for_trend_about
from simulated_questions import pair, ranking, results, run, trend

EIGHT = (0.010, 0.011, 0.012, 0.009, 0.008, 0.013, 0.010, 0.011)
"""Differences whose 95% sign-flip interval lies within 0.008 and 0.013."""
STEPS = StepsToMetric(steps_to=TARGETS["accuracy"](accuracy=0.9))


def measured(values) -> MetricValues:
    values = np.asarray(values, dtype=float)
    n, count = values.shape
    diverged = np.zeros(values.shape, dtype=bool)
    return MetricValues(tuple("abcdefgh"[:count]), tuple(range(n)), values, diverged, 0)


def of_differences(question, differences, alpha=0.05):
    differences = np.asarray(differences, dtype=float)
    return judge(question, measured(np.stack([0.9 + differences, 0 * differences + 0.9], 1)), alpha)


@pytest.mark.parametrize(
    ("question", "differences", "verdict"),
    [
        (pair("greater"), EIGHT, "supported"),
        (pair("less"), EIGHT, "refuted"),
        (pair("less"), [-d for d in EIGHT], "supported"),
        (pair("greater", by_at_least=0.005), EIGHT, "supported"),
        (pair("greater", by_at_least=0.0105), EIGHT, "inconclusive"),
        (pair("greater", by_at_least=0.02), EIGHT, "refuted"),
        (pair("less", by_at_least=0.02), [-d for d in EIGHT], "refuted"),
        (pair("greater", by_at_least=0.012, within=0.015), EIGHT, "same"),
        (pair("same", within=0.015), EIGHT, "same"),
        (pair("same", within=0.005), EIGHT, "refuted"),
        (pair("same", within=0.0105), EIGHT, "inconclusive"),
        (pair("greater"), [0.01, -0.01] * 4, "inconclusive"),
        (pair("greater"), [0.0] * 8, "inconclusive"),
        (pair("same", within=1e-6), [0.0] * 8, "same"),
        # Five seeds give p = 2/32 at best.
        (pair("greater"), [0.5] * 5, "undecidable"),
        (pair("same", within=0.9), [0.5] * 5, "undecidable"),
        (pair("greater"), [0.5] * 6, "supported"),
    ],
)
def test_verdicts_of_pairs(question, differences, verdict):
    found = of_differences(question, differences)
    assert found.verdict == verdict
    assert found.low <= found.effect + 1e-12
    assert found.effect <= found.high + 1e-12


def test_many_questions_need_more_seeds():
    """Ten questions: level 0.005, which 2/2⁸ does not reach and 2/2⁹ does."""
    question = pair("greater")
    few = of_differences(question, [0.5] * 8, alpha=0.005)
    assert (few.verdict, few.seeds_needed, few.fewest) == ("undecidable", 9, 9)
    assert of_differences(question, [0.5] * 9, alpha=0.005).verdict == "supported"


def test_inconclusive_tells_how_many_seeds_would_probably_decide():
    """An effect of half a standard deviation takes about (1.96 + 0.84)²/0.25 ≈ 31 seeds, by t 33 or 34."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=10)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    found = of_differences(pair("greater"), 0.01 * (0.5 + noise))
    assert found.verdict == "inconclusive"
    assert 31 <= found.seeds_needed <= 36


def test_trends_follow_page():
    rising = np.array([[1.0, 2, 3]] * 4) + np.random.default_rng(1).normal(0, 0.01, (4, 3))
    assert judge(trend("increasing"), measured(rising), 0.05).verdict == "supported"
    assert judge(trend("decreasing"), measured(rising), 0.05).verdict == "refuted"
    assert judge(trend("increasing"), measured(rising), 0.05).effect == pytest.approx(2, abs=0.05)
    # (1/6)² = 0.028 > 0.025, (1/6)³ suffices.
    found = judge(trend("increasing"), measured(rising[:2]), 0.05)
    assert (found.verdict, found.seeds_needed) == ("undecidable", 3)
    mixed = np.array([[1.0, 2, 3], [3, 2, 1], [2, 1, 3], [2, 3, 1]])
    assert judge(trend("increasing"), measured(mixed), 0.05).verdict == "inconclusive"


def test_times_that_never_come_rank_last():
    never = np.array([[300.0, 100], [math.inf, 100], [400, 200], [math.inf, 100],
                      [500, 200], [math.inf, 300], [math.inf, 100], [600, 200]])  # fmt: skip
    found = judge(pair("greater", metric=STEPS), measured(never), 0.05)
    assert found.verdict == "supported"
    assert found.test == "log-rank"
    assert found.effect_is == "median"
    assert judge(pair("less", metric=STEPS), measured(never), 0.05).verdict == "refuted"
    hopeless = np.array([[math.inf, math.inf]] * 8)
    found = judge(pair("less", metric=STEPS), measured(hopeless), 0.05)
    assert found.verdict == "inconclusive"
    assert math.isnan(found.effect)


def test_diverged_runs_count_as_worst():
    values = np.full((8, 2), 0.9)
    values[:, 1] = -math.inf
    found = judge(pair("greater"), measured(values), 0.05)
    assert (found.verdict, found.test) == ("supported", "sign")
    values[:2, 1] = 0.95
    assert judge(pair("greater"), measured(values), 0.05).verdict == "inconclusive"


def test_rankings_tell_the_best_and_the_pairs():
    rng = np.random.default_rng(2)
    values = np.array([0.9, 0.95, 0.9, 0.8]) + rng.normal(0, 0.002, (12, 4))
    found = judge(ranking("a", "b", "c", "d"), measured(values), 0.05)
    assert found.verdict == "supported"
    assert found.ranking.networks[0] == "b"
    assert found.ranking.networks[-1] == "d"
    assert {frozenset(bar) for bar in found.ranking.cliques} == {frozenset("ac")}
    assert found.effect is None


def test_the_seeds_that_a_trend_needs_agree_with_simulated_power():
    """80% power, give or take what the central limit theorem and 4,000 blocks leave open."""
    for means, std in (((0.0, 1.0, 2.0), 2.0), ((0.0, 0.2, 0.2, 0.5), 0.5)):
        n = seeds_for_trend_about(np.array(means), std, alpha=0.05)
        tables = np.random.default_rng(n).normal(means, std, size=(600, n, len(means)))
        power = np.mean([page_test(table).p_increasing <= 0.025 for table in tables])
        assert power == pytest.approx(0.8, abs=0.09)
    assert seeds_for_trend_about(np.array([1.0, 1.0, 1.0]), 1.0, alpha=0.05) is None
    assert seeds_for_trend_about(np.array([2.0, 1.0, 0.0]), 1.0, alpha=0.05) is None


TIMES = st.lists(
    st.tuples(*[st.sampled_from([100.0, 200.0, 300.0, 400.0, math.inf])] * 2),
    min_size=6,
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(TIMES)
def test_the_shift_interval_never_contradicts_the_log_rank_test(times):
    first, second = np.array(times).T
    low, high = LogRankShifts(first, second, 0.9).interval
    test = log_rank_test(first, second)
    assert (low > 0) == (test.p_later <= 0.05 + 1e-9)
    assert (high < 0) == (test.p_earlier <= 0.05 + 1e-9)
    swapped = LogRankShifts(second, first, 0.9).interval
    assert swapped == (pytest.approx(-high), pytest.approx(-low))


def _exchangeable(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    """(seed, network) values of four networks that are alike within every seed."""
    if kind == "tied":
        return rng.integers(0, 3, (n, 4)) / 10
    if kind == "skewed":
        return rng.exponential(size=(n, 1)) + rng.exponential(size=(n, 4)) ** 2
    times = 100 * rng.integers(1, 12, (n, 4)).astype(float)
    return np.where(times > 800, math.inf, times)


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("kind", ["tied", "skewed", "censored"])
@pytest.mark.slow
def test_false_verdicts_stay_at_their_level(kind, n):
    """Any verdict that finds a difference is false here; 5% in all, and three standard errors."""
    rng = np.random.default_rng([7, n])
    metric = {"metric": STEPS} if kind == "censored" else {}
    asked = (pair("greater", **metric), trend("increasing", **metric))
    repeats, false = 150, [0, 0, 0]
    for _ in range(repeats):
        values = measured(_exchangeable(rng, kind, n))
        two, three = measured(values.values[:, :2]), measured(values.values[:, :3])
        found = [judge(asked[0], two, 0.05), judge(asked[1], three, 0.05)]
        found.append(judge(ranking("a", "b", "c", "d", **metric), values, 0.05))
        for place, one in enumerate(found):
            false[place] += one.verdict in ("supported", "refuted")
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / repeats)
    assert max(false) / repeats <= most
    if n == 3:
        assert false[0] == 0


@pytest.mark.parametrize("n", [6, 10])
def test_false_verdicts_of_margins_stay_at_their_level(n):
    """At the margin itself: more than δ is false, and so is sameness within w."""
    rng = np.random.default_rng([9, n])
    repeats = 200
    beyond = same = 0
    for _ in range(repeats):
        differences = 0.01 + 0.004 * rng.standard_t(3, size=n)
        beyond += of_differences(pair(by_at_least=0.01), differences).verdict == "supported"
        same += of_differences(pair("same", within=0.01), differences).verdict == "same"
    most = 0.025 + 3 * math.sqrt(0.025 * 0.975 / repeats)
    assert beyond / repeats <= most
    assert same / repeats <= most


def test_verdicts_for_programs():
    finals = {"a": [0.95, 0.96] * 4, "b": [0.9, 0.91] * 4, "c": [0.8, 0.8] * 4}
    questions = (pair(), trend("decreasing"), ranking("a", "b", "c"))
    found = results(finals, questions)
    exported = json.loads(verdicts_json(answer(found, questions, {})))
    assert [one["verdict"] for one in exported] == ["supported"] * 3
    first = exported[0]
    assert first["effect"] == pytest.approx(0.05)
    assert first["interval"][0] <= first["effect"] <= first["interval"][1]
    assert first["interval"][0] > 0
    assert first["seeds"] == 8
    assert first["registered"] is False
    # Of three questions that share the level.
    assert first["p_value"] == pytest.approx(3 * 2 / 2**8)
    assert isinstance(first["audit"], list)
    assert exported[2]["average_ranks"] == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert exported[2]["effect"] is None


def test_infinite_limits_survive_the_export():
    curve = {"a": [0.5, 0.5], "b": [0.95, 0.95]}
    finals = {"a": [0.5] * 8, "b": [0.95] * 8}
    question = pair("greater", metric=STEPS)
    found = results(finals, (question,))
    runs = tuple(run(n, s, values) for n, values in curve.items() for s in range(8))
    found = type(found)(found.study, runs, (), found.environment)
    exported = json.loads(verdicts_json(answer(found, (question,), {})))[0]
    assert exported["verdict"] == "supported"
    assert exported["interval"] == [math.inf, math.inf]
