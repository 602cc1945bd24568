"""Intervals of means against SciPy and by hand."""

import numpy as np
import pytest
from scipy import stats

from mlplab.statistics.intervals import t_interval
from mlplab.words import with_interval, with_limits


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
    assert one.std == 1.0
    assert one.high - 2.0 == pytest.approx(2.484138, abs=1e-6)


def test_missing_values_are_left_out():
    x = np.array([[1.0, 1.0, np.nan], [2.0, np.nan, np.nan], [3.0, np.nan, np.nan]])
    omitted = t_interval(x)
    assert omitted.n.tolist() == [3, 1, 0]
    np.testing.assert_array_equal(omitted.mean, [2.0, 1.0, np.nan])
    assert np.isnan(omitted.low[1:]).all()
    assert np.isnan(omitted.std[1])


def test_an_infinite_value_leaves_no_limits():
    diverged = t_interval([0.1, np.inf, 0.2])
    assert np.isinf(diverged.mean)
    assert np.isnan(diverged.low)
    assert np.isnan(diverged.high)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_impossible_levels_are_refused(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        t_interval([1.0, 2.0], level=level)


def test_limits_are_cut_where_no_value_can_lie() -> None:
    whole, cut = t_interval([0.5, 0.6]), t_interval([0.5, 0.6], bounds=(0, 1))
    assert whole.low < 0 < 1 < whole.high
    assert (cut.low, cut.high, cut.mean) == (0, 1, whole.mean)
    assert with_interval(whole) == "0.5500 (0.0000 to 1.0000)"
    assert with_interval(whole, "loss") == "0.5500 (0.0000 to 1.1853)"
    assert with_interval(cut) == with_interval(whole)
    assert with_interval(t_interval([0.5, 0.501])) == "0.5005 ± 0.0064"
    assert with_limits(t_interval([0.99, 1.0]), 3, (0, 1)) == "0.995 (0.931 to 1.000)"
    assert with_interval(t_interval([-3.0, -1.0])).startswith("−2.0000 ±")
