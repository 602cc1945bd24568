"""Outcomes of rejecting, the absorption table, and how sure both are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from mlplab.openset.absorption import absorbed_rows
from mlplab.openset.auroc import auroc
from mlplab.openset.intervals import auroc_interval, wilson
from mlplab.openset.rejection import rejection_outcome


def test_outcome_by_hand():
    labels = [0, 0, 1, 1, -1, -1, -1, -1]
    predicted = [0, 1, 1, 1, 0, 0, 1, 1]
    rejected = np.array([0, 0, 0, 1, 1, 1, 1, 0], dtype=bool)
    got = rejection_outcome(labels, predicted, rejected, 2)
    assert got.accuracy_on_known_before == 3 / 4
    assert got.accuracy_on_known_after == 2 / 4
    assert got.accuracy_on_accepted_known == pytest.approx(2 / 3)
    assert got.known_rejected == 1 / 4
    assert got.recall_of_unknown == 3 / 4
    assert got.accuracy_over_all == 5 / 8


@given(st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_precision_recall_and_f1_against_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    labels = np.append(draw.integers(-1, 4, size=25), 0)
    predicted, rejected = draw.integers(0, 4, size=26), draw.random(26) < 0.3
    got = rejection_outcome(labels, predicted, rejected, 4)
    true, decided = np.where(labels < 0, 4, labels), np.where(rejected, 4, predicted)
    macro = precision_recall_fscore_support(true, decided, average="macro", zero_division=0)[:3]
    assert (got.macro_precision, got.macro_recall, got.macro_f1) == pytest.approx(macro)


def test_without_unknown_rows_there_is_no_recall_of_them():
    got = rejection_outcome([0, 1], [0, 1], np.array([True, True]), 2)
    assert got.recall_of_unknown is None
    assert got.accuracy_on_accepted_known is None


def test_macro_means_are_of_the_classes_that_occur():
    labels, predicted = [0, 0, 1, -1], [0, 1, 1, 0]
    got = rejection_outcome(labels, predicted, [False, False, False, True], 3)
    true, decided = [0, 0, 1, 3], [0, 1, 1, 3]  # class 2 has no row and is given to none
    expected = precision_recall_fscore_support(true, decided, average="macro", zero_division=0)
    means = (got.macro_precision, got.macro_recall, got.macro_f1)
    assert means == pytest.approx(expected[:3])


@pytest.mark.parametrize(
    ("labels", "predicted", "said"),
    [
        ([-1, -1], [0, 1], "labels: expected at least one known row, but got none"),
        ([0, 5], [0, 1], "labels: expected classes 0 to 1 or -1 for unknown, but got 5"),
        ([0, 1], [0, -1], "predicted: expected classes 0 to 1, but got -1"),
        ([0, 1], [0, 1, 1], "predicted: expected whole numbers of shape"),
        ([0.5, 1], [0, 1], "labels: expected whole numbers"),
    ],
)
def test_outcomes_that_cannot_be_judged(labels, predicted, said):
    with pytest.raises(ValueError, match=said):
        rejection_outcome(labels, predicted, np.zeros(2, bool), 2)


# ------------------------------------------------------------------- absorption


def test_absorption_shows_nine_taken_for_four():
    classes = [9] * 10 + [5] * 4
    taken = [4] * 8 + [3, 0] + [3, 3, 3, 0]
    before = absorbed_rows(classes, taken, 5)
    np.testing.assert_array_equal(before, [[1, 0, 0, 3, 0, 0], [1, 0, 0, 1, 8, 0]])
    after = absorbed_rows(classes, taken, 5, np.arange(14) % 2 == 0)
    np.testing.assert_array_equal(after, [[1, 0, 0, 1, 0, 2], [1, 0, 0, 0, 4, 5]])


@given(st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_every_row_is_counted_once(seed):
    draw = np.random.default_rng(seed)
    classes, taken = draw.integers(5, 10, size=40), draw.integers(0, 5, size=40)
    counts = absorbed_rows(classes, taken, 5, draw.random(40) < 0.5)
    np.testing.assert_array_equal(counts.sum(axis=1), np.unique(classes, return_counts=True)[1])


@pytest.mark.parametrize(
    ("classes", "taken", "said"),
    [
        ([], [], "at least one unknown row, but got none"),
        ([9, 9], [4, 8], "predicted: expected classes 0 to 4, but got 8"),
    ],
)
def test_absorption_of_rows_that_do_not_belong(classes, taken, said):
    with pytest.raises(ValueError, match=said):
        absorbed_rows(classes, taken, 5)


# -------------------------------------------------------------------- intervals


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=50, deadline=None)
def test_wilson_against_scipy(counts):
    hits, n = counts
    exact = binomtest(hits, n).proportion_ci(method="wilson")
    assert np.array(wilson(hits, n)) == pytest.approx([exact.low, exact.high], abs=1e-12)


@pytest.mark.parametrize("level", [0.8, 0.99])
@pytest.mark.parametrize(("hits", "n"), [(0, 3), (3, 3), (7, 40)])
def test_wilson_at_other_levels(hits, n, level):
    exact = binomtest(hits, n).proportion_ci(level, method="wilson")
    assert np.array(wilson(hits, n, level)) == pytest.approx([exact.low, exact.high], abs=1e-12)


def test_wilson_published_example():
    # Newcombe (1998), table I: 81 of 263, score method: 0.2553 to 0.3662; 0 of 20: 0 to 0.1611.
    low, high = wilson([81, 0], [263, 20])
    np.testing.assert_allclose(low, [0.2553, 0.0], atol=5e-5)
    np.testing.assert_allclose(high, [0.3662, 0.1611], atol=5e-5)


def test_a_share_of_nothing_may_be_anything():
    assert np.array(wilson(0, 0)) == pytest.approx([0, 1])


def test_delong_variance_against_the_definition():
    draw = np.random.default_rng(0)
    known, unknown = draw.normal(size=40), draw.normal(1.0, size=30).round(1)
    above = np.subtract.outer(unknown, known)
    kernel = (above > 0) + 0.5 * (above == 0)
    variance = kernel.mean(axis=1).var(ddof=1) / 30 + kernel.mean(axis=0).var(ddof=1) / 40
    got = auroc_interval(known, unknown)
    area = auroc(known, unknown)
    odds = np.log(area / (1 - area))
    half = 1.959963984540054 * np.sqrt(variance) / (area * (1 - area))
    expected = 1 / (1 + np.exp(-np.array([odds - half, odds + half])))
    assert (got.low, got.high) == pytest.approx(tuple(expected))
    assert got.value == area


def test_delong_covers():
    # True AUROC of N(0,1) against N(1,1) is Φ(1/√2) = 0.7602; 95% of 400 intervals ± 4 errors.
    draw = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        got = auroc_interval(draw.normal(size=60), draw.normal(1.0, size=60))
        held += got.low <= 0.7602499 <= got.high
    assert 0.95 - 4 * 0.0109 <= held / 400 <= 1.0


def test_perfect_separation_is_not_certainty():
    got = auroc_interval(np.arange(20.0), np.arange(20.0, 40.0))
    exact = binomtest(20, 20).proportion_ci(method="wilson")
    assert (got.value, got.low, got.high) == pytest.approx((1.0, exact.low, 1.0))


def test_one_row_of_a_side_says_little_of_others():
    known = np.arange(100.0)
    got = auroc_interval(known, [5.5])
    exact = wilson(got.value, 1)
    assert (got.value, got.low, got.high) == pytest.approx((0.06, *map(float, exact)))
    assert got.high > 0.8
    with pytest.raises(ValueError, match="level"):
        auroc_interval(known, known, level=95)


def test_an_impossible_level_is_refused():
    with pytest.raises(ValueError, match="level: expected a fraction"):
        wilson(1, 2, level=95)
