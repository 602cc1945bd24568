"""Rows that touched weights, settings and thresholds, and unknown ones that must touch none."""

from __future__ import annotations

import numpy as np
import pytest

from mlplab.openset.ledger import Ledger


def _ledger() -> Ledger:
    return Ledger({"mnist": np.array([90, 91, 92])})


def test_the_ledger_remembers():
    ledger = (
        _ledger()
        .record_use("weights", [3, 1, 2], by="config10, seed 0", source="mnist")
        .record_use("weights", [3, 4], by="config10, seed 1", source="mnist")
        .record_use("settings", [4, 5], by="early stopping", source="mnist")
        .record_use("thresholds", [6, 7], by="softmax", source="mnist")
    )
    np.testing.assert_array_equal(ledger.rows("weights", "mnist"), [1, 2, 3, 4])
    assert len(ledger.rows("weights", "fashion-mnist")) == 0
    assert ledger.lines == (
        "weights: 4 rows of mnist",
        "settings: 2 rows of mnist",
        "thresholds: 2 rows of mnist",
        "nothing: 3 test rows of unknown classes of mnist",
    )


@pytest.mark.parametrize("purpose", ["weights", "settings", "thresholds"])
def test_touching_a_test_unknown_is_refused(purpose):
    with pytest.raises(ValueError, match=rf"2 test rows of unknown .*row 91 .* {purpose}"):
        _ledger().record_use(purpose, [5, 92, 91], by="config10", source="mnist")


@pytest.mark.parametrize("purpose", ["weights", "settings", "thresholds"])
def test_touching_a_known_test_row_is_refused_too(purpose):
    ledger = Ledger({"mnist": np.array([90])}, known_test_rows={"mnist": np.array([80, 81])})
    with pytest.raises(ValueError, match=r"1 test rows of known classes .*row 81 of mnist"):
        ledger.record_use(purpose, [5, 81], by="config10", source="mnist")


def test_the_same_row_number_of_another_set_is_another_row():
    ledger = _ledger().record_use("weights", [91], by="config10", source="kmnist")
    assert ledger.rows("weights", "kmnist").tolist() == [91]


@pytest.mark.parametrize("other", ["weights", "settings"])
def test_calibration_rows_serve_nothing_else(other):
    calibrated = _ledger().record_use("thresholds", [6, 7], by="softmax", source="mnist")
    with pytest.raises(ValueError, match="calibration rows serve nothing else"):
        calibrated.record_use(other, [7, 8], by="config10", source="mnist")
    trained = _ledger().record_use(other, [7, 8], by="config10", source="mnist")
    with pytest.raises(ValueError, match=r"1 rows of mnist \(first: row 7\)"):
        trained.record_use("thresholds", [6, 7], by="softmax", source="mnist")


def test_several_detectors_may_share_calibration_rows():
    ledger = (
        _ledger()
        .record_use("thresholds", [6], by="softmax")
        .record_use("thresholds", [6], by="gen")
    )
    assert ledger.rows("thresholds").tolist() == [6]


@pytest.mark.parametrize(
    ("purpose", "rows", "said"),
    [
        ("fun", [1], "purpose: expected weights"),
        ("weights", [-1], "rows: expected row numbers"),
        ("weights", [0.5], "rows: expected row numbers"),
    ],
)
def test_entries_that_cannot_be(purpose, rows, said):
    with pytest.raises(ValueError, match=said):
        _ledger().record_use(purpose, rows, by="config10")


def test_a_ledger_is_not_changed_by_its_successor():
    first = _ledger()
    first.record_use("weights", [1], by="config10")
    assert first.uses == ()
