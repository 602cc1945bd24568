"""The pairs of a ranking: adjusted p-values beside SciPy's and hand-worked ones, and their table."""

from __future__ import annotations

import json
import math
from itertools import combinations, permutations

import numpy as np
import pytest
from scipy import stats

from mlplab.analysis.questions.answers import answer
from mlplab.analysis.questions.export import verdicts_json
from mlplab.analysis.questions.pairs import ranked_pairs
from mlplab.declarations.metric import TARGETS, StepsToMetric
from mlplab.report import html, markdown
from mlplab.report.chapters.questions import chapter
from mlplab.report.context import Context
from mlplab.report.document import Details, Table
from simulated_questions import pair, ranking, results, run

# Eight seeds. a beats b in every one; c is above both in half of them and below both in the others.
NEVER_SURE = {
    "a": [0.92, 0.93, 0.92, 0.93, 0.92, 0.93, 0.92, 0.93],
    "b": [0.90, 0.91, 0.91, 0.91, 0.90, 0.91, 0.90, 0.92],
    "c": [0.95, 0.96, 0.95, 0.96, 0.85, 0.86, 0.85, 0.86],
}
# c is worst in every seed; a and b take turns.
ONE_IS_WORST = {
    "a": [0.92, 0.90, 0.93, 0.91, 0.92, 0.94, 0.90, 0.93],
    "b": [0.91, 0.93, 0.90, 0.92, 0.91, 0.95, 0.93, 0.90],
    "c": [0.80, 0.81, 0.79, 0.82, 0.80, 0.83, 0.78, 0.81],
}


def friedman_p(values):
    """Every order of every seed's three ranks, the first seed's held fixed."""
    ranks = stats.rankdata(-values, axis=1)
    sums = ranks[:1]
    for row in ranks[1:]:
        orders = np.array(list(permutations(row)))
        sums = (sums[:, None] + orders).reshape(-1, 3)
    squares, seen = (sums**2).sum(axis=1), (ranks.sum(axis=0) ** 2).sum()
    return float(np.mean(squares >= seen - 1e-9))


def adjusted_by_hand(values, questions):
    """Holm's steps over SciPy's exact tests, then Friedman's, then the questions.

    Of whole points: SciPy takes sums that are equal but for rounding as different.
    """
    p = {
        names: stats.permutation_test(
            (np.rint(100 * (values[:, names[0]] - values[:, names[1]])),), np.mean,
            permutation_type="samples", n_resamples=np.inf,
        ).pvalue
        for names in combinations(range(3), 2)
    }  # fmt: skip
    adjusted, largest = {}, 0.0
    for place, names in enumerate(sorted(p, key=p.get)):
        largest = max(largest, (3 - place) * p[names])
        adjusted[names] = min(1.0, questions * max(largest, friedman_p(values)))
    return adjusted


@pytest.mark.parametrize("finals", [NEVER_SURE, ONE_IS_WORST])
@pytest.mark.parametrize("beside", [(), (pair(),)])
def test_adjusted_p_values_are_those_of_an_independent_computation(finals, beside):
    questions = (ranking("a", "b", "c"), *beside)
    found = ranked_pairs(answer(results(finals, questions), questions, {})[0])
    values = np.array(list(finals.values())).T
    expected = adjusted_by_hand(values, len(questions))
    assert len(found) == 3
    for one in found:
        names = tuple(sorted(("abc".index(one.first), "abc".index(one.second))))
        assert one.p_value == pytest.approx(expected[names])
        difference = np.subtract(finals[one.first], finals[one.second])
        assert one.effect == pytest.approx(difference.mean())
        assert one.low <= one.effect <= one.high
        assert one.is_told_apart == (one.p_value <= 0.05)
        assert one.average_ranks[0] <= one.average_ranks[1]


def test_by_hand():
    """c is worst in all 8 seeds: p = 2/2⁸ of both its pairs, and Holm's first step makes it ·3."""
    question = ranking("a", "b", "c")
    found = ranked_pairs(answer(results(ONE_IS_WORST, (question,)), (question,), {})[0])
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    # a is first in 4 seeds and second in 4, and so is b.
    assert [one.average_ranks for one in found] == [(1.5, 1.5), (1.5, 3.0), (1.5, 3.0)]
    assert [one.is_told_apart for one in found] == [False, True, True]
    assert [one.p_value for one in found[1:]] == pytest.approx([3 * 2 / 2**8] * 2)
    # Two of 2⁸ sign patterns may lie outside on either side, as 2·2/2⁸ ≤ 0.05/3 < 2·3/2⁸: the
    # limits are the second least and the second largest mean of a subset of seeds. a less c is 9
    # points in two seeds, and 14 in one; next come this one and another of 12 points together.
    assert (found[1].low, found[1].high) == pytest.approx((0.09, 0.13))


def test_no_pair_is_told_apart_where_friedmans_test_finds_nothing():
    """a beats b in every seed, p = 2/2⁸·3 by Holm, but mean ranks of 1.5, 2 and 2.5 are chance."""
    question = ranking("a", "b", "c")
    one = answer(results(NEVER_SURE, (question,)), (question,), {})[0]
    assert one.finding.verdict == "inconclusive"
    assert one.finding.ranking.pairs.p_values.min() * 3 < 0.05 < one.p_value
    assert not any(found.is_told_apart for found in ranked_pairs(one))
    assert all(found.p_value >= one.p_value for found in ranked_pairs(one))
    # And the diagram says the same: one bar joins them all.
    assert one.finding.ranking.cliques == (("a", "c", "b"),)


def test_they_stand_in_the_report_and_in_the_export():
    question = ranking("a", "b", "c")
    found = results(ONE_IS_WORST, (question,))
    told = chapter(Context(found))
    table = next(block for block in unfolded(told.blocks) if isinstance(block, Table))
    assert [row[:3] for row in table.rows] == [
        ("a", "b", "1.50 and 1.50"), ("a", "c", "1.50 and 3.00"), ("b", "c", "1.50 and 3.00"),
    ]  # fmt: skip
    # 11.38 points: the mean of a less that of c; 0.0234 = 3·2/2⁸.
    assert table.rows[1][3:] == ("+11.38", "+9.00 to +13.00", "0.023", "yes")
    text = markdown.document("x", [told])
    assert "| a | c | 1.50 and 3.00 | +11.38 | +9.00 to +13.00 | 0.023 | yes |" in text
    page = html.page("x", [told], {f.name: _no_drawing() for f in told.figures})
    assert "+9.00 to +13.00" in page
    exported = json.loads(verdicts_json(answer(found, (question,), {})))[0]["pairs"]
    assert [one["networks"] for one in exported] == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert [one["told_apart"] for one in exported] == [False, True, True]
    assert exported[1]["p_value"] == pytest.approx(3 * 2 / 2**8)
    assert exported[1]["interval"] == pytest.approx([0.09, 0.13])


def unfolded(blocks):
    """Every block, those that are folded away with the others."""
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from unfolded(block.blocks)


def _no_drawing():
    from mlplab.figures.drawing import Drawing

    return Drawing("<svg></svg>", "<svg></svg>", b"")


def test_many_pairs_are_folded_away():
    finals = {n: list(np.array(ONE_IS_WORST["a"] * 2) - 0.01 * i) for i, n in enumerate("abcdef")}
    question = ranking(*finals)
    blocks = unfolded(chapter(Context(results(finals, (question,)))).blocks)
    folded = next(b for b in blocks if isinstance(b, Details) and "Pair by pair" in b.summary)
    assert folded.summary == "Pair by pair: 15 of 15 are told apart"
    assert len(folded.blocks[0].rows) == 15


def test_with_few_seeds_there_are_none():
    finals = {name: values[:5] for name, values in ONE_IS_WORST.items()}
    question = ranking("a", "b", "c")
    one = answer(results(finals, (question,)), (question,), {})
    assert ranked_pairs(one[0]) == ()
    assert json.loads(verdicts_json(one))[0]["pairs"] == []


def test_times_that_never_come_have_medians():
    question = ranking(
        "a", "b", "c", metric=StepsToMetric(steps_to=TARGETS["accuracy"](accuracy=0.9))
    )
    curves = {"a": [0.95, 0.95], "b": [0.5, 0.95], "c": [0.5, 0.5]}
    found = results({name: [0.9] * 8 for name in curves}, (question,))
    runs = tuple(run(n, seed, values) for n, values in curves.items() for seed in range(8))
    found = type(found)(found.study, runs, (), found.environment)
    pairs = ranked_pairs(answer(found, (question,), {})[0])
    assert [(one.first, one.second) for one in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [one.effect for one in pairs] == [-100, -math.inf, -math.inf]
    assert {one.effect_is for one in pairs} == {"median"}
    assert [one.p_value for one in pairs] == pytest.approx([3 * 2 / 2**8] * 3)
    text = markdown.document("x", [chapter(Context(found))])
    assert "median paired difference in number of steps to 90% test accuracy" in text
    assert "Wilcoxon's signed-rank test" in text
