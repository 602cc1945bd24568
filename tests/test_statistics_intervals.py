"""Intervals of means and shares against SciPy, published values and their own promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlplab.statistics.intervals import (
    bootstrap_interval,
    clopper_pearson_interval,
    t_interval,
)


def test_t_interval_is_that_of_scipy():
    x = np.random.default_rng(1).normal(size=(7, 4))
    ours = t_interval(x, axis=0, level=0.9)
    theirs = stats.ttest_1samp(x, 0.0, axis=0).confidence_interval(0.9)
    np.testing.assert_allclose(ours.low, theirs.low, rtol=1e-12)
    np.testing.assert_allclose(ours.high, theirs.high, rtol=1e-12)
    np.testing.assert_allclose(t_interval(x.T, axis=1, level=0.9).low, theirs.low, rtol=1e-12)


def test_t_interval_by_hand():
    # 1, 2, 3: mean 2, s = 1, t_{2, 0.975} = 4.302653, half width 4.302653/√3 = 2.484138.
    one = t_interval([1.0, 2.0, 3.0])
    assert one.n == 3
    assert one.mean == 2.0
    assert one.deviation == 1.0
    assert one.high - 2.0 == pytest.approx(2.484138, abs=1e-6)


def test_missing_values_are_omitted_or_propagated_as_asked():
    x = np.array([[1.0, 1.0, np.nan], [2.0, np.nan, np.nan], [3.0, np.nan, np.nan]])
    omitted = t_interval(x)
    assert omitted.n.tolist() == [3, 1, 0]
    np.testing.assert_array_equal(omitted.mean, [2.0, 1.0, np.nan])
    assert np.isnan(omitted.low[1:]).all()
    assert np.isnan(omitted.deviation[1])
    propagated = t_interval(x, missing="propagate")
    np.testing.assert_array_equal(propagated.mean, [2.0, np.nan, np.nan])


def test_an_infinite_value_leaves_no_limits():
    diverged = t_interval([0.1, np.inf, 0.2])
    assert np.isinf(diverged.mean)
    assert np.isnan(diverged.low)
    assert np.isnan(diverged.high)


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None)
def test_share_intervals_are_those_of_scipy(successes, failures, level):
    trials = successes + failures
    if trials == 0:
        assert np.isnan(clopper_pearson_interval(0, 0).high)
        return
    interval = clopper_pearson_interval(successes, trials, level)
    expected = stats.binomtest(successes, trials).proportion_ci(level, method="exact")
    assert interval.low == pytest.approx(expected.low, abs=1e-9)
    assert interval.high == pytest.approx(expected.high, abs=1e-9)


def test_bootstrap_agrees_with_scipy_within_resampling_error():
    x = np.random.default_rng(3).exponential(size=(30, 2))
    ours = bootstrap_interval(x, resamples=20_000)
    for column in range(2):
        theirs = stats.bootstrap(
            (x[:, column],), np.mean, n_resamples=20_000, method="BCa", random_state=5
        ).confidence_interval
        width = theirs.high - theirs.low
        assert ours.low[column] == pytest.approx(theirs.low, abs=0.03 * width)
        assert ours.high[column] == pytest.approx(theirs.high, abs=0.03 * width)


def test_bootstrap_is_seeded_and_keeps_its_shape():
    x = np.random.default_rng(4).normal(size=(2, 25, 3))
    first, again, other = (bootstrap_interval(x, axis=1, seed=s) for s in (0, 0, 1))
    assert first.low.shape == (2, 3)
    np.testing.assert_array_equal(first.low, again.low)
    assert (first.low != other.low).any()


def test_bootstrap_refuses_few_seeds_and_missing_values():
    with pytest.raises(ValueError, match="at least 20 seeds, got 19"):
        bootstrap_interval(np.arange(19.0))
    with pytest.raises(ValueError, match="finite"):
        bootstrap_interval(np.r_[np.nan, np.arange(20.0)])


def test_bootstrap_of_equal_values_has_no_width():
    equal = bootstrap_interval(np.full(20, 0.1135))
    assert equal.low == equal.high == pytest.approx(0.1135)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_impossible_levels_are_refused(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        t_interval([1.0, 2.0], level=level)


def test_impossible_counts_are_refused():
    for successes, trials in ((5, 4), (-1, 4)):
        with pytest.raises(ValueError, match="counts"):
            clopper_pearson_interval(successes, trials)
