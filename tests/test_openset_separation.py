"""AUROC, AUPR, FPR at 95% TPR, OSCR, risk and coverage, openness: exact values and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc

from mlplab.openset.auroc import (
    SEPARATION_METRICS,
    auroc,
    average_precision,
    fpr_at_tpr,
    roc_curve,
    separation,
)
from mlplab.openset.openness import openness
from mlplab.openset.oscr import oscr_curve
from mlplab.openset.risk_coverage import risk_by_coverage

# few different values, so that ties are common
SCORES = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=30)
METRICS = {**SEPARATION_METRICS, "oscr": lambda k, u: oscr_area(k, np.arange(len(k)) % 3 > 0, u)}


def oscr_area(known, right, unknown):
    return oscr_curve(known, right, unknown).area


def _stacked(known, unknown):
    return np.r_[np.zeros(len(known)), np.ones(len(unknown))], np.r_[known, unknown]


@given(SCORES, SCORES)
@settings(max_examples=100, deadline=None)
def test_against_scikit_learn_and_the_definition(known, unknown):
    is_unknown, scores = _stacked(known, unknown)
    pairs = np.subtract.outer(unknown, known)
    mann_whitney = ((pairs > 0) + 0.5 * (pairs == 0)).mean()
    assert auroc(known, unknown) == pytest.approx(mann_whitney)
    assert auroc(known, unknown) == pytest.approx(roc_auc_score(is_unknown, scores))
    assert average_precision(known, unknown, "unknown") == pytest.approx(
        average_precision_score(is_unknown, scores)
    )
    assert average_precision(known, unknown, "known") == pytest.approx(
        average_precision_score(1 - is_unknown, -scores)
    )
    curve = roc_curve(known, unknown)
    rejected_known, rejected_unknown, _ = sklearn_roc(is_unknown, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.known_rejected, rejected_known)
    np.testing.assert_allclose(curve.unknown_rejected, rejected_unknown)


@given(SCORES, SCORES)
@settings(max_examples=50, deadline=None)
def test_swapping_sides_and_signs_swaps_the_directions(known, unknown):
    k, u = -np.array(known), -np.array(unknown)
    assert auroc(u, k) == pytest.approx(auroc(known, unknown))
    for measure in (average_precision, fpr_at_tpr):
        assert measure(u, k, "known") == pytest.approx(measure(known, unknown, "unknown"))


@given(SCORES, SCORES)
@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("monotone", [np.exp, np.cbrt, lambda s: 3 * s - 7, np.arctan])
def test_no_measure_changes_under_a_monotone_map(name, monotone, known, unknown):
    before = METRICS[name](np.array(known), np.array(unknown))
    after = METRICS[name](monotone(np.array(known)), monotone(np.array(unknown)))
    assert after == pytest.approx(before)


@given(SCORES, SCORES, st.randoms())
@settings(max_examples=30, deadline=None)
def test_no_measure_depends_on_the_order(known, unknown, draw):
    before = separation(known, unknown)
    draw.shuffle(known)
    draw.shuffle(unknown)
    assert separation(known, unknown) == before


def test_fpr_at_95_in_both_directions():
    # Of 20 unknown rows 19 must be found: threshold 11.5, which 12..29, 18 of 30 known, exceed.
    # Of 30 known rows 29 must be found: threshold 28, which 10.5..27.5, 18 of 20 unknown, undercut.
    known, unknown = np.arange(30.0), np.arange(10.5, 30.0)
    assert fpr_at_tpr(known, unknown, "unknown") == 0.60
    assert fpr_at_tpr(known, unknown, "known") == 0.90
    found = separation(known, unknown)
    assert found["fpr_at_95_tpr_unknown_positive"] == 0.60
    assert found["fpr_at_95_tpr_known_positive"] == 0.90


@pytest.mark.parametrize("metric", SEPARATION_METRICS)
def test_perfect_and_constant(metric):
    worse = metric.startswith("fpr")
    assert SEPARATION_METRICS[metric]([0, 1], [2, 3]) == (0.0 if worse else 1.0)
    assert SEPARATION_METRICS[metric]([1, 1], [1, 1]) == (1.0 if worse else 0.5)


@pytest.mark.parametrize(
    ("known", "unknown", "said"),
    [
        ([], [1.0], "known scores: expected at least one row, but got none"),
        ([1.0], [], "unknown scores: expected at least one row, but got none"),
        (
            [1.0, math.nan],
            [1.0],
            r"known scores: expected finite .* 1 of 2 rows \(first in row 1\)",
        ),
        ([1.0], [math.inf], "unknown scores: expected finite"),
        ([[1.0]], [1.0], r"shape \(row,\)"),
        (["a"], [1.0], "known scores: expected numbers"),
    ],
)
def test_scores_that_cannot_be_used(known, unknown, said):
    with pytest.raises(ValueError, match=said):
        auroc(known, unknown)


def test_unnamed_directions_and_impossible_rates_are_refused():
    with pytest.raises(ValueError, match="positive: expected unknown or known, but got 'out'"):
        fpr_at_tpr([1.0], [2.0], "out")
    with pytest.raises(ValueError, match="tpr: expected a fraction"):
        fpr_at_tpr([1.0], [2.0], "known", tpr=1.5)


# ------------------------------------------------------------------------- OSCR


def test_oscr_with_ties():
    # Points (0, 0), (0, 0.5), (1, 1): one trapezium of 0.75.
    assert oscr_area([0, 0.1, 0, 0.1], np.ones(4, bool), [0.1] * 4) == 0.75


def test_oscr_of_perfect_separation_is_the_accuracy():
    assert oscr_area([0, 1, 2], np.array([True, True, False]), [3, 4]) == pytest.approx(2 / 3)
    assert oscr_area([0, 1, 2], np.ones(3, bool), [3, 4]) == 1.0


def test_oscr_of_constant_scores_is_half_the_accuracy():
    right = np.array([True, True, False, True])
    assert oscr_area(np.zeros(4), right, np.zeros(7)) == pytest.approx(0.75 / 2)


@given(SCORES, SCORES, st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_oscr_is_bounded_and_ends_at_the_accuracy(known, unknown, seed):
    right = np.random.default_rng(seed).random(len(known)) < 0.7
    curve = oscr_curve(known, right, unknown)
    assert curve.area <= min(right.mean(), auroc(known, unknown)) + 1e-12
    assert (curve.unknown_accepted[-1], curve.known_right[-1]) == (1.0, right.mean())
    pairs = np.subtract.outer(unknown, np.array(known)[right])
    by_pairs = ((pairs > 0) + 0.5 * (pairs == 0)).sum() / (len(known) * len(unknown))
    assert curve.area == pytest.approx(by_pairs)


@given(SCORES, SCORES)
@settings(max_examples=30, deadline=None)
def test_oscr_of_a_network_that_is_always_right_is_auroc(known, unknown):
    assert oscr_area(known, np.ones(len(known), bool), unknown) == pytest.approx(
        auroc(known, unknown)
    )


def test_oscr_needs_its_flags():
    with pytest.raises(ValueError, match="right: expected true or false"):
        oscr_area([0.0, 1.0], [1, 0], [2.0])
    with pytest.raises(ValueError, match="unknown scores: expected at least one row"):
        oscr_area([0.0], np.array([True]), [])


# ---------------------------------------------------------- risk and coverage


def test_risk_coverage_by_hand():
    risk = risk_by_coverage([0.1, 0.2, 0.3, 0.4], np.array([False, True, False, True]))
    np.testing.assert_allclose(risk, [0, 1 / 2, 1 / 3, 1 / 2])


def test_tied_rows_count_as_the_mean_over_their_orders():
    # The two rows of score 0 may come in two orders: first risk 0 or 1.
    risk = risk_by_coverage([0.0, 0.0, 1.0], np.array([True, False, False]))
    np.testing.assert_allclose(risk, [1 / 2, 1 / 2, 1 / 3])


def test_risk_at_full_coverage_is_the_error():
    draw = np.random.default_rng(0)
    wrong = draw.random(50) < 0.3
    assert risk_by_coverage(draw.normal(size=50), wrong)[-1] == pytest.approx(wrong.mean())


# --------------------------------------------------------------------- openness


def test_openness():
    # 1 − √(2·6/(10 + 6)) and 1 − √(2·5/(10 + 5))
    assert openness(6, 4) == pytest.approx(0.1340, abs=5e-5)
    assert openness(5, 5) == pytest.approx(0.1835, abs=5e-5)
    assert openness(10, 0) == 0.0
    with pytest.raises(ValueError, match="at least one known class"):
        openness(0, 5)
