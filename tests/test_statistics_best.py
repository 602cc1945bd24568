"""Comparisons with the best against Dunnett's table, hand-worked limits and simulation."""

import tracemalloc

import numpy as np
import pytest
from scipy import special

from mlplab.statistics.best import cheapest_good_enough, comparisons_with_best, dunnett_quantile


@pytest.mark.parametrize(
    ("comparisons", "freedom", "quantile"),
    [
        (1, 20, 1.72), (2, 20, 2.03), (3, 20, 2.19), (4, 20, 2.30), (5, 20, 2.39),
        (2, 5, 2.44), (3, 5, 2.68), (9, 10, 2.81),
    ],
)  # fmt: skip
def test_quantiles_of_dunnett_1955(comparisons, freedom, quantile):
    """Dunnett (1955), table 1a: one-sided, 95%."""
    assert dunnett_quantile(0.95, comparisons, freedom) == pytest.approx(quantile, abs=0.006)


def test_one_comparison_is_students_t():
    expected = special.stdtrit(7, 0.99)
    assert dunnett_quantile(0.99, 1, 7) == pytest.approx(expected, abs=2e-4)


def test_two_networks_by_hand():
    # Differences 1, 2, 3: mean 2, s = 1, upper limit 2 + t_{2, 0.95}/√3 = 2 + 2.919986/1.732051
    # = 3.685854; lower limit of the other way round 2 - 1.685854 = 0.314146, above 0.
    result = comparisons_with_best([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    assert result.high[0] == pytest.approx(3.685854, abs=1e-6)
    assert result.low[0] == 0.0
    assert result.may_be_best.tolist() == [True, False]
    assert result.high[1] == 0.0
    assert result.low[1] == pytest.approx(-3.685854, abs=1e-6)


@pytest.mark.parametrize("method", ["paired_t", "sign_flip", "dunnett"])
def test_turning_the_metric_round_changes_nothing(method):
    x = np.random.default_rng(1).normal(size=(12, 4)) + np.array([0.0, 1.0, 0.5, 2.0])
    up = comparisons_with_best(x, method=method)
    down = comparisons_with_best(-x, higher_is_better=False, method=method)
    np.testing.assert_allclose(up.low, down.low)
    np.testing.assert_allclose(up.high, down.high)
    np.testing.assert_allclose(up.means, -down.means)
    assert up.may_be_best[3]


@pytest.mark.parametrize(
    ("method", "deviations"),
    [
        ("paired_t", [1.0, 1.0, 1.0, 1.0]),
        ("paired_t", [0.1, 3.0, 1.0, 0.3]),
        ("sign_flip", [0.1, 3.0, 1.0, 0.3]),
        ("dunnett", [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_all_intervals_hold_together_at_their_level(method, deviations):
    rng = np.random.default_rng(17)
    truth = np.array([0.5, 0.3, 0.5, 0.0])
    others = np.where(np.eye(4, dtype=bool), -np.inf, truth).max(axis=1)
    studies, held = 400, 0
    for _ in range(studies):
        x = rng.normal(size=(8, 1)) + truth + rng.normal(size=(8, 4)) * deviations
        result = comparisons_with_best(x, method=method, level=0.9)
        gaps = truth - others
        held += bool(((result.low <= gaps) & (gaps <= result.high)).all())
    assert held / studies >= 0.9 - 3 * np.sqrt(0.09 / studies)


def test_networks_that_are_all_alike():
    result = comparisons_with_best(np.full((5, 3), 0.9))
    assert result.may_be_best.all()
    assert result.low.tolist() == result.high.tolist() == [0, 0, 0]
    assert cheapest_good_enough(np.full((5, 3), 0.9), [3.0, 1.0, 2.0], 0.002).chosen == 1


def test_thousands_of_networks_need_no_table_of_all_pairs():
    x = np.random.default_rng(6).normal(size=(10, 2000))
    tracemalloc.start()
    result = comparisons_with_best(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2000 * 2000 * 8 / 10
    # Its limits are those of each pair's own differences.
    best = int(result.means.argmax())
    differences = x[:, [best]] - np.delete(x, best, axis=1)
    t = special.stdtrit(9, 1 - 0.05 / 1999)
    limits = differences.mean(axis=0) + t * differences.std(axis=0, ddof=1) / np.sqrt(10)
    assert result.high[best] == pytest.approx(limits.min(), rel=1e-12)


def test_few_blocks_exclude_nothing_with_the_sign_flip():
    x = np.random.default_rng(2).normal(size=(4, 3)) + np.array([0.0, 9.0, 0.0])
    result = comparisons_with_best(x, method="sign_flip")
    assert np.isinf(result.high).all()
    assert cheapest_good_enough(x, [1.0, 2.0, 3.0], 0.1, method="sign_flip").chosen is None


def test_the_cheapest_that_is_not_worse():
    rng = np.random.default_rng(3)
    accuracy = np.array([0.90, 0.9795, 0.98, 0.9802])
    x = accuracy + rng.normal(scale=0.0003, size=(10, 4))
    choice = cheapest_good_enough(x, [1e4, 1e5, 1e6, 1e7], 0.002)
    assert choice.chosen == 1
    assert choice.qualifying == (1, 2, 3)
    assert cheapest_good_enough(x, [1e4, 1e7, 1e6, 1e5], 0.002).chosen == 3
    assert cheapest_good_enough(1 - x, [1e4, 1e5, 1e6, 1e7], 0.002, higher_is_better=False) \
        .chosen == 1  # fmt: skip


def test_what_is_not_shown_is_not_chosen():
    x = 0.9 + np.random.default_rng(4).normal(scale=0.05, size=(3, 4))
    assert cheapest_good_enough(x, np.arange(4.0), 0.002).chosen is None


def test_blocks_with_missing_values_are_left_out():
    x = np.random.default_rng(5).normal(size=(6, 3))
    holed = np.vstack([x, [np.nan, 1.0, 2.0]])
    np.testing.assert_array_equal(comparisons_with_best(holed).low, comparisons_with_best(x).low)
    assert comparisons_with_best(holed).n == 6


def test_bad_input_is_named():
    x = np.ones((3, 2))
    with pytest.raises(ValueError, match="two blocks"):
        comparisons_with_best(x[:1])
    with pytest.raises(ValueError, match="network ≥ 2"):
        comparisons_with_best(x[:, :1])
    with pytest.raises(ValueError, match="one finite number for each"):
        cheapest_good_enough(x, [1.0], 0.1)
    with pytest.raises(ValueError, match="positive"):
        cheapest_good_enough(x, [1.0, 2.0], 0.0)


def test_the_highest_mean_is_never_excluded_by_its_equal():
    """Two that are the same in every block: to exclude both left the worse third as the best."""
    noise = np.random.default_rng(4).normal(size=8)
    x = np.stack([np.zeros(8), np.zeros(8), noise - noise.mean() - 0.1], axis=1)
    result = comparisons_with_best(x)
    assert result.may_be_best.tolist() == [True, True, True]
    assert comparisons_with_best(x - [0, 0, 9]).may_be_best.tolist() == [True, True, False]
