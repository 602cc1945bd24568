"""Comparisons with the best against hand-worked limits and simulation, over seeds and over rows."""

import tracemalloc

import numpy as np
import pytest
from scipy import special

from mlplab.statistics.best import SharedRows, cheapest_of, comparisons_with_best


def cheapest_good_enough(x, cost, margin):
    return cheapest_of(comparisons_with_best(x), cost, margin)


def test_two_networks_by_hand():
    # Differences 1, 2, 3: mean 2, s = 1, upper limit 2 + t_{2, 0.95}/√3 = 2 + 2.919986/1.732051
    # = 3.685854; lower limit of the other way round 2 - 1.685854 = 0.314146, above 0.
    result = comparisons_with_best([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    assert result.high[0] == pytest.approx(3.685854, abs=1e-6)
    assert result.low[0] == 0.0
    assert result.may_be_best.tolist() == [True, False]
    assert result.high[1] == 0.0
    assert result.low[1] == pytest.approx(-3.685854, abs=1e-6)


@pytest.mark.parametrize("stds", [[1.0, 1.0, 1.0, 1.0], [0.1, 3.0, 1.0, 0.3]])
def test_all_intervals_hold_together_at_their_level(stds):
    rng = np.random.default_rng(17)
    truth = np.array([0.5, 0.3, 0.5, 0.0])
    others = np.where(np.eye(4, dtype=bool), -np.inf, truth).max(axis=1)
    studies, held = 400, 0
    for _ in range(studies):
        x = rng.normal(size=(8, 1)) + truth + rng.normal(size=(8, 4)) * stds
        result = comparisons_with_best(x, level=0.9)
        gaps = truth - others
        held += bool(((result.low <= gaps) & (gaps <= result.high)).all())
    assert held / studies >= 0.9 - 3 * np.sqrt(0.09 / studies)


def test_networks_that_are_all_alike():
    result = comparisons_with_best(np.full((5, 3), 0.9))
    assert result.may_be_best.all()
    assert result.low.tolist() == result.high.tolist() == [0, 0, 0]
    assert cheapest_good_enough(np.full((5, 3), 0.9), [3.0, 1.0, 2.0], 0.002)[0] == 1


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


def test_the_cheapest_that_is_not_worse():
    rng = np.random.default_rng(3)
    accuracy = np.array([0.90, 0.9795, 0.98, 0.9802])
    x = accuracy + rng.normal(scale=0.0003, size=(10, 4))
    choice = cheapest_good_enough(x, [1e4, 1e5, 1e6, 1e7], 0.002)
    assert choice == (1, 2, 3)
    assert cheapest_good_enough(x, [1e4, 1e7, 1e6, 1e5], 0.002)[0] == 3


def test_what_is_not_shown_is_not_chosen():
    x = 0.9 + np.random.default_rng(4).normal(scale=0.05, size=(3, 4))
    assert cheapest_good_enough(x, np.arange(4.0), 0.002) == ()


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


def test_one_row_of_sixty_excludes_nobody():
    """A network that errs in one row of 60, in every seed alike, is one row worse and not more."""
    x = np.tile([1.0, 59 / 60], (8, 1))
    assert comparisons_with_best(x).may_be_best.tolist() == [True, False]
    assert comparisons_with_best(x, shared=SharedRows(60)).may_be_best.tolist() == [True, True]
    many = comparisons_with_best(np.tile([1.0, 0.9], (8, 1)), shared=SharedRows(600))
    assert many.may_be_best.tolist() == [True, False]


def test_limits_hold_for_other_rows_where_those_of_seeds_alone_fail():
    """Each of four networks has rows of its own that it gets wrong, the same in every seed."""
    rng = np.random.default_rng(5)
    rows, studies, held = 80, 300, np.zeros(2)
    for _ in range(studies):
        chance = rng.beta(2, 0.3, size=(rows, 4))  # alike over all rows there are
        right = (rng.random((6, rows, 4)) < chance).astype(float)
        x = right.mean(axis=1)
        alone = comparisons_with_best(x, level=0.9)
        both = comparisons_with_best(x, level=0.9, shared=SharedRows(rows, right.mean(axis=0)))
        held += [found.may_be_best.all() for found in (alone, both)]
    assert held[0] / studies < 0.75
    assert held[1] / studies >= 0.9 - 3 * np.sqrt(0.09 / studies)


def test_squares_of_rows_are_those_of_the_differences():
    right = np.random.default_rng(6).random((50, 3))
    squares = SharedRows(50, right).squares(1, np.zeros(3))
    np.testing.assert_allclose(squares, np.square(right[:, [1]] - right).mean(axis=0), atol=1e-12)
