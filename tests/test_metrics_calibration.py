"""Calibration: known values by hand, and properties of the bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from mlplab.metrics.calibration import BINS, calibration_of


def binary(confidence: list[float]) -> np.ndarray:
    """Probabilities (row, 2) whose first output is predicted with the given confidence."""
    first = np.array(confidence)
    return np.stack([first, 1 - first], axis=1)


def test_known_value() -> None:
    # Fifteen bins. (11/15, 12/15]: .75 right, .79 wrong: confidence .77, accuracy .5, gap .27, two
    # rows. (14/15, 1]: .95, .97, 1: two right: confidence .9733, accuracy 2/3, gap .3067.
    probabilities = binary([0.75, 0.79, 0.95, 0.97, 1.0])
    found = calibration_of(probabilities, np.array([0, 1, 0, 1, 0]))
    assert found.bins == (11, 14)
    assert found.rows == (2, 3)
    np.testing.assert_allclose(found.confidence, [0.77, 2.92 / 3])
    np.testing.assert_allclose(found.accuracy, [0.5, 2 / 3])
    assert found.expected_error == pytest.approx((2 * 0.27 + 3 * (2.92 - 2) / 3) / 5)


def test_certain_and_right_is_0_certain_and_wrong_is_1() -> None:
    probabilities = binary([1.0] * 4)
    assert calibration_of(probabilities, np.zeros(4, int)).expected_error == 0
    assert calibration_of(probabilities, np.ones(4, int)).expected_error == 1


def test_outcomes_drawn_from_the_probabilities_are_calibrated() -> None:
    # A gap of n rows at confidence p has standard deviation √(p(1−p)/n); summed over 15 bins of about
    # 13,000 rows an ECE above .01 would be many standard deviations off.
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1, 200_000)
    targets = (generator.uniform(size=200_000) > confidence).astype(int)
    assert calibration_of(binary(list(confidence)), targets).expected_error < 0.01
    overconfident = binary(list(np.minimum(confidence + 0.2, 1)))
    assert calibration_of(overconfident, targets).expected_error > 0.1


def test_the_curve_agrees_with_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.5, 1, 1000)
    targets = generator.integers(0, 2, 1000)
    found = calibration_of(binary(list(confidence)), targets)
    accuracy, mean = calibration_curve(targets == 0, confidence, n_bins=BINS)
    np.testing.assert_allclose(found.confidence, mean, atol=1e-12)
    np.testing.assert_allclose(found.accuracy, accuracy, atol=1e-12)


@given(st.lists(st.tuples(st.floats(0.5, 1), st.integers(0, 1)), min_size=1, max_size=50))
def test_bins_hold_every_row_once(rows: list[tuple[float, int]]) -> None:
    found = calibration_of(binary([c for c, _ in rows]), np.array([t for _, t in rows]))
    assert sum(found.rows) == len(rows)
    assert min(found.rows) > 0
    assert 0 <= found.expected_error <= 1 + 1e-9
    for k, confidence in zip(found.bins, found.confidence, strict=True):
        assert k / BINS - 1e-12 <= confidence <= (k + 1) / BINS + 1e-12


def test_empty_and_impossible_input_is_named() -> None:
    with pytest.raises(ValueError, match="one row"):
        calibration_of(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(ValueError, match="from 0 to 1"):
        calibration_of(np.array([[2.0, -1.0]]), np.zeros(1, int))
