"""The split-conformal threshold: its rank, its words, and its promise held by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binomtest, kstest

import mlplab.openset
from mlplab.openset.activations import Activations
from mlplab.openset.intervals import fraction_of
from mlplab.openset.threshold import calibrate, calibrate_by_class, rows_needed
from mlplab.words import percent


def test_a_thousand_rows_at_five_percent():
    # k = ⌈1001 · 0.95⌉ = 951, and the rate of one calibration set is Beta(50, 951).
    got = calibrate(np.arange(1000.0)[::-1], 0.05)
    assert (got.rank, got.value) == (951, 950.0)
    assert got.range_for_one() == pytest.approx(beta.interval(0.95, 50, 951))
    assert got.guarantee == (
        "rejects at most 5% of known inputs on average over calibration sets; "
        "for this one, 3.7-6.4% (95%); no promise about unknown ones"
    )


def test_only_what_lies_above_is_rejected():
    got = calibrate(np.arange(1000.0), 0.05)
    np.testing.assert_array_equal(got.rejects([949.0, 950.0, 950.5]), [False, False, True])


@given(st.integers(1, 3000), st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9]))
@settings(max_examples=200, deadline=None)
def test_the_rank_is_exact(n, alpha):
    # ⌈(n+1)(1−α)⌉ in whole thousandths, where nothing is rounded
    exact = -(-(n + 1) * (1000 - round(1000 * alpha)) // 1000)
    got = calibrate(np.arange(float(n)), alpha)
    assert got.rank == exact
    assert got.vacuous == (n < rows_needed(alpha))


def test_too_few_rows_reject_nothing_and_say_so():
    got = calibrate(np.arange(18.0), 0.05)
    assert got.value == math.inf
    assert not got.rejects([1e300]).any()
    assert got.range_for_one() == (0.0, 0.0)
    assert got.guarantee == (
        "rejects nothing: 18 calibration rows are too few to promise 5%, 19 are needed; "
        "no promise about unknown ones"
    )
    assert calibrate(np.arange(19.0), 0.05).value == 18.0


@pytest.mark.parametrize(("n", "alpha"), [(99, 0.1), (57, 0.05), (30, 0.3)])
def test_coverage_by_simulation(n, alpha):
    draw = np.random.default_rng(n)
    # with uniform scores the rate of a threshold t is 1 − t, exactly
    rates = np.array([1 - calibrate(draw.random(n), alpha).value for _ in range(3000)])
    law = calibrate(np.arange(float(n)), alpha)
    assert rates.mean() <= alpha + 4 * rates.std() / math.sqrt(3000)
    assert kstest(rates, beta(n + 1 - law.rank, law.rank).cdf).pvalue > 1e-3
    low, high = law.range_for_one()
    assert np.mean((rates >= low) & (rates <= high)) == pytest.approx(0.95, abs=0.02)


def test_ties_reject_no_more_than_promised():
    draw = np.random.default_rng(5)
    # scores 0 to 4, each as likely: above t lie (4 − t)/5
    rates = [(4 - calibrate(draw.integers(5, size=59), 0.25).value) / 5 for _ in range(2000)]
    assert np.mean(rates) <= 0.25
    tied = calibrate(np.repeat([1.0, 2.0], 50), 0.05)
    assert tied.tied == 50
    assert "for this one, at most" in tied.guarantee
    assert "(50 calibration rows tie at the threshold)" in tied.guarantee


def test_constant_scores_reject_nothing_like_them():
    assert not calibrate(np.ones(100), 0.05).rejects(np.ones(5)).any()


@given(st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_decisions_do_not_change_under_a_monotone_map(seed):
    draw = np.random.default_rng(seed)
    held_out, fresh = draw.normal(size=80), draw.normal(size=50)
    plain = calibrate(held_out, 0.1).rejects(fresh)
    np.testing.assert_array_equal(calibrate(np.exp(held_out), 0.1).rejects(np.exp(fresh)), plain)


# ---------------------------------------------------------- by predicted class


def test_each_predicted_class_has_its_own():
    scores = np.concatenate([np.arange(99.0), 1000 + np.arange(99.0)])
    predicted = np.repeat([0, 1], 99)
    got = calibrate_by_class(scores, predicted, 2, 0.05)
    assert [t.value for t in got.by_class] == [94.0, 1094.0]
    np.testing.assert_array_equal(got.rejects([95.0, 95.0, 1095.0], [0, 1, 1]), [True, False, True])
    low, high = got.by_class[0].range_for_one()
    assert f"0: {percent(low)[:-1]}-{percent(high)}" in got.guarantee
    assert got.guarantee.endswith("no promise about unknown ones")


def test_a_class_absent_from_calibration_rejects_nothing_and_says_so():
    got = calibrate_by_class(np.arange(99.0), np.zeros(99, int), 3, 0.05)
    assert got.vacuous_classes == (1, 2)
    np.testing.assert_array_equal(got.rejects([1e9, 1e9], [0, 2]), [True, False])
    assert "rejects nothing that is taken for class 2: 0 calibration rows, 19 are needed" in (
        got.guarantee
    )


def test_the_promise_by_class_names_classes_as_they_are_called():
    scores, predicted = np.arange(200.0), np.repeat([0, 1], [195, 5])
    told = calibrate_by_class(scores, predicted, 2, 0.05, ("3", "0")).guarantee
    assert " 3: " in told
    assert "taken for class 0: 5 calibration rows" in told


def test_by_class_coverage_by_simulation():
    draw = np.random.default_rng(6)
    rates = []
    for _ in range(600):
        predicted = draw.integers(2, size=150)
        # class 1 scores ten times as high: one threshold would reject only its rows
        scores = draw.random(150) * np.where(predicted == 1, 10, 1)
        by_class = calibrate_by_class(scores, predicted, 2, 0.1).by_class
        rates.append([1 - by_class[0].value, 1 - by_class[1].value / 10])
    rates = np.array(rates)
    assert (rates.mean(axis=0) <= 0.1 + 4 * rates.std(axis=0) / math.sqrt(600)).all()
    assert (rates.mean(axis=0) > 0.08).all()


# --------------------------------------------------------- the whole way, in Python


def test_the_packages_own_example_runs():
    draw = np.random.default_rng(0)
    labels = np.arange(400) % 3

    def rows(n, shift=0.0):
        z = 4 * np.eye(3)[np.arange(n) % 3] + draw.normal(size=(n, 3)) - shift
        return Activations(logits=z, hidden=z)

    example = "\n".join(
        line[4:] for line in (mlplab.openset.__doc__ or "").split("\n") if line.startswith("    ")
    )
    said: list[str] = []
    names = {
        "training_activations": rows(400),
        "training_labels": labels,
        "calibration_activations": rows(400),
        "new_activations": rows(100, shift=5.0),
        "print": said.append,
    }
    exec(example, names)
    assert said[0].startswith("rejects at most 5% of known inputs on average")
    assert names["rejected"].mean() > 0.5


# ----------------------------------------------------------------- realised rate


def test_a_fraction_has_wilsons_interval():
    got = fraction_of(np.arange(100) < 6)
    exact = binomtest(6, 100).proportion_ci(method="wilson")
    assert (got.value, got.low, got.high) == pytest.approx((0.06, exact.low, exact.high))


@pytest.mark.parametrize(
    ("scores", "alpha", "said"),
    [
        ([], 0.05, "calibration scores: expected at least one row"),
        ([math.nan], 0.05, "calibration scores: expected finite"),
        ([1.0], 0.0, "reject_at_most: expected a fraction above 0 and below 1"),
        ([1.0], 1, "reject_at_most"),
        ([1.0], True, "reject_at_most"),
        ([1.0], math.nan, "reject_at_most"),
    ],
)
def test_calibrations_that_cannot_be(scores, alpha, said):
    with pytest.raises(ValueError, match=said):
        calibrate(scores, alpha)


def test_scores_and_classes_that_cannot_be_judged():
    got = calibrate_by_class(np.arange(99.0), np.zeros(99, int), 1)
    with pytest.raises(ValueError, match="predicted: expected classes 0 to 0, but got 1"):
        got.rejects([1.0], [1])
    with pytest.raises(ValueError, match="scores: expected finite"):
        calibrate(np.arange(99.0)).rejects([math.nan])
    with pytest.raises(ValueError, match="flags: expected at least one row"):
        fraction_of(np.array([], dtype=bool))


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.05, "5%"), (0.037, "3.7%"), (0.0, "0%"), (1.0, "100%"), (0.00034, "0.034%"), (0.2, "20%")],
)
def test_percentages_in_words(share, words):
    assert percent(share) == words
