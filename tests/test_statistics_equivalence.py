"""Equivalence: two one-sided tests against SciPy, and their agreement with intervals."""

import numpy as np
import pytest
from scipy import stats

from mlplab.statistics.equivalence import beyond_margin, two_one_sided_tests, within_margin
from mlplab.statistics.intervals import t_interval
from mlplab.statistics.sign_flip import sign_flip_interval


def test_t_version_is_two_tests_of_scipy():
    d = np.random.default_rng(0).normal(0.1, 1, size=(10, 3))
    ours = two_one_sided_tests(d, 0.8, method="t")
    np.testing.assert_allclose(
        ours.p_above, stats.ttest_1samp(d, -0.8, alternative="greater").pvalue
    )
    np.testing.assert_allclose(ours.p_below, stats.ttest_1samp(d, 0.8, alternative="less").pvalue)
    np.testing.assert_array_equal(ours.p_value, np.maximum(ours.p_above, ours.p_below))


@pytest.mark.parametrize(
    ("method", "interval"), [("t", t_interval), ("sign_flip", sign_flip_interval)]
)
def test_tests_agree_with_the_interval(method, interval):
    d = np.random.default_rng(1).normal(0.2, 0.6, size=(9, 200))
    limits = interval(d, level=0.9)
    inside = within_margin(limits.low, limits.high, 0.7)
    np.testing.assert_array_equal(two_one_sided_tests(d, 0.7, method=method).p_value < 0.05, inside)
    assert 0 < inside.sum() < 200


def test_margins_by_hand():
    low, high = [-0.1, -0.3, 0.25, 0.1, np.nan, -np.inf], [0.1, -0.25, 0.3, 0.3, np.nan, np.inf]
    assert within_margin(low, high, 0.2).tolist() == [True, False, False, False, False, False]
    assert beyond_margin(low, high, 0.2).tolist() == [False, True, True, False, False, False]


def test_equal_runs_are_equivalent_as_soon_as_there_are_enough():
    assert two_one_sided_tests(np.zeros(5), 0.01).p_value == 2.0**-5
    assert two_one_sided_tests(np.zeros(3), 0.01, method="t").p_value == 0.0
    assert two_one_sided_tests(np.zeros(1), 0.01, method="t").p_value == 1.0


def test_a_margin_is_positive():
    with pytest.raises(ValueError, match="positive"):
        within_margin(0.0, 1.0, 0.0)
