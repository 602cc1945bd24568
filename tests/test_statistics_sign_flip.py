"""The sign-flip test and its interval against Fisher, SciPy, Wilcoxon and enumeration by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlplab.declarations.seeds_needed import seeds_of_pair
from mlplab.statistics.sign_flip import (
    draws_for_level,
    sign_flip_interval,
    sign_flip_test,
    signed_ranks,
    smallest_p,
)

few_values = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=8)


def p_greater_by_definition(differences, shift=0.0):
    """Share of all sign patterns whose sum is at least the observed one, one pattern at a time."""
    moved = [d - shift for d in differences]
    patterns = list(product((1, -1), repeat=len(moved)))
    sums = [sum(s * d for s, d in zip(signs, moved, strict=True)) for signs in patterns]
    return sum(value >= sum(moved) - 1e-9 for value in sums) / len(patterns)


def test_fishers_maize():
    # Fisher (1935, The Design of Experiments, section 21): Darwin's 15 pairs of plants, in eighths
    # of an inch. Of 32,768 sign patterns 863 have a sum of 314 or more; both sides: 5.267%.
    differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    test = sign_flip_test(differences)
    assert test.p_greater * 2**15 == pytest.approx(863)
    assert round(100 * float(test.p_two_sided), 3) == 5.267


@given(few_values, st.sampled_from([0.0, 0.5, -1.0]))
@settings(deadline=None)
def test_p_values_are_the_share_of_sign_patterns(differences, shift):
    test = sign_flip_test(differences, shift=shift)
    mirrored = [-d for d in differences]
    assert test.p_greater == pytest.approx(p_greater_by_definition(differences, shift))
    assert test.p_less == pytest.approx(p_greater_by_definition(mirrored, -shift))
    assert test.p_two_sided == min(1.0, 2 * min(test.p_greater, test.p_less))


@pytest.mark.parametrize("n", [12, 13, 16])
def test_counting_by_halves_changes_nothing(n):
    d = np.random.default_rng(n).integers(-3, 5, size=(n, 3)).astype(float)
    every = np.array(list(product((1, -1), repeat=n))) @ d
    p = (every >= d.sum(axis=0)).mean(axis=0)
    np.testing.assert_array_equal(sign_flip_test(d).p_greater, p)


def test_agrees_with_scipy():
    d = np.random.default_rng(2).normal(0.4, 1, size=11)
    for alternative, ours in (
        ("greater", sign_flip_test(d).p_greater),
        ("less", sign_flip_test(d).p_less),
        ("two-sided", sign_flip_test(d).p_two_sided),
    ):
        theirs = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", alternative=alternative, n_resamples=np.inf
        )
        assert ours == pytest.approx(theirs.pvalue, abs=1e-12)


@given(few_values, st.sampled_from([0.6, 0.8, 0.95]))
@settings(max_examples=60, deadline=None)
def test_interval_holds_just_what_is_not_rejected(differences, level):
    interval = sign_flip_interval(differences, level=level)
    for shift in np.arange(-5, 5.01, 0.25) + 0.003:
        p = sign_flip_test(differences, shift=shift).p_two_sided
        inside = interval.low <= shift <= interval.high
        assert inside == (p > 1 - level + 1e-9), (shift, float(p))


def test_interval_by_hand():
    # n = 6 at 95%: ⌊0.025·64⌋ = 1, so the extremes of the subset means: the extreme differences.
    d = [0.3, -0.1, 0.5, 0.2, 0.4, 0.6]
    interval = sign_flip_interval(d)
    assert interval.low == pytest.approx(-0.1)
    assert interval.high == pytest.approx(0.6)
    # n = 3 at 50%: ⌊0.25·8⌋ = 2 of the means 0, 0.5, 1, 1, 1.5, 2, 2 ({0,1},{0},{1},{0,2},…):
    # of 0, 1, 2 the subset means are 0, 0.5, 1, 1, 1, 1.5, 2; second from either end: 0.5, 1.5.
    interval = sign_flip_interval([0.0, 1.0, 2.0], level=0.5)
    assert (interval.low, interval.high) == (0.5, 1.5)


def test_few_pairs_exclude_nothing():
    interval = sign_flip_interval([0.1, 0.2, 0.3, 0.4, 0.5])
    assert interval.low == -np.inf
    assert interval.high == np.inf
    assert sign_flip_test(np.ones(5)).p_two_sided == smallest_p(5) == 2 / 32


def test_beyond_20_pairs_p_is_no_smaller_than_the_drawn_patterns_allow():
    assert sign_flip_test(np.ones(40), draws=999).p_two_sided == smallest_p(40, draws=999)
    assert smallest_p(40) == smallest_p(21) == 2 / 100_000
    for alpha in (0.05, 1e-5, 2 / 2**20):
        assert smallest_p(21, draws=draws_for_level(alpha)) <= alpha
    assert draws_for_level(0.05) == 99_999


@pytest.mark.parametrize(
    ("alpha", "seeds"), [(0.05, 6), (0.05 / 7, 9), (0.5, 2), (0.0625, 5), (0.01, 8)]
)
def test_seeds_needed_for_level(alpha, seeds):
    assert seeds_of_pair(alpha) == seeds
    assert smallest_p(seeds) <= alpha < smallest_p(seeds - 1)
    assert np.isfinite(sign_flip_interval(np.arange(float(seeds)), level=1 - alpha).low)
    assert np.isinf(sign_flip_interval(np.arange(seeds - 1.0), level=1 - alpha).low)


def test_no_differences_at_all():
    test = sign_flip_test(np.zeros(10))
    assert test.p_greater == test.p_less == test.p_two_sided == 1.0
    interval = sign_flip_interval(np.zeros(10))
    assert interval.low == interval.high == 0.0


def test_equal_differences_are_tied_in_spite_of_rounding():
    # 0.9712 - 0.9702 and its like differ in their last bits; the shift 0.001 is their mean.
    d = np.array([0.9712 - 0.9702, 0.9812 - 0.9802, 0.9645 - 0.9635] * 3)
    assert sign_flip_test(d, shift=0.001).p_two_sided == 1.0


def test_columns_with_missing_pairs_are_tested_as_if_alone():
    rng = np.random.default_rng(5)
    d = rng.normal(size=(9, 4))
    d[2, 1] = d[3, 1] = d[0, 2] = np.nan
    d[:, 3] = np.nan
    together, intervals = sign_flip_test(d), sign_flip_interval(d)
    assert intervals.n.tolist() == [9, 7, 8, 0]
    for column in range(3):
        alone = d[~np.isnan(d[:, column]), column]
        assert together.p_greater[column] == sign_flip_test(alone).p_greater
        assert intervals.low[column] == sign_flip_interval(alone).low
    assert together.p_two_sided[3] == 1.0
    assert np.isinf(intervals.low[3])


def test_many_pairs_are_sampled_with_a_seed_and_agree_with_their_interval():
    d = np.random.default_rng(6).normal(0.45, 1, size=30)
    test, again, other = (sign_flip_test(d, seed=s, draws=20_000) for s in (0, 0, 1))
    assert test.p_greater == again.p_greater != other.p_greater
    # For so many pairs the t test is close.
    assert test.p_greater == pytest.approx(stats.ttest_1samp(d, 0).pvalue / 2, abs=0.003)
    interval = sign_flip_interval(d, draws=20_000)
    reference = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert interval.low == pytest.approx(reference.low, abs=0.02)
    assert interval.high == pytest.approx(reference.high, abs=0.02)
    for limit, outside in ((interval.low, -1e-6), (interval.high, 1e-6)):
        assert sign_flip_test(d, shift=limit + outside, draws=20_000).p_two_sided <= 0.05
        assert sign_flip_test(d, shift=limit - outside, draws=20_000).p_two_sided > 0.05


def test_sampled_p_is_never_zero():
    assert sign_flip_test(np.ones(40), draws=999).p_greater == pytest.approx(1 / 1000)


def test_wilcoxon_without_ties_is_that_of_scipy():
    d = np.random.default_rng(7).normal(0.5, 1, size=12)
    theirs = stats.wilcoxon(d, method="exact").pvalue
    assert sign_flip_test(signed_ranks(d)).p_two_sided == pytest.approx(theirs, abs=1e-12)


def test_signed_ranks_by_hand():
    ranks = signed_ranks([3.0, -1.0, 0.0, 1.0, np.nan, -np.inf])
    np.testing.assert_array_equal(ranks, [3.0, -1.5, 0.0, 1.5, np.nan, -4.0])


def test_infinite_differences_are_refused():
    with pytest.raises(ValueError, match="compare ranks"):
        sign_flip_test([1.0, np.inf])
