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
from mlplab.statistics import friedman, page
from mlplab.statistics.critical_difference import PairTest, PairwiseTests, cliques, pairwise_tests
from mlplab.statistics.sign_flip import draws_for_level, seeds_needed_for_level, smallest_p
from mlplab.statistics.verdict_rules import (
    Decision,
    decide_comparison,
    decide_direction,
    decide_that_they_differ,
)


def judge(
    question: Question,
    measured: MetricValues,
    alpha: float,
    rows: RowsPart | None = None,
    resampling: Resampling | None = None,
) -> Finding:
    """Answer one question at a level that is corrected for all that are asked.

    alpha: the chance of a false verdict that this question may take, two-sided. rows: what the
    rows leave open; counted where they are a second sample. resampling: where each seed is a
    repetition with rows of its own.
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
    needed, why = number_or_reason(question, finding, whole)
    return replace(finding, seeds_needed=needed, why_no_number=why)


def _judge_splits(
    question: Question, values: np.ndarray, alpha: float, resampling: Resampling
) -> Finding:
    """A pair, or a level, over repeated splits; checks refuse other questions."""
    ratio = resampling.test_over_train
    if isinstance(question, PairQuestion):
        second, margin = values[:, 1], question.by_at_least
    else:
        assert isinstance(question, LevelQuestion)
        second, margin = np.full(len(values), question.than), 0.0
    effect = effect_of_splits(values[:, 0], second, ratio, alpha)
    finding = _compared(question, effect, margin, len(values), alpha, fewest=2)
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
    margin = question.by_at_least if isinstance(question, PairQuestion) else 0.0
    decision = decide_comparison(
        question.expect,
        low=low,
        high=high,
        seeds=1,
        fewest_seeds=1,
        by_at_least=margin,
        within=question.within,
    )
    return decision.verdict == "inconclusive"


def _judged(
    question: Question, values: np.ndarray, alpha: float, rows: CountedRows | None
) -> Finding:
    match question:
        case PairQuestion():
            return _judge_pair(question, values, alpha, rows)
        case TrendQuestion():
            return _judge_trend(question, values, alpha)
        case RankingQuestion():
            return _judge_ranking(question, values, alpha)
        case LevelQuestion():
            return _judge_level(question, values, alpha, rows)


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


def _judge_pair(
    question: PairQuestion, values: np.ndarray, alpha: float, rows: CountedRows | None
) -> Finding:
    sign = -1 if question.expect == "less" else 1
    bounds = [sign * question.by_at_least]
    if question.within is not None:
        bounds += [-question.within, question.within]
    effect = effect_of(question.metric, values[:, 0], values[:, 1], bounds, alpha, rows)
    return _compared(question, effect, question.by_at_least, len(values), alpha)


def _judge_level(
    question: LevelQuestion, values: np.ndarray, alpha: float, rows: CountedRows | None
) -> Finding:
    """The values less the number are judged as a pair's differences are."""
    effect = effect_of_values(values[:, 0], np.full(len(values), question.than), alpha, rows)
    return _compared(question, effect, 0.0, len(values), alpha)


def _compared(
    question: PairQuestion | LevelQuestion,
    effect: Effect,
    by_at_least: float,
    seeds: int,
    alpha: float,
    fewest: int | None = None,
) -> Finding:
    fewest = seeds_needed_for_level(alpha) if fewest is None else fewest
    decision = decide_comparison(
        question.expect,
        low=effect.low,
        high=effect.high,
        seeds=seeds,
        fewest_seeds=fewest,
        by_at_least=by_at_least,
        within=question.within,
    )
    tested = decided_hypothesis(question.expect, decision.verdict, by_at_least, question.within)
    both = effect.test == "sign-flip" and tested.says == "within"
    return _finding(
        decision,
        effect,
        "equivalence" if both else effect.test,
        (tested, p_value_of(tested, effect.above, effect.below)),
        seeds,
        fewest,
        alpha,
    )


def _finding(
    decision: Decision,
    effect: Effect,
    test: TestName,
    tested: tuple[Hypothesis, float],
    seeds: int,
    fewest: int,
    alpha: float,
) -> Finding:
    return Finding(
        verdict=decision.verdict,
        seeds=seeds,
        fewest=fewest,
        seeds_needed=decision.seeds_needed,
        level=1 - alpha,
        p_value=tested[1],
        speaks_for=tested[0],
        test=test,
        effect=effect.effect,
        low=effect.low,
        high=effect.high,
        effect_is=effect.effect_is,
        differences=effect.differences,
    )


def _judge_trend(question: TrendQuestion, values: np.ndarray, alpha: float) -> Finding:
    """Page decides; the last less the first is told beside it."""
    conditions = values.shape[1]
    tested = page.page_test(values, draws=draws_for_level(alpha))
    fewest = page.seeds_needed_for_level(alpha / 2, conditions)
    decision = decide_direction(
        question.expect,
        p_up=tested.p_increasing,
        p_down=tested.p_decreasing,
        seeds=len(values),
        fewest_seeds=fewest,
        alpha=alpha,
    )
    ends = effect_of(question.metric, values[:, -1], values[:, 0], (0.0,), alpha)
    rises = (question.expect == "increasing") != (decision.verdict == "refuted")
    p = min(1.0, 2 * (tested.p_increasing if rises else tested.p_decreasing))
    speaks_for = Hypothesis("rising" if rises else "falling")
    return _finding(decision, ends, "page", (speaks_for, p), len(values), fewest, alpha)


def _judge_ranking(question: RankingQuestion, values: np.ndarray, alpha: float) -> Finding:
    higher = is_better_higher(question.metric)
    tested = friedman.friedman_test(values, higher_is_better=higher, level=alpha)
    count = values.shape[1]
    fewest = friedman.seeds_needed_for_level(alpha, count)
    decision = decide_that_they_differ(
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
        concordance=tested.statistic / (tested.n * (count - 1)) if tested.n else 0.0,
    )
    return Finding(
        verdict=decision.verdict,
        seeds=tested.n,
        fewest=fewest,
        seeds_needed=decision.seeds_needed,
        level=1 - alpha,
        p_value=tested.p_value,
        speaks_for=Hypothesis("different"),
        test="friedman",
        effect=None,
        low=-math.inf,
        high=math.inf,
        ranking=ranking,
    )


def _pairs(values: np.ndarray, alpha: float, p_overall: float) -> PairwiseTests | None:
    """All pairs, or None where Holm's first step cannot be reached: then no pair could be."""
    n, count = values.shape
    first_step = alpha / (count * (count - 1) / 2)
    draws = draws_for_level(first_step)
    if n == 0 or smallest_p(n, draws=draws) > first_step * (1 + 1e-9):
        return None
    test: PairTest = "sign_flip" if np.isfinite(values).all() else "wilcoxon"
    return pairwise_tests(values, test=test, draws=draws).gated(p_overall)
