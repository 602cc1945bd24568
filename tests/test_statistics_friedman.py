"""Friedman's test and the critical-difference diagram against Demšar (2006) and SciPy."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlplab.declarations.seeds_needed import seeds_of_ranking
from mlplab.statistics.critical_difference import (
    cliques,
    diagram_labels,
    pairwise_tests,
)
from mlplab.statistics.friedman import (
    friedman_test,
    ranks_within_blocks,
)

C45, M, CF, M_CF = range(4)
# Demšar (2006), table 6: area under the ROC curve of C4.5 and three variants on 14 data sets. The
# last two entries for "voting" are printed as 0.975 with ranks 2 and 3, so they differ unseen.
AUC = np.array([
    [0.763, 0.768, 0.771, 0.798],
    [0.599, 0.591, 0.590, 0.569],
    [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657],
    [0.882, 0.888, 0.886, 0.898],
    [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685],
    [0.583, 0.583, 0.563, 0.625],
    [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000],
    [0.940, 0.962, 0.965, 0.962],
    [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9752, 0.9748],
    [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip


def test_demsars_table():
    test = friedman_test(AUC)
    np.testing.assert_allclose(test.average_ranks, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    # Demšar's 9.28 is not corrected for ties: here for those of two rows of the table.
    uncorrected = 12 * 14 / (4 * 5) * ((test.average_ranks - 2.5) ** 2).sum()
    assert uncorrected == pytest.approx(9.28, abs=0.005)
    assert test.statistic == pytest.approx(stats.friedmanchisquare(*AUC.T).statistic)


def test_demsars_diagram():
    """Figure 1a: at 10% two bars, {C4.5, C4.5+cf} and {C4.5+cf, C4.5+m, C4.5+m+cf}, best right."""
    ranks = friedman_test(AUC).average_ranks
    separated = np.abs(ranks[:, None] - ranks) > 1.12  # Demšar's critical difference
    assert cliques(ranks, separated) == ((M_CF, M, CF), (CF, C45))
    labels = diagram_labels(ranks)
    assert [label.network for label in labels] == [M_CF, M, CF, C45]
    assert [label.side for label in labels] == ["right", "right", "left", "left"]
    # As in the figure, the outermost name of each side stands highest.
    assert [label.row for label in labels] == [0, 1, 1, 0]


def test_the_best_has_rank_one_whichever_way_is_better():
    accuracy = np.array([[0.9, 0.8, 0.7], [0.95, 0.85, 0.6]])
    assert ranks_within_blocks(accuracy).tolist() == [[1, 2, 3]] * 2
    assert ranks_within_blocks(1 - accuracy, higher_is_better=False).tolist() == [[1, 2, 3]] * 2
    labels = diagram_labels(ranks_within_blocks(accuracy).mean(axis=0))
    assert [(label.network, label.side) for label in labels] == [
        (0, "right"), (1, "right"), (2, "left"),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_scipy_with_ties(seed):
    x = np.random.default_rng(seed).integers(0, 4, size=(8, 4)).astype(float)
    ours, theirs = friedman_test(x), stats.friedmanchisquare(*x.T)
    assert ours.statistic == pytest.approx(theirs.statistic)


@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_the_p_value_is_the_share_of_all_orders(table):
    ranks = [stats.rankdata(row) for row in table]
    observed = (np.sum(ranks, axis=0) ** 2).sum()
    null = [
        (np.sum(choice, axis=0) ** 2).sum()
        for choice in product(*(list(permutations(r)) for r in ranks))
    ]
    ours = friedman_test(table)
    assert ours.p_value == pytest.approx(np.mean([s >= observed - 1e-9 for s in null]))


def test_exact_tail_published():
    # Friedman (1937), table: k = 3, n = 4: P(χ² ≥ 6.5) = 0.042, P(χ² ≥ 8) = 0.0046.
    agree = np.array([[1.0, 2, 3]] * 4)
    assert friedman_test(agree).statistic == pytest.approx(8.0)
    assert friedman_test(agree).p_value == pytest.approx(0.0046, abs=5e-5)
    nearly = np.array([[1.0, 2, 3], [1, 2, 3], [1, 2, 3], [1, 3, 2]])
    assert friedman_test(nearly).statistic == pytest.approx(6.5)
    assert friedman_test(nearly).p_value == pytest.approx(0.042, abs=5e-4)


def test_large_tables_are_sampled_close_to_the_approximation():
    x = np.random.default_rng(2).normal(size=(20, 8)) + 0.12 * np.arange(8)
    ours = friedman_test(x)
    assert ours.p_value == pytest.approx(stats.friedmanchisquare(*x.T).pvalue, abs=0.03)
    assert ours.p_value == friedman_test(x).p_value


def test_all_tied_and_missing():
    flat = friedman_test(np.ones((5, 3)))
    assert (flat.statistic, flat.p_value) == (0.0, 1.0)
    holed = np.array([[1.0, 2, 3], [np.nan, 2, 3]])
    assert friedman_test(holed).n == 1
    assert friedman_test(holed[1:]).p_value == 1.0


def test_smallest_p():
    assert friedman_test([[1, 2, 3]] * 4).p_value == pytest.approx(6**-3)
    assert seeds_of_ranking(0.05, 3) == 3
    assert seeds_of_ranking(0.05, 2) == 6


def test_pairs_are_exact_tests_corrected_by_holm():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(9, 3)) + np.array([0, 0.2, 3])
    tests = pairwise_tests(x, test="wilcoxon")
    expected = [stats.wilcoxon(x[:, i], x[:, j], method="exact").pvalue for i, j in tests.pairs]
    np.testing.assert_allclose(tests.p_values, expected, rtol=1e-9)
    assert (tests.adjusted >= tests.p_values).all()
    apart = tests.separated(0.05)
    assert apart[0, 2]
    assert apart[2, 1]
    assert not apart[0, 1]
    np.testing.assert_array_equal(apart, apart.T)
    (group,) = cliques(friedman_test(x).average_ranks, apart)
    assert set(group) == {0, 1}


def test_infinite_times_are_ranked_and_tied():
    times = np.array([[100.0 + i, np.inf, np.inf] for i in range(8)])
    ranks = friedman_test(times, higher_is_better=False).average_ranks
    assert ranks.tolist() == [1.0, 2.5, 2.5]
    tests = pairwise_tests(times, test="wilcoxon")
    assert tests.p_values.tolist() == [2 / 2**8, 2 / 2**8, 1.0]
    assert cliques(ranks, tests.separated(0.05)) == ((1, 2),)


def test_groups_join_exactly_what_is_not_told_apart():
    rng = np.random.default_rng(11)
    for _ in range(50):
        k = int(rng.integers(2, 8))
        upper = np.triu(rng.random((k, k)) < 0.4, 1)
        apart = upper | upper.T
        ranks = rng.permutation(k) + 1.0
        found = cliques(ranks, apart)
        joined = np.zeros((k, k), dtype=bool)
        for group in found:
            joined[np.ix_(group, group)] = True
            assert sorted(ranks[list(group)]) == list(ranks[list(group)])
            assert not any(set(group) < set(other) for other in found)
        others = ~np.eye(k, dtype=bool)
        np.testing.assert_array_equal(joined & others, ~apart & others)


def test_groups_may_overlap_in_rank():
    apart = np.zeros((6, 6), dtype=bool)
    apart[:3, 3:] = apart[3:, :3] = True
    assert cliques([0.0, 1.0, 3.0, 2.0, 4.0, 5.0], apart) == ((0, 1, 2), (3, 4, 5))


def test_groups_of_many_networks_are_bounded():
    assert len(cliques(np.arange(500.0), np.zeros((500, 500), dtype=bool))[0]) == 20


def test_bad_shapes_are_named():
    with pytest.raises(ValueError, match="network ≥ 2"):
        friedman_test(np.ones(4))
