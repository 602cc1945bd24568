"""ROC curves: exact areas, faithful drawings, ties and lacks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn import metrics as reference

from mlplab.metrics import roc_areas as areas_module
from mlplab.metrics.roc import NO_CURVE, RocCurve, roc_curves, some_roc_curves
from mlplab.metrics.roc_areas import RocAreas, roc_areas


def two_classes(score: np.ndarray, positive: np.ndarray) -> RocCurve:
    """The curve of one score for `positive` against the rest."""
    scores = np.stack([-score, score], axis=1)
    return roc_curves(scores, positive.astype(np.int64)).classes[1]


def scores_and_targets(rows: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    targets = generator.integers(0, 5, rows)
    scores = generator.normal(size=(rows, 5))
    scores[np.arange(rows), targets] += strength
    return scores, targets


def height(curve: RocCurve, at: np.ndarray) -> np.ndarray:
    return np.interp(at, curve.false_positive_rate, curve.true_positive_rate)


def test_four_rows_by_hand() -> None:
    # Descending: positive, negative, positive, negative. Pairs ranked rightly: 3 of 4.
    curve = two_classes(np.array([0.9, 0.8, 0.7, 0.1]), np.array([1, 0, 1, 0]))
    assert curve.area == 0.75
    assert curve.false_positive_rate == (0, 0, 0.5, 0.5, 1)
    assert curve.true_positive_rate == (0, 0.5, 0.5, 1, 1)


def test_perfect_reversed_and_constant_scores() -> None:
    positive = np.array([0, 0, 1, 1])
    assert two_classes(np.arange(4.0), positive).area == 1
    assert two_classes(-np.arange(4.0), positive).area == 0
    constant = two_classes(np.zeros(4), positive)
    assert constant.area == 0.5
    assert constant.false_positive_rate == (0, 1)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60))
def test_the_area_is_the_mann_whitney_statistic(rows: list[tuple[int, bool]]) -> None:
    score = np.array([s for s, _ in rows], float)
    positive = np.array([p for _, p in rows])
    curve = two_classes(score, positive)
    if positive.all() or not positive.any():
        assert curve.area is None
        return
    pairs = positive.sum() * (~positive).sum()
    expected = mannwhitneyu(score[positive], score[~positive]).statistic / pairs
    assert curve.area == pytest.approx(expected, abs=1e-12)
    assert np.all(np.diff(curve.false_positive_rate) >= 0)
    assert np.all(np.diff(curve.true_positive_rate) >= 0)


@pytest.mark.parametrize("strength", [0.0, 1.0, 4.0])
def test_areas_agree_with_scikit_learn(strength: float) -> None:
    scores, targets = scores_and_targets(3000, strength)
    curves = roc_curves(scores, targets)
    truth = np.eye(5)[targets]
    for average, area in (("micro", curves.micro.area), ("macro", curves.macro.area)):
        expected = reference.roc_auc_score(truth, scores, average=average)
        assert area == pytest.approx(expected, abs=1e-12)
    expected = reference.roc_auc_score(truth, scores, average=None)
    np.testing.assert_allclose([curve.area for curve in curves.classes], expected, atol=1e-12)


def farthest_off(curve: RocCurve, points: np.ndarray) -> float:
    """The largest distance of points (point, 2) from the drawn line."""
    corners = np.stack([curve.false_positive_rate, curve.true_positive_rate], axis=1)
    start, along = corners[:-1], np.diff(corners, axis=0)
    offset = points[:, None] - start
    share = np.clip((offset * along).sum(-1) / (along**2).sum(-1), 0, 1)
    return np.linalg.norm(offset - share[..., None] * along, axis=-1).min(axis=1).max()


@pytest.mark.parametrize(("strength", "pixels"), [(0.0, 1.5), (1.0, 1.5), (4.0, 0.5)])
def test_a_thinned_curve_looks_like_the_exact_one(strength: float, pixels: float) -> None:
    # In pixels of a picture 400 wide; where a classifier has learned, half a pixel cannot be seen.
    scores, targets = scores_and_targets(10_000, strength)
    for c, curve in enumerate(roc_curves(scores, targets).classes):
        assert len(curve.true_positive_rate) <= 100
        false, true, _ = reference.roc_curve(targets == c, scores[:, c])
        assert farthest_off(curve, np.stack([false, true], axis=1)) < pixels / 400


def test_a_curve_of_few_corners_keeps_them_all() -> None:
    scores, targets = scores_and_targets(360, 3.0)
    for c, curve in enumerate(roc_curves(scores, targets).classes):
        false, true, _ = reference.roc_curve(targets == c, scores[:, c])
        assert farthest_off(curve, np.stack([false, true], axis=1)) < 1e-5


def test_the_macro_curve_is_the_mean_of_the_classes() -> None:
    scores, targets = scores_and_targets(400, 1.0)
    curves = roc_curves(scores, targets)
    # Away from the curves' own steps the mean of the heights is the height of the mean.
    at = np.linspace(0.0007, 0.9993, 211)
    heights = []
    for c in range(5):
        false, true, _ = reference.roc_curve(targets == c, scores[:, c])
        heights.append(np.interp(at, false, true))
    off = np.abs(height(curves.macro, at) - np.mean(heights, axis=0))
    assert np.quantile(off, 0.9) < 0.005
    assert curves.macro.area == pytest.approx(np.mean([c.area for c in curves.classes]), abs=1e-12)


def test_curves_do_not_change_under_monotone_maps() -> None:
    scores, targets = scores_and_targets(300, 1.0)
    first, second = roc_curves(scores, targets), roc_curves(np.exp(scores / 3), targets)
    assert first.classes == second.classes
    assert first.micro == second.micro


def test_a_class_that_is_missing_has_no_curve() -> None:
    scores, targets = scores_and_targets(300, 1.0)
    few = targets != 2
    curves = roc_curves(scores[few], targets[few])
    assert curves.classes[2] == RocCurve((), (), None)
    present = [c.area for k, c in enumerate(curves.classes) if k != 2]
    assert curves.macro.area == pytest.approx(np.mean(present), abs=1e-12)


def areas_by_scikit_learn(scores: np.ndarray, targets: np.ndarray) -> list[float]:
    """Of each class, micro and macro."""
    truth = np.eye(scores.shape[1])[targets]
    each = reference.roc_auc_score(truth, scores, average=None)
    both = [reference.roc_auc_score(truth, scores, average=a) for a in ("micro", "macro")]
    return [*each, *both]


@pytest.mark.parametrize("decimals", [16, 2, 1, 0])
def test_areas_of_many_networks_agree_with_scikit_learn(decimals: int) -> None:
    # With few decimals most scores tie, of one class and across; with 0 almost all are 0 or 1.
    generator = np.random.default_rng(4)
    targets = generator.integers(0, 4, 250)
    scores = np.round(generator.dirichlet(np.ones(4), (30, 250)), decimals)
    for own, areas in zip(scores, roc_areas(scores, targets), strict=True):
        expected = areas_by_scikit_learn(own, targets)
        found = [*areas.classes, areas.micro, areas.macro]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 5e-324, 0.25, 0.5, 1 - 2**-53, 1.0]), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
def test_the_area_by_ranks_is_that_under_the_curve(rows: list[tuple[float, bool]]) -> None:
    score = np.array([s for s, _ in rows])
    targets = np.array([p for _, p in rows], dtype=np.int64)
    scores = np.stack([1 - score, score], axis=1)
    (areas,), curves = roc_areas(scores[None], targets), roc_curves(scores, targets)
    for area, curve in zip(areas.classes, curves.classes, strict=True):
        assert area == (None if curve.area is None else pytest.approx(curve.area, abs=1e-12))
    assert areas.micro == pytest.approx(curves.micro.area, abs=1e-12)


def test_a_network_of_one_class_has_no_area() -> None:
    assert (
        roc_areas(np.ones((2, 5, 1)), np.zeros(5, np.int64)) == [RocAreas((None,), None, None)] * 2
    )


def test_areas_found_some_classes_at_a_time_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, targets = scores_and_targets(60, 0.7)
    probabilities = np.round(np.exp(scores), 1)[None]  # rounded: many ties
    whole = roc_areas(probabilities, targets)
    monkeypatch.setattr(areas_module, "_PAIRS_AT_ONCE", 120)
    assert roc_areas(probabilities, targets) == whole


def test_curves_of_some_classes_are_those_of_all() -> None:
    scores, targets = scores_and_targets(60, 0.7)
    some = some_roc_curves(scores, targets, [3, 1])
    every = roc_curves(scores, targets)
    assert [some.classes[i] for i in (1, 3)] == [every.classes[i] for i in (1, 3)]
    assert {some.classes[0], some.micro, some.macro} == {NO_CURVE}
