"""Calibration: known values by hand, and properties of the bins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from mlplab.metrics.calibration import expected_calibration_error, reliability_curve


def binary(confidence: list[float]) -> np.ndarray:
    """Probabilities (row, 2) whose first output is predicted with the given confidence."""
    first = np.array(confidence)
    return np.stack([first, 1 - first], axis=1)


def test_known_value_with_bins_of_equal_width() -> None:
    # Five bins. (.6, .8]: .7 right, .8 wrong: confidence .75, accuracy .5, gap .25, two rows.
    # (.8, 1]: .9, .9, 1: two right: confidence 14/15, accuracy 2/3, gap 4/15, three rows.
    # ECE = (2·.25 + 3·4/15) / 5 = .26.
    probabilities = binary([0.7, 0.8, 0.9, 0.9, 1.0])
    targets = np.array([0, 1, 0, 1, 0])
    curve = reliability_curve(probabilities, targets, bins=5)
    assert curve.rows.tolist() == [2, 3]
    np.testing.assert_allclose(curve.confidence, [0.75, 14 / 15])
    np.testing.assert_allclose(curve.accuracy, [0.5, 2 / 3])
    np.testing.assert_allclose(curve.edges, [[0.6, 0.8], [0.8, 1.0]])
    assert curve.expected_error == pytest.approx(0.26)
    assert curve.largest_error == pytest.approx(4 / 15)
    assert expected_calibration_error(probabilities, targets, bins=5) == curve.expected_error


def test_known_value_with_bins_of_equal_mass() -> None:
    # Two bins of two: (.6 right, .7 wrong): |.5 − .65| = .15; (.8 right, .9 right): .15.
    probabilities = binary([0.9, 0.6, 0.8, 0.7])
    targets = np.array([0, 0, 0, 1])
    curve = reliability_curve(probabilities, targets, bins=2, binning="equal mass")
    assert curve.rows.tolist() == [2, 2]
    np.testing.assert_allclose(curve.edges, [[0.6, 0.7], [0.8, 0.9]])
    assert curve.expected_error == pytest.approx(0.15)


def test_certain_and_right_is_0_certain_and_wrong_is_1() -> None:
    probabilities = binary([1.0] * 4)
    assert expected_calibration_error(probabilities, np.zeros(4, int)) == 0
    assert expected_calibration_error(probabilities, np.ones(4, int)) == 1


def test_outcomes_drawn_from_the_probabilities_are_calibrated() -> None:
    # A gap of n rows at confidence p has deviation √(p(1−p)/n); summed over 15 bins of about
    # 13,000 rows an ECE above .01 would be many deviations off.
    generator = np.random.default_rng(0)
    confidence = generator.uniform(0.5, 1, 200_000)
    targets = (generator.uniform(size=200_000) > confidence).astype(int)
    probabilities = binary(list(confidence))
    for binning in ("equal width", "equal mass"):
        assert expected_calibration_error(probabilities, targets, binning=binning) < 0.01
    overconfident = binary(list(np.minimum(confidence + 0.2, 1)))
    assert expected_calibration_error(overconfident, targets) > 0.1


@pytest.mark.parametrize(
    ("binning", "strategy"), [("equal width", "uniform"), ("equal mass", "quantile")]
)
def test_the_curve_agrees_with_scikit_learn(binning: str, strategy: str) -> None:
    generator = np.random.default_rng(1)
    confidence = generator.uniform(0.5, 1, 1000)
    targets = generator.integers(0, 2, 1000)
    curve = reliability_curve(binary(list(confidence)), targets, bins=10, binning=binning)
    accuracy, mean = calibration_curve(targets == 0, confidence, n_bins=10, strategy=strategy)
    np.testing.assert_allclose(curve.confidence, mean, atol=1e-12)
    np.testing.assert_allclose(curve.accuracy, accuracy, atol=1e-12)


@given(
    st.lists(st.tuples(st.floats(0.5, 1), st.integers(0, 1)), min_size=1, max_size=50),
    st.integers(1, 20),
    st.sampled_from(["equal width", "equal mass"]),
)
def test_bins_hold_every_row_once_and_the_error_is_a_share(
    rows: list[tuple[float, int]], bins: int, binning: str
) -> None:
    probabilities = binary([c for c, _ in rows])
    targets = np.array([t for _, t in rows])
    curve = reliability_curve(probabilities, targets, bins=bins, binning=binning)
    assert curve.rows.sum() == len(rows)
    assert (curve.rows > 0).all()
    assert 0 <= curve.expected_error <= curve.largest_error + 1e-12 <= 1 + 1e-9
    assert (curve.confidence >= curve.edges[:, 0] - 1e-12).all()
    assert (curve.confidence <= curve.edges[:, 1] + 1e-12).all()
    if binning == "equal mass":
        assert curve.rows.max() - curve.rows.min() <= 1


def test_empty_and_impossible_input_is_named() -> None:
    with pytest.raises(ValueError, match="0 rows"):
        reliability_curve(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(ValueError, match="0 bins"):
        reliability_curve(binary([0.5]), np.zeros(1, int), bins=0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        reliability_curve(np.array([[2.0, -1.0]]), np.zeros(1, int))
