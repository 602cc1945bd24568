"""Means over overlapping splits: the corrected formula, and how often its verdicts are false."""

import math

import numpy as np
import pytest
from benchmarks.resampling_simulation import SCHEMES, false_verdicts
from scipy import stats

from mlplab.statistics.resampling import resampled_mean

VALUES = [0.02, 0.05, -0.01, 0.03, 0.04, 0.00, 0.02, 0.06, 0.01, 0.03]


def test_limits_are_those_of_nadeau_and_bengio():
    found = resampled_mean(VALUES, 0.25)
    error = math.sqrt((1 / 10 + 0.25) * np.var(VALUES, ddof=1))
    expected = stats.t(9, np.mean(VALUES), error).interval(0.95)
    assert found.limits(0.025) == pytest.approx(expected)
    assert found.p_above(0.0) == pytest.approx(stats.t(9).sf(np.mean(VALUES) / error))
    assert found.p_below(0.0) == pytest.approx(1 - found.p_above(0.0))


def test_p_values_and_limits_agree():
    found = resampled_mean(VALUES, 0.25)
    low, high = found.limits(0.01)
    assert found.p_above(low) == pytest.approx(0.01)
    assert found.p_below(high) == pytest.approx(0.01)


def test_one_split_excludes_nothing_and_equal_splits_leave_no_doubt():
    assert resampled_mean([0.1], 0.25).limits(0.025) == (-math.inf, math.inf)
    assert resampled_mean([0.1], 0.25).p_above(0) == 1
    same = resampled_mean([0.1, 0.1], 0.25)
    assert same.limits(0.025) == (0.1, 0.1)
    assert (same.p_above(0), same.p_above(0.1), same.p_below(0.2)) == (0, 1, 0)


@pytest.mark.parametrize("ratio", [0, -1, math.nan])
def test_a_ratio_that_cannot_be_is_refused(ratio):
    with pytest.raises(ValueError, match="above 0"):
        resampled_mean(VALUES, ratio)


@pytest.mark.parametrize("scheme", ["10 splits, test 0.2", "10 folds, 10 repeats"])
def test_false_verdicts_keep_the_level_where_plain_t_exceeds_it_several_times(scheme):
    sets = 250
    plain, corrected = false_verdicts(100, SCHEMES[scheme], sets)
    assert plain > 3 * 0.05
    assert corrected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / sets)
