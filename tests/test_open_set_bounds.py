"""Ten thousand classes, hundreds of them unknown: what is drawn and said is bounded, and says so."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np

from made_tests import finding, made, task
from mlplab.analysis.open_set import table
from mlplab.analysis.open_set.table import MOST_PAIRS, open_set_table
from mlplab.declarations.resolving.open_set_networks import NamedSplit
from mlplab.figures.open_set.absorption import MOST, absorption_figure
from mlplab.openset.detectors.centres import Centres
from mlplab.openset.rejection import rejection_outcome
from mlplab.openset.threshold import calibrate_by_class
from mlplab.words import listed_classes

KNOWN = tuple(f"species {i}" for i in range(10_000))
UNKNOWN = tuple(f"other {i}" for i in range(300))


def many():
    """One network: row r of unknown class u is taken for the known class 7u + r."""
    test = made(finding("softmax"), split=NamedSplit(known=("0", "1", "2"), unknown=("3", "4")))
    before = np.zeros((len(UNKNOWN), len(KNOWN)), dtype=int)
    for u in range(len(UNKNOWN)):
        before[u, 7 * u : 7 * u + 3] = (6, 3, 1)
    after = np.column_stack([before, before.sum(axis=1)])
    after[:, :-1] = before // 2
    after[:, -1] = before.sum(axis=1) - after[:, :-1].sum(axis=1)
    (only,) = test.finding.detectors
    object.__setattr__(only, "absorbed", tuple(map(tuple, after.tolist())))
    for name, value in (
        ("known", KNOWN),
        ("unknown", UNKNOWN),
        ("absorbed", tuple(map(tuple, before.tolist()))),
    ):
        object.__setattr__(test.finding, name, value)
    return test


def test_the_absorption_figure_draws_the_most_affected_and_says_what_it_leaves_out():
    found = task(many())
    figure = absorption_figure(found, found.best, "absorbed")
    assert figure.table["unknown"].nunique() == MOST
    assert figure.table["taken_for"].nunique() == MOST + 1  # and rejected
    assert "300 unknown and 10,000 known classes" in figure.caption
    assert len(figure.csv()) < 200_000
    drawn = figure.table.set_index(["rejection", "unknown", "taken_for"])
    assert drawn.loc[("before", "other 0", "species 0"), "share"] == 0.6
    assert drawn.loc[("after", "other 0", "rejected"), "share"] == 0.6


def test_the_table_has_the_pairs_that_rows_fall_on(monkeypatch):
    monkeypatch.setattr(table, "tests_of", lambda results: (many(),))
    found = open_set_table(SimpleNamespace(study=SimpleNamespace(name="a")))
    assert len(UNKNOWN) * len(KNOWN) > MOST_PAIRS
    its = found.set_index("metric")["value"]
    assert its["other 2_taken_for_species 15"] == 0.3
    assert its["other 2_taken_for_species 15_after_rejection"] == 0.1
    assert "other 2_taken_for_species 0" not in its
    assert len(found) < 3 * 300 * 3 + 500


def test_names_of_many_classes_are_cut_and_still_tell_splits_apart():
    whole, other = listed_classes(KNOWN), listed_classes((*KNOWN[:-1], "another"))
    assert len(whole) < 200
    assert "9,992 more" in whole
    assert whole != other
    forty = KNOWN[:40]
    assert listed_classes(forty) == ", ".join(forty)
    assert listed_classes([str(i) for i in range(10_000)]) == "0-9999"


def test_guarantees_and_remarks_name_a_few():
    scores = np.arange(40_000.0)
    told = calibrate_by_class(scores, np.arange(40_000) % 10_000, 10_000, 0.5).guarantee
    assert "9,988 more" in told
    assert len(told) < 1_000
    (remark,) = Centres(np.zeros((500, 1)), np.zeros(500, dtype=bool)).remarks
    assert remark.startswith("500 outputs")


def test_ten_thousand_classes_are_judged_without_a_matrix_of_all_pairs():
    draw = np.random.default_rng(0)
    labels, predicted = draw.integers(-1, 10_000, 20_000), draw.integers(0, 10_000, 20_000)
    start = time.perf_counter()
    got = rejection_outcome(labels, predicted, draw.random(20_000) < 0.1, 10_000)
    assert time.perf_counter() - start < 2
    assert 0 <= got.macro_f1 < 0.01
