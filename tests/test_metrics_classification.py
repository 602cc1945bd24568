"""Evaluation of predictions, against hand-worked values and scikit-learn."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlplab.metrics import classification
from mlplab.metrics.classification import Evaluation, FilledCells, evaluate, evaluate_many
from mlplab.metrics.roc import roc_curves
from mlplab.networks import probabilities
from mlplab.networks.probabilities import log_softmax

NAMES = tuple("abcdefghij")


def predictions(
    rows: int, outputs: int, *, strength: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits (row, output) float32 and targets (row,) they are right about now and then."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, outputs, rows)
    logits = generator.normal(size=(rows, outputs))
    logits[np.arange(rows), targets] += strength
    return logits.astype(np.float32), targets


def test_three_rows_by_hand() -> None:
    # Probabilities of the true class: 3/4, 1/2 (a tie goes to the first output, so wrong) and 1/4.
    logits = np.log(np.array([[3, 1], [1, 1], [3, 1]]))
    result = evaluate(logits, np.array([0, 1, 1]), ("no", "yes"))
    assert result.accuracy == 1 / 3
    expected = -(math.log(3 / 4) + math.log(1 / 2) + math.log(1 / 4)) / 3
    assert result.log_loss == pytest.approx(expected, rel=1e-15)
    assert result.confusion == ((1, 0), (2, 0))
    # "no": predicted three times, once rightly; all of its one row found. F1 = 2·(1/3)/(4/3).
    assert result.precision == (1 / 3, 0)
    assert result.recall == (1, 0)
    assert result.f1 == (0.5, 0)
    assert result.support == (1, 2)
    assert result.macro.precision == pytest.approx(1 / 6)
    assert result.macro.f1 == 0.25
    assert result.weighted.precision == pytest.approx(1 / 9)
    assert result.weighted.recall == pytest.approx(1 / 3)


@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("outputs", [2, 10])
def test_rates_agree_with_scikit_learn(outputs: int, strength: float) -> None:
    logits, targets = predictions(500, outputs, strength=strength)
    result = evaluate(logits, targets, NAMES[:outputs])
    predicted = logits.argmax(axis=1)
    assert result.accuracy == pytest.approx(reference.accuracy_score(targets, predicted))
    assert np.array_equal(result.confusion, reference.confusion_matrix(targets, predicted))
    per_class = reference.precision_recall_fscore_support(targets, predicted)
    np.testing.assert_allclose(
        [result.precision, result.recall, result.f1, result.support], per_class
    )
    for average, ours in (("macro", result.macro), ("weighted", result.weighted)):
        expected = reference.precision_recall_fscore_support(targets, predicted, average=average)
        np.testing.assert_allclose([ours.precision, ours.recall, ours.f1], expected[:3])
    probabilities = np.exp(log_softmax(logits))
    assert result.log_loss == pytest.approx(reference.log_loss(targets, probabilities))


def test_log_loss_survives_logits_that_saturate_float32() -> None:
    # −log p of the wrong class is the margin, 200, though p itself is 0 in float32.
    logits = np.array([[200, 0], [0, 200]], np.float32)
    assert evaluate(logits, np.array([1, 0]), ("a", "b")).log_loss == 200
    right = evaluate(logits, np.array([0, 1]), ("a", "b")).log_loss
    assert right == pytest.approx(math.exp(-200))
    huge = np.array([[3e38, -3e38], [0, 1e30]], np.float32)
    assert math.isfinite(evaluate(huge, np.array([1, 0]), ("a", "b")).log_loss)


@given(st.lists(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=3), min_size=1))
def test_probabilities_sum_to_one_and_do_not_move_with_the_logits(rows: list[list[float]]) -> None:
    logits = np.array(rows)
    np.testing.assert_allclose(np.exp(log_softmax(logits)).sum(axis=1), 1)
    np.testing.assert_allclose(log_softmax(logits + 7), log_softmax(logits), atol=1e-9)


def test_a_class_that_does_not_occur_has_no_curve_and_no_part_in_the_macro_mean() -> None:
    logits, targets = predictions(60, 4)
    few = targets < 3
    result = evaluate(logits[few], targets[few], NAMES[:4])
    assert result.support[3] == 0
    assert result.recall[3] == 0
    assert result.areas.classes[3] is None
    assert result.macro.recall == pytest.approx(
        reference.recall_score(
            targets[few], logits[few].argmax(axis=1), labels=[0, 1, 2], average="macro"
        )
    )
    assert result.weighted.recall == pytest.approx(result.accuracy)


def test_rows_of_one_class_only() -> None:
    logits, _ = predictions(5, 3)
    result = evaluate(logits, np.ones(5, np.int64), NAMES[:3])
    assert result.areas.classes == (None, None, None)
    assert result.areas.macro is None
    assert result.areas.micro is not None
    assert Evaluation.from_json(result.to_json()) == result


def test_outputs_that_stand_for_no_class_can_be_wrong_but_never_right() -> None:
    logits = np.array([[2.0, 1, 0, 0], [0, 1, 2, 0], [0, 3, 0, 1]])
    result = evaluate(logits, np.array([0, 1, 1]), ("a", "b"))
    assert result.confusion == ((1, 0, 0, 0), (0, 1, 1, 0))
    assert result.accuracy == 2 / 3
    assert result.recall == (1, 0.5)
    assert result.precision == (1, 1)
    assert result.log_loss == pytest.approx(-log_softmax(logits)[[0, 1, 2], [0, 1, 1]].mean())
    assert len(result.areas.classes) == 2


@given(st.permutations(range(40)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    logits, targets = predictions(40, 3)
    first, second = (
        evaluate(logits[rows], targets[rows], NAMES[:3]) for rows in (list(range(40)), order)
    )
    assert first.confusion == second.confusion
    assert first.areas.macro == pytest.approx(second.areas.macro, abs=1e-12)
    assert first.log_loss == pytest.approx(second.log_loss, rel=1e-12)


@given(st.integers(1, 50), st.integers(1, 6), st.integers(0, 1000))
def test_json_and_back_is_exact(rows: int, outputs: int, seed: int) -> None:
    result = evaluate(*predictions(rows, outputs, seed=seed), NAMES[:outputs])
    assert Evaluation.from_json(result.to_json()) == result


@pytest.mark.parametrize("outputs", [10, 12])
def test_many_networks_are_evaluated_as_each_alone(outputs: int) -> None:
    # 300 networks are several pieces; each equals what it is alone, to the bit.
    _, targets = predictions(90, 10)
    logits = np.random.default_rng(2).normal(size=(300, 90, outputs)).astype(np.float32)
    logits[::7] = np.round(logits[::7])  # many ties
    together = evaluate_many(logits, targets, NAMES)
    assert together == [evaluate(own, targets, NAMES) for own in logits]
    assert evaluate_many([], targets, NAMES) == []


def test_records_that_hold_curves_are_read() -> None:
    logits, targets = predictions(60, 3)
    new = evaluate(logits, targets, NAMES[:3])
    curves = roc_curves(np.exp(log_softmax(logits)), targets)
    older = json.loads(new.to_json())
    del older["areas"], older["curves"]
    older["roc"] = asdict(curves)
    read = Evaluation.from_json(json.dumps(older))
    assert read.curves == curves
    np.testing.assert_allclose(read.areas.classes, new.areas.classes, atol=1e-12)
    assert read.areas.micro == pytest.approx(new.areas.micro, abs=1e-12)
    assert read.areas.macro == pytest.approx(new.areas.macro, abs=1e-12)
    assert replace(read, areas=new.areas, curves=None) == new


def test_json_is_compact_and_evaluation_is_quick() -> None:
    logits, targets = predictions(10_000, 10)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        result = evaluate(logits, targets, NAMES)
        seconds.append(time.process_time() - start)
    # Measured 20 to 45 ms on one core; the bound leaves room for a slow, busy machine.
    assert min(seconds) < 0.2
    assert len(result.to_json()) < 6_000


@pytest.mark.parametrize(
    ("logits", "targets", "says"),
    [
        (np.zeros((0, 2)), np.zeros(0, np.int64), "at least one row"),
        (np.zeros((3, 2)), np.zeros(2, np.int64), r"\(3, 2\) and \(2,\)"),
        (np.zeros(3), np.zeros(3, np.int64), "row, output"),
        (np.zeros((3, 1)), np.zeros(3, np.int64), "each of 2 classes, got 1"),
        (np.zeros((1, 2)), np.array([2]), "0 to 1, got 2"),
        (np.zeros((1, 2)), np.array([-1]), "0 to 1, got -1"),
        (np.array([[np.nan, 0]]), np.array([0]), "finite"),
        (np.array([[np.inf, 0]]), np.array([0]), "finite"),
    ],
)
def test_what_does_not_fit_is_named(logits: np.ndarray, targets: np.ndarray, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        evaluate(logits, targets, ("a", "b"))


def test_a_confusion_matrix_of_many_classes_is_recorded_by_its_filled_cells(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(50, 7)), rng.integers(0, 6, 50)
    names = tuple("abcdef")
    whole = evaluate(logits, targets, names)
    monkeypatch.setattr(classification, "MOST_IN_FULL", 5)
    found = evaluate(logits, targets, names)
    assert Evaluation.from_json(found.to_json()) == found
    assert isinstance(found.confusion, FilledCells)
    assert len(found.confusion.rows) <= 50
    np.testing.assert_array_equal(found.counts.toarray(), np.array(whole.confusion))
    assert replace(found, confusion=whole.confusion) == whole
    monkeypatch.setattr(probabilities, "_NUMBERS_AT_ONCE", 20)
    assert evaluate(logits, targets, names) == found
