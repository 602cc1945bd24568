"""The permuted log-rank test against SciPy's statistic and all swaps written out."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlplab.statistics.logrank import log_rank_scores, log_rank_test, median_difference


def observed_minus_expected(first, second):
    """Arrivals of the first arm less expected, moment by moment, from the textbook's 2×2 tables."""
    total = 0.0
    for moment in sorted({t for t in (*first, *second) if np.isfinite(t)}):
        arrived = sum(t == moment for t in first)
        d = arrived + sum(t == moment for t in second)
        risk_first = sum(t >= moment for t in first)
        risk = risk_first + sum(t >= moment for t in second)
        total += arrived - d * risk_first / risk
    return total


def test_statistic_is_that_of_scipy():
    rng = np.random.default_rng(0)
    for _ in range(5):
        a, b = rng.integers(1, 15, size=(2, 12)).astype(float)
        a[rng.random(12) < 0.3] = np.inf
        numerator = log_rank_scores(np.r_[a, b])[:12].sum()
        theirs = stats.logrank(
            x=stats.CensoredData.right_censored(np.minimum(a, 99), np.isinf(a)),
            y=stats.CensoredData.right_censored(b, np.zeros(12, dtype=bool)),
        )
        # Their statistic is this numerator over its standard deviation, so the signs agree.
        assert np.sign(numerator) == np.sign(theirs.statistic)
        assert numerator == pytest.approx(observed_minus_expected(a, b), abs=1e-9)


times = st.sampled_from([1.0, 2.0, 3.0, 5.0, np.inf])


@given(st.lists(st.tuples(times, times), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_p_values_are_the_share_of_all_swaps(pairs):
    first, second = zip(*pairs, strict=True)
    ours = log_rank_test(first, second)
    observed = observed_minus_expected(first, second)
    swapped = []
    for swap in product((False, True), repeat=len(pairs)):
        turned = [(b, a) if s else (a, b) for (a, b), s in zip(pairs, swap, strict=True)]
        swapped.append(observed_minus_expected(*zip(*turned, strict=True)))
    swapped = np.array(swapped)
    assert ours.p_later == pytest.approx((swapped <= observed + 1e-9).mean())
    assert ours.p_earlier == pytest.approx((swapped >= observed - 1e-9).mean())


def test_direction():
    fast, slow = np.arange(100.0, 800, 100), np.arange(100.0, 800, 100) + 1000
    later = log_rank_test(slow, fast)
    assert later.p_later == 2.0**-7
    assert later.p_earlier == 1.0
    assert log_rank_test(fast, slow).p_earlier == 2.0**-7
    # One arm arrives, the other never does: the clearest answer there is.
    assert log_rank_test(np.full(7, np.inf), fast).p_later == 2.0**-7


def test_nobody_arrives():
    never = np.full(6, np.inf)
    test = log_rank_test(never, never)
    assert test.p_later == test.p_earlier == 1.0


def test_pairs_with_a_missing_time_are_left_out():
    test = log_rank_test([1.0, np.nan, 2.0], [2.0, 1.0, 3.0])
    assert test.n == 2
    assert test == log_rank_test([1.0, 2.0], [2.0, 3.0])


def test_many_pairs_are_sampled():
    rng = np.random.default_rng(4)
    a, b = rng.exponential(size=(2, 40))
    test = log_rank_test(a, b, draws=9_999)
    assert 2 * min(test.p_later, test.p_earlier) == pytest.approx(
        stats.logrank(a, b).pvalue, abs=0.1
    )


def test_scores_sum_to_nothing():
    scores = log_rank_scores([3.0, 1.0, np.inf, 2.0, np.inf])
    assert scores.sum() == pytest.approx(0.0, abs=1e-12)
    # At 1: 1/5; at 2: 1/4; at 3: 1/3.
    hazard = np.cumsum([1 / 5, 1 / 4, 1 / 3])
    np.testing.assert_allclose(
        scores, [1 - hazard[2], 1 - 0.2, -hazard[2], 1 - hazard[1], -hazard[2]]
    )


def test_median_difference_by_hand():
    # Differences 1…9: P(Bin(9, ½) ≤ 1) = 10/512 < 0.025 < P(≤ 2), so the second from either end.
    result = median_difference(np.arange(1.0, 10.0), np.zeros(9))
    assert (result.median, result.low, result.high) == (5.0, 2.0, 8.0)


def test_median_with_runs_that_never_arrive():
    first = [100.0, 200.0, np.inf, np.inf, 300.0, 100.0, 100.0]
    second = [50.0, 100.0, 100.0, np.inf, 100.0, 50.0, 50.0]
    # Differences 50, 100, ∞, unknown, 200, 50, 50: the unknown one is lowest or highest, and the
    # fourth of seven is 50 or 100: the median hangs on it.
    result = median_difference(first, second)
    assert np.isnan(result.median)
    assert (result.low, result.high) == (-np.inf, np.inf)
    # Without it: 50, 50, 50, 100, 200, ∞; six pairs: the extremes.
    kept = [0, 1, 2, 4, 5, 6]
    result = median_difference(np.array(first)[kept], np.array(second)[kept])
    assert (result.median, result.low, result.high) == (75.0, 50.0, np.inf)


def test_median_of_few_pairs_has_no_limits():
    result = median_difference([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    assert (result.median, result.low, result.high) == (2.0, -np.inf, np.inf)
    assert np.isnan(median_difference([], []).median)


def test_arms_of_different_length_are_refused():
    with pytest.raises(ValueError, match="one length"):
        log_rank_test([1.0, 2.0], [1.0])
