"""How many seeds would probably decide a question: one way for plans and for verdicts."""

from __future__ import annotations

import math

import numpy as np
from scipy import special, stats

from mlplab.analysis.questions.finding import Finding
from mlplab.declarations.question import LevelQuestion, PairQuestion, Question, TrendQuestion
from mlplab.statistics.logrank_power import Claim, seeds_for_log_rank
from mlplab.statistics.power import seeds_for_ranking, seeds_for_sign, upper_limit_of_std
from mlplab.statistics.trend_power import seeds_for_trend_about, seeds_for_trend_of_ranks
from mlplab.statistics.verdict_rules import seeds_for_comparison

FEWEST_OF_A_PILOT = 2
_TWO_SIDED_OF_80_UPPER = 0.6
"""The level of a two-sided interval of which each limit holds by itself at 80%."""

ONE_SEED = "one seed does not tell how many would decide"
ALL_ALIKE = "no number of seeds would decide if all are like these"
TOO_FEW_ROWS = "no number of seeds would decide, as {rows} leave it open"
TOO_MANY = "no affordable number of seeds would decide if the effect is what it seems"


def seeds_to_decide(
    question: Question, finding: Finding, values: np.ndarray, *, cautious: bool = False
) -> int | None:
    """About the seeds with which the question is decided with 80%, if the effect is what it seems.

    finding: of the test that decides; values: (seed ≥ 2, side) without NaN. cautious: for a
    standard deviation at its upper 80% limit (Browne, 1995). Where a run never reaches its target, or
    diverged, there is no standard deviation: the effect is then as much smaller instead, and the fraction of
    a sign test is at its lower 80% limit (Clopper and Pearson, 1934).
    None where no affordable number decides. Raises ValueError for fewer than two seeds.
    """
    match finding.test:
        case "page":
            assert isinstance(question, TrendQuestion)
            return _of_trend(question, finding, values, cautious)
        case "friedman":
            return _of_ranking(finding, values, cautious)
    assert isinstance(question, PairQuestion | LevelQuestion)
    match finding.test:
        case "log-rank":
            return _of_times(question, finding, values, cautious)
        case "sign":
            return _of_signs(question, finding, cautious)
    return _of_means(question, finding, cautious)


def cautious_in_words(finding: Finding, values: np.ndarray) -> str:
    """What the cautious number is for; arguments as in `seeds_to_decide`."""
    if finding.test == "sign":
        return "a fraction of seeds at its lower 80% limit"
    if finding.test == "page" or np.isfinite(values).all():
        return "a standard deviation at its upper 80% limit"
    return "an effect as much smaller as a standard deviation may be larger"


def number_or_reason(
    question: Question, finding: Finding, values: np.ndarray
) -> tuple[int | None, str]:
    """The seeds that would probably decide an open question, or a clause that says why none is
    named.

    More than are at hand: as many have just not decided. values: (seed, side) without NaN.
    """
    if len(values) < FEWEST_OF_A_PILOT:
        return None, ONE_SEED
    if _all_alike(question, values):
        return None, ALL_ALIKE
    needed = seeds_to_decide(question, finding, values)
    return (None, TOO_MANY) if needed is None else (max(needed, len(values) + 1), "")


def _all_alike(question: Question, values: np.ndarray) -> bool:
    number = question.than if isinstance(question, LevelQuestion) else values[:, :1]
    return bool((values == number).all())


def _wider(cautious: bool, values: int) -> float:
    """By how much a standard deviation may well be larger than so many values show."""
    return upper_limit_of_std(1.0, values) if cautious else 1.0


def _of_means(
    question: PairQuestion | LevelQuestion, finding: Finding, cautious: bool
) -> int | None:
    assert finding.effect is not None
    assert finding.differences is not None
    return seeds_for_comparison(
        question.expect,
        effect=finding.effect,
        std=float(finding.differences.std(ddof=1)) * _wider(cautious, finding.seeds),
        by_at_least=question.by_at_least,
        within=question.within,
        alpha=1 - finding.level,
        fewest=finding.fewest,
    )


def _of_times(
    question: PairQuestion | LevelQuestion, finding: Finding, values: np.ndarray, cautious: bool
) -> int | None:
    """By drawing from the seeds at hand; for the cautious number their differences lie further
    from the mean, or, where a run never arrives, some seeds speak for the other side."""
    first, second = values.T
    wider, swapped = _wider(cautious, len(values)), 0.0
    differences = finding.differences
    if differences is not None and np.isfinite(differences).all():
        first = first + (wider - 1) * (differences - differences.mean())
    else:
        swapped = (1 - 1 / wider) / 2
    bound = math.copysign(question.by_at_least, -1 if question.expect == "less" else 1)
    verdicts = [[Claim(bound, above=True)], [Claim(bound, above=False)]]
    if question.within is not None:
        w = question.within
        if question.expect == "same":
            verdicts = [[Claim(w, above=True)], [Claim(-w, above=False)]]
        verdicts.append([Claim(-w, above=True), Claim(w, above=False)])
    return seeds_for_log_rank(
        first,
        second,
        verdicts,
        alpha=1 - finding.level,
        swapped=swapped,
        fewest=finding.fewest,
    )


def _of_signs(
    question: PairQuestion | LevelQuestion, finding: Finding, cautious: bool
) -> int | None:
    """By how many seeds lie on the side that they mostly lie on, or within both margins."""
    assert finding.differences is not None
    d, w = finding.differences, question.within
    bound = math.copysign(question.by_at_least, -1 if question.expect == "less" else 1)
    counts = [] if question.expect == "same" else [(d > bound).sum(), (d < bound).sum()]
    if w is not None:
        counts.append(min((d > -w).sum(), (d < w).sum()))
        if question.expect == "same":
            counts += [(d > w).sum(), (d < -w).sum()]
    most, n = int(max(counts)), len(d)
    fraction = most / n
    if cautious:
        fraction = float(
            stats.binomtest(most, n).proportion_ci(_TWO_SIDED_OF_80_UPPER, "exact").low
        )
    return seeds_for_sign(fraction, alpha=1 - finding.level, fewest=finding.fewest)


def _of_trend(
    question: TrendQuestion, finding: Finding, values: np.ndarray, cautious: bool
) -> int | None:
    """By the direction that is seen: the opposite of what was asked is a verdict as well."""
    alpha, fewest = 1 - finding.level, finding.fewest
    n, conditions = values.shape
    blocks = stats.rankdata(values, axis=1) @ np.arange(1, conditions + 1)
    gain = float(blocks.mean()) - conditions * (conditions + 1) ** 2 / 4
    if not np.isfinite(values).all():
        std = float(blocks.std(ddof=1)) * _wider(cautious, n)
        return seeds_for_trend_of_ranks(abs(gain), std, conditions, alpha=alpha, fewest=fewest)
    means = values.mean(axis=0) * (1 if gain > 0 else -1)
    std = _residual_std(values) * _wider(cautious, (n - 1) * (conditions - 1) + 1)
    return seeds_for_trend_about(means, std, alpha=alpha, fewest=fewest)


def _of_ranking(finding: Finding, values: np.ndarray, cautious: bool) -> int | None:
    """By the ranks to be expected of normal values about these means; else by those seen."""
    n, count = values.shape
    untied = 1.0
    if np.isfinite(values).all():
        means = values.mean(axis=0)
        std = _residual_std(values) * _wider(cautious, (n - 1) * (count - 1) + 1)
        expected = stats.rankdata(means)
        if std > 0:
            gaps = (means[:, None] - means) / math.sqrt(2)
            expected = special.ndtr(gaps / std).sum(axis=1) + 0.5
        from_middle = expected - (count + 1) / 2
    else:
        seen = stats.rankdata(values, axis=1) - (count + 1) / 2
        from_middle = seen.mean(axis=0) / _wider(cautious, n)
        # Ties leave less to chance: Friedman's statistic is divided by this as well.
        untied = (seen**2).sum() / (n * count * (count**2 - 1) / 12)
    spread = float((from_middle**2).sum()) / untied if untied > 0 else 0.0
    return seeds_for_ranking(spread, count, alpha=1 - finding.level, fewest=finding.fewest)


def _residual_std(values: np.ndarray) -> float:
    """Of one value within its seed, once the means of seed and network are taken away."""
    n, count = values.shape
    residuals = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    return math.sqrt((residuals**2).sum() / ((n - 1) * (count - 1)))
