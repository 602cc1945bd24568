"""Known, negative and unknown kept apart, by class and by row."""

from __future__ import annotations

import numpy as np
import pytest

from mlplab.openset.errors import OpenSetError, TouchedUnknownError
from mlplab.openset.ledger import Ledger
from mlplab.openset.roles import Roles, all_splits, usual_six_four

FIVE_FIVE = Roles(known=(0, 1, 2, 3, 4), unknown=(5, 6, 7, 8, 9))


def test_rows_and_outputs_by_role():
    roles = Roles(known=(4, 1), negative=(7,), unknown=(8, 9))
    labels = np.array([1, 4, 7, 8, 0, 4, 9])
    np.testing.assert_array_equal(roles.rows(labels, "known"), [0, 1, 5])
    np.testing.assert_array_equal(roles.rows(labels, "negative"), [2])
    np.testing.assert_array_equal(roles.rows(labels, "unknown"), [3, 6])
    np.testing.assert_array_equal(roles.outputs(labels), [1, 0, -1, -1, -1, 0, -1])
    with pytest.raises(OpenSetError, match="role: expected known, negative or unknown"):
        roles.rows(labels, "outlier")


def test_titles_say_what_the_task_is():
    assert FIVE_FIVE.title == "0-4 known, 5-9 unknown"
    honest = Roles(known=(0, 1, 2, 3, 4), negative=(5, 6, 7), unknown=(8, 9))
    assert honest.title == "0-4 known, 5-7 negative, 8, 9 unknown"
    closed = Roles(
        known=(0, 1, 2, 3, 4), negative=(5, 6, 7, 8, 9), unknown=(9, 8, 7, 6, 5), closed=True
    )
    assert closed.ways == 6
    assert closed.title.startswith("closed 6-way task: 0-4")
    assert "seen in training" in closed.title
    assert closed.openness == 0.0
    assert Roles(known=(0, 1), unknown_set="fashion-mnist").title == (
        "0, 1 known, fashion-mnist unknown"
    )


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"known": (0,), "unknown": (1,)}, "known: expected at least two classes"),
        ({"known": (0, 1)}, "unknown: expected at least one class, or another data set, came none"),
        ({"known": (0, 1, 1), "unknown": (2,)}, "known: expected each class once"),
        (
            {"known": (0, 1), "unknown": (1, 2)},
            r"unknown: expected no class that is known, came \[1\]",
        ),
        (
            {"known": (0, 1), "negative": (0,), "unknown": (2,)},
            "negative: expected no class that is k",
        ),
        ({"known": (0, 1), "negative": (2,), "unknown": (2, 3)}, r'say so with "closed": true'),
        ({"known": (0, 1), "negative": (2,), "unknown": (2,)}, r'say so with "closed": true'),
        (
            {"known": (0, 1), "negative": (2,), "unknown": (3,), "closed": True},
            "closed: expected negative and unknown to be the same classes",
        ),
        (
            {"known": (0, 1), "negative": (2,), "unknown": (2, 3), "closed": True},
            "closed: expected negative and unknown to be the same classes",
        ),
    ],
)
def test_roles_that_cannot_be(roles, said):
    with pytest.raises(OpenSetError, match=said):
        Roles(**roles)


def test_a_detector_that_needs_negatives_says_so():
    with pytest.raises(OpenSetError, match="sigmoid output: its training needs negative classes"):
        FIVE_FIVE.require_negatives("sigmoid output")
    Roles(known=(0, 1), negative=(2,), unknown=(3,)).require_negatives("sigmoid output")


def test_all_splits():
    five = list(all_splits(range(10), 5))
    assert len(five) == 252
    assert len({r.known for r in five}) == 252
    assert five[0] == FIVE_FIVE
    assert all(set(r.known) | set(r.unknown) == set(range(10)) for r in five)
    assert len(list(all_splits(range(10), 6))) == 210
    with pytest.raises(OpenSetError, match="a number of classes from 2 to 9, came 10"):
        next(all_splits(range(10), 10))


def test_the_usual_splits():
    usual = usual_six_four()
    assert [r.unknown for r in usual] == [
        (0, 1, 6, 7),
        (1, 5, 7, 8),
        (0, 1, 7, 9),
        (1, 2, 6, 9),
        (0, 1, 5, 7),
    ]
    assert [r.openness for r in usual] == pytest.approx([0.1340] * 5, abs=5e-5)
    every = {frozenset(r.known) for r in all_splits(range(10), 6)}
    assert all(frozenset(r.known) in every for r in usual)


# ----------------------------------------------------------------------- ledger


def _ledger() -> Ledger:
    return Ledger({"mnist": np.array([90, 91, 92])})


def test_the_ledger_remembers():
    ledger = (
        _ledger()
        .touched("weights", [3, 1, 2], by="config10, seed 0", source="mnist")
        .touched("weights", [3, 4], by="config10, seed 1", source="mnist")
        .touched("settings", [4, 5], by="early stopping", source="mnist")
        .touched("thresholds", [6, 7], by="softmax", source="mnist")
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
    with pytest.raises(TouchedUnknownError, match=rf"2 test rows of unknown .*row 91 .* {purpose}"):
        _ledger().touched(purpose, [5, 92, 91], by="config10", source="mnist")


def test_the_same_row_number_of_another_set_is_another_row():
    ledger = _ledger().touched("weights", [91], by="config10", source="kmnist")
    assert ledger.rows("weights", "kmnist").tolist() == [91]


@pytest.mark.parametrize("other", ["weights", "settings"])
def test_calibration_rows_serve_nothing_else(other):
    calibrated = _ledger().touched("thresholds", [6, 7], by="softmax", source="mnist")
    with pytest.raises(OpenSetError, match="calibration rows serve nothing else"):
        calibrated.touched(other, [7, 8], by="config10", source="mnist")
    trained = _ledger().touched(other, [7, 8], by="config10", source="mnist")
    with pytest.raises(OpenSetError, match=r"1 rows of mnist \(first: row 7\)"):
        trained.touched("thresholds", [6, 7], by="softmax", source="mnist")


def test_several_detectors_may_share_calibration_rows():
    ledger = _ledger().touched("thresholds", [6], by="softmax").touched("thresholds", [6], by="gen")
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
    with pytest.raises(OpenSetError, match=said):
        _ledger().touched(purpose, rows, by="config10")


def test_a_ledger_is_not_changed_by_its_successor():
    first = _ledger()
    first.touched("weights", [1], by="config10")
    assert first.touches == ()
