"""From paired values to a finding: which test decides, its interval, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlplab.analysis.questions.effects import (
    Effect,
    effect_of_splits,
    effect_of_times,
    effect_of_values,
)
from mlplab.analysis.questions.finding import Finding, Ranking, TestName
from mlplab.analysis.questions.finite_rows import CountedRows, RowsPart
from mlplab.analysis.questions.hypothesis import Hypothesis, decided_hypothesis, p_value_of
from mlplab.analysis.questions.sample_size import TOO_FEW_ROWS, number_or_reason
from mlplab.analysis.questions.values import MetricValues, is_better_higher
from mlplab.declarations.metric import Metric, target_of
from mlplab.declarations.question import (
    LevelQuestion,
    PairQuestion,
    Question,
    RankingQuestion,
    TrendQuestion,
)
from mlplab.declarations.resampling import Resampling
from mlplab.declarations.seeds_needed import seeds_of_pair, seeds_of_ranking, seeds_of_trend
from mlplab.statistics.critical_difference import PairTest, PairwiseTests, cliques, pairwise_tests
from mlplab.statistics.friedman import friedman_test
from mlplab.statistics.page import page_test
from mlplab.statistics.sign_flip import draws_for_level, smallest_p
from mlplab.statistics.verdict_rules import (
    Verdict,
    decide_comparison,
    decide_direction,
    decide_that_they_differ,
)


def judge(
    question: Question,
    measured: MetricValues,
    alpha: float,
    rows: RowsPart | None = None,
    *,
    foresee: bool = True,
    resampling: Resampling | None = None,
) -> Finding:
    """Answer one question at a level that is corrected for all that are asked.

    alpha: the chance of a false verdict that this question may take, two-sided. rows: what the
    rows leave open; counted where they are a second sample. foresee: whether to find how many
    seeds would decide. resampling: where each seed is a repetition with rows of its own.
    """
    whole = measured.values[~np.isnan(measured.values).any(axis=1)]
    if resampling is not None:
        return _judge_splits(question, whole, alpha, resampling)
    counted = rows if isinstance(rows, CountedRows) else None
    finding = _judged(question, whole, alpha, counted)
    if counted is not None and finding.test in ("sign-flip", "equivalence"):
        finding = replace(finding, counts_rows=True)
    if finding.verdict != "inconclusive":
        return finding
    if counted is not None and _rows_leave_open(question, finding, counted, alpha):
        return replace(finding, why_no_number=TOO_FEW_ROWS.format(rows=counted.rows))
    if not foresee:
        return finding
    needed, why = number_or_reason(question, finding, whole)
    return replace(finding, seeds_needed=needed, why_no_number=why)


def _judge_splits(
    question: Question, values: np.ndarray, alpha: float, resampling: Resampling
) -> Finding:
    """A pair, or a level, over repeated splits; checks refuse other questions."""
    if isinstance(question, PairQuestion):
        second = values[:, 1]
    else:
        assert isinstance(question, LevelQuestion)
        second = np.full(len(values), question.than)
    effect = effect_of_splits(values[:, 0], second, resampling.test_over_train, alpha)
    finding = _compared(question, effect, len(values), alpha, fewest=2)
    if finding.verdict != "inconclusive":
        return finding
    why = "repetitions of one set of data tell ever less; only more data decide"
    return replace(finding, why_no_number=why)


def _rows_leave_open(question: Question, finding: Finding, rows: CountedRows, alpha: float) -> bool:
    """Whether the rows alone hold both answers, so that no number of seeds decides."""
    if not isinstance(question, PairQuestion | LevelQuestion) or finding.effect_is != "mean":
        return False
    assert finding.effect is not None
    low, high = rows.limits(finding.effect, alpha / 2)
    return _decide(question, low, high) == "inconclusive"


def _judged(
    question: Question, values: np.ndarray, alpha: float, rows: CountedRows | None
) -> Finding:
    match question:
        case TrendQuestion():
            return _judge_trend(question, values, alpha)
        case RankingQuestion():
            return _judge_ranking(question, values, alpha)
        case PairQuestion():
            bounds = [(-1 if question.expect == "less" else 1) * question.by_at_least]
            if question.within is not None:
                bounds += [-question.within, question.within]
            first, second = values[:, 0], values[:, 1]
            effect = effect_of(question.metric, first, second, bounds, alpha, rows)
        case LevelQuestion():
            # The values less the number are judged as a pair's differences are.
            number = np.full(len(values), question.than)
            effect = effect_of_values(values[:, 0], number, alpha, rows)
            if rows is not None:  # a fraction of rows: no mean of it is below 0 or above 1
                low, high = max(effect.low, -question.than), min(effect.high, 1 - question.than)
                effect = replace(effect, low=low, high=high)
    return _compared(question, effect, len(values), alpha)


def effect_of(
    metric: Metric,
    first: np.ndarray,
    second: np.ndarray,
    bounds: Sequence[float],
    alpha: float,
    rows: CountedRows | None = None,
) -> Effect:
    """The effect of one pair, by the test that suits the metric.

    first, second: (seed,); bounds: the differences that it is held against.
    """
    if target_of(metric) is None:
        return effect_of_values(first, second, alpha, rows)
    return effect_of_times(first, second, bounds, alpha)


def _compared(
    question: PairQuestion | LevelQuestion,
    effect: Effect,
    seeds: int,
    alpha: float,
    fewest: int | None = None,
) -> Finding:
    fewest = seeds_of_pair(alpha) if fewest is None else fewest
    verdict = _decide(question, effect.low, effect.high, seeds, fewest)
    tested = decided_hypothesis(question.expect, verdict, question.by_at_least, question.within)
    both = effect.test == "sign-flip" and tested.says == "within"
    test: TestName = "equivalence" if both else effect.test

    def p_of(verdict: Verdict) -> float:
        says = decided_hypothesis(question.expect, verdict, question.by_at_least, question.within)
        return p_value_of(says, effect.above, effect.below)

    could_come: tuple[Verdict, ...] = ("supported", "refuted")
    if question.within is not None:
        could_come = (*could_come, "same")
    found = _finding(verdict, effect, test, (tested, p_of(verdict)), seeds, fewest, alpha)
    return replace(found, claims=lambda: tuple(map(p_of, could_come)))


def _decide(
    question: PairQuestion | LevelQuestion, low: float, high: float, seeds: int = 1, fewest: int = 1
) -> Verdict:
    return decide_comparison(
        question.expect,
        low=low,
        high=high,
        seeds=seeds,
        fewest_seeds=fewest,
        by_at_least=question.by_at_least,
        within=question.within,
    )


def _finding(
    verdict: Verdict,
    effect: Effect | None,
    test: TestName,
    tested: tuple[Hypothesis, float],
    seeds: int,
    fewest: int,
    alpha: float,
    ranking: Ranking | None = None,
) -> Finding:
    return Finding(
        verdict=verdict,
        seeds=seeds,
        fewest=fewest,
        seeds_needed=fewest if verdict == "undecidable" else None,
        level=1 - alpha,
        p_value=tested[1],
        speaks_for=tested[0],
        test=test,
        effect=effect.effect if effect else None,
        low=effect.low if effect else -math.inf,
        high=effect.high if effect else math.inf,
        effect_is=effect.effect_is if effect else "mean",
        differences=effect.differences if effect else None,
        ranking=ranking,
    )


def _judge_trend(question: TrendQuestion, values: np.ndarray, alpha: float) -> Finding:
    """Page decides; the last less the first is told beside it."""
    tested = page_test(values, draws=draws_for_level(alpha))
    fewest = seeds_of_trend(alpha, values.shape[1])
    verdict = decide_direction(
        question.expect,
        p_up=tested.p_increasing,
        p_down=tested.p_decreasing,
        seeds=len(values),
        fewest_seeds=fewest,
        alpha=alpha,
    )
    ends = effect_of(question.metric, values[:, -1], values[:, 0], (0.0,), alpha)
    rises = (question.expect == "increasing") != (verdict == "refuted")
    up, down = (min(1.0, 2 * p) for p in (tested.p_increasing, tested.p_decreasing))
    speaks_for = Hypothesis("rising" if rises else "falling"), up if rises else down
    found = _finding(verdict, ends, "page", speaks_for, len(values), fewest, alpha)
    return replace(found, claims=lambda: (up, down))


def _judge_ranking(question: RankingQuestion, values: np.ndarray, alpha: float) -> Finding:
    higher = is_better_higher(question.metric)
    tested = friedman_test(values, higher_is_better=higher, level=alpha)
    count = values.shape[1]
    fewest = seeds_of_ranking(alpha, count)
    verdict = decide_that_they_differ(
        p_value=tested.p_value, seeds=tested.n, fewest_seeds=fewest, alpha=alpha
    )
    pairs = _pairs(values, alpha, tested.p_value)
    ranks = np.nan_to_num(tested.average_ranks, nan=(count + 1) / 2)
    order = np.argsort(ranks, kind="stable")
    bars = cliques(ranks, pairs.separated(alpha)) if pairs else ()
    ranking = Ranking(
        networks=tuple(question.arms[i] for i in order),
        average_ranks=tuple(float(ranks[i]) for i in order),
        cliques=tuple(tuple(question.arms[i] for i in bar) for bar in bars),
        pairs=pairs,
    )
    speaks_for = Hypothesis("different"), tested.p_value
    found = _finding(verdict, None, "friedman", speaks_for, tested.n, fewest, alpha, ranking)
    return replace(found, claims=lambda: (tested.p_value,))


def _pairs(values: np.ndarray, alpha: float, p_overall: float) -> PairwiseTests | None:
    """All pairs, or None where Holm's first step cannot be reached: then no pair could be."""
    n, count = values.shape
    first_step = alpha / (count * (count - 1) / 2)
    draws = draws_for_level(first_step)
    if n == 0 or smallest_p(n, draws=draws) > first_step * (1 + 1e-9):
        return None
    test: PairTest = "sign_flip" if np.isfinite(values).all() else "wilcoxon"
    return pairwise_tests(values, test=test, draws=draws).gated(p_overall)
