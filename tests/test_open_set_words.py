"""What the report says of unknown classes, held against the numbers it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from made_tests import GUARANTEE, areas_task, chapter_of, evidence, finding, made, task, texts
from mlplab.figures.open_set.separation import ranking_figure
from mlplab.openset.threshold import NO_PROMISE
from mlplab.report.open_set_words import CHOSEN, _last_step, _two_sided, answer, remedies
from mlplab.statistics.intervals import t_interval
from mlplab.statistics.rows_and_seeds import over_rows_and_seeds

NEAR = {"softmax": [0.951, 0.950, 0.949], "sigmoid output": [0.901, 0.899, 0.900]}
"""Far apart over seeds, which says nothing of other rows."""


def left_out(found) -> list[str]:
    """Detectors that may not be the best although their difference from it holds 0."""
    return [
        series.detector
        for series in found.ranked
        if series.detector not in found.may_be_best
        and float(found.difference(series, found.best).high) >= 0
    ]


def test_seeds_alone_exclude_nothing_that_other_rows_might_turn_round():
    unsure, sure = areas_task(NEAR, rows=0.01), areas_task(NEAR, rows=0.0001)
    gap = unsure.difference(unsure.of("sigmoid output"), unsure.best)
    assert float(gap.low) < 0 < float(gap.high)
    assert unsure.may_be_best == ("softmax", "sigmoid output")
    assert "3 seeds and their test rows do not exclude sigmoid output" in answer(unsure)[2]
    assert sure.may_be_best == ("softmax",)
    assert "3 seeds and their test rows exclude every other as the best" in answer(sure)[2]


@pytest.mark.parametrize("rows", [None, 0.0, 0.0005, 0.001])
@pytest.mark.parametrize("detectors", [2, 3, 8])
def test_none_is_left_out_whose_difference_holds_0(rows, detectors):
    rng, excluded = np.random.default_rng(7), 0
    for _ in range(20):
        middles = 0.9 - 0.04 * rng.random(detectors)
        areas = {f"d{i}": m + 0.001 * rng.standard_normal(3) for i, m in enumerate(middles)}
        found = areas_task(areas, rows=rows)
        assert left_out(found) == []
        excluded += detectors - len(found.may_be_best)
    assert excluded


def test_many_others_are_compared_with_more_care():
    areas = {"best": [0.9, 0.9, 0.9], "second": [0.889, 0.89, 0.891]}
    assert areas_task(areas, rows=None).may_be_best == ("best",)
    many = areas | {f"other {i}": [0.5, 0.5, 0.5] for i in range(40)}
    assert "second" in areas_task(many, rows=None).may_be_best


def test_without_groups_of_rows_the_best_is_that_of_these_rows():
    found = areas_task(NEAR, rows=None)
    assert not found.covers_rows
    assert found.may_be_best == ("softmax",)
    assert "on these test rows, 3 seeds exclude every other" in answer(found)[2]
    assert "best on these test rows" in ranking_figure(found, "ranking").caption


def test_detectors_with_and_without_groups_are_compared_on_these_rows():
    tests = [
        made(finding("softmax", {"auroc": a}), finding("energy", {"auroc": a - 0.1}, rows=None),
               seed=seed)
        for seed, a in enumerate((0.9, 0.91))
    ]  # fmt: skip
    found = task(*tests)
    assert not found.covers_rows
    assert left_out(found) == []


def test_seeds_with_and_without_groups_have_an_interval_over_seeds():
    tests = [made(finding("softmax", {"auroc": a}, rows=r), seed=s)
             for s, (a, r) in enumerate([(0.9, 0.001), (0.905, None)])]  # fmt: skip
    mean = task(*tests).best.mean("auroc")
    assert float(mean.low) == pytest.approx(t_interval([0.9, 0.905]).low)


def test_one_seed_excludes_nothing():
    found = areas_task({name: values[:1] for name, values in NEAR.items()})
    assert found.may_be_best == ("softmax", "sigmoid output")
    assert "one seed says nothing of which is the best for another" in answer(found)[2]


def test_the_leading_accuracy_has_the_interval_of_the_table():
    before = "accuracy_on_known_before"
    values = [0.950, 0.951, 0.949]
    tests = [
        made(finding("softmax", {before: v}, rows=0.002), accuracy=v, seed=s)
        for s, v in enumerate(values)
    ]
    groups = [t.finding.detectors[0].without_groups[before] for t in tests]
    both = over_rows_and_seeds(values, np.array(groups))
    assert both.high - both.low > 3 * float(t_interval(values).high - t_interval(values).low)
    half = (both.high - both.low) / 2
    assert f"**{float(both.mean):.4f} ± {half:.4f}**" in answer(task(*tests))[0]
    table = " ".join(texts(chapter_of(tests).blocks))
    assert f"{float(both.mean):.4f} ± {half:.4f}" in table


def test_the_promise_is_told_of_the_calibration_set_that_seeds_share():
    areas = {"softmax": [0.9, 0.91, 0.92]}
    told = answer(areas_task(areas))[1]
    assert GUARANTEE in told
    assert "All 3 seeds share this calibration set." in told
    one = answer(areas_task({"softmax": [0.9]}))[1]
    assert GUARANTEE in one
    assert "share" not in one


def test_promises_that_differ_are_told_in_general():
    tied = GUARANTEE.replace("for this one", "for this one, at most")
    tests = [made(finding("softmax", guarantee=g), seed=s) for s, g in enumerate((GUARANTEE, tied))]
    told = answer(task(*tests))[1]
    assert "promises to reject at most 5% of known inputs on average" in told
    assert "All 2 seeds share one calibration set" in told
    assert NO_PROMISE in told
    by_class = [made(finding("softmax", threshold=(0.5, 0.4, 0.3)))]
    assert NO_PROMISE in answer(task(*by_class))[1]
    assert "share" not in answer(task(*by_class))[1]


@pytest.mark.parametrize("best", ["softmax", "energy"])
def test_no_promise_about_unknown_inputs_is_told_whichever_is_best(best):
    areas = {"softmax": [0.8, 0.8], "energy": [0.8, 0.81], best: [0.9, 0.91]}
    assert NO_PROMISE in answer(areas_task(areas))[1]


def test_leading_rates_have_intervals():
    tests = [
        made(
            finding("softmax", {"recall_of_unknown": r}), finding("energy", {"auroc": 0.8}), seed=s
        )
        for s, r in enumerate((0.40, 0.44))
    ]
    found = task(*tests)
    told = answer(found)[1]
    for metric in ("recall_of_unknown", "known_rejected", "accuracy_on_known_after"):
        mean = found.best.mean(metric)
        low, high = max(float(mean.low), 0), min(float(mean.high), 1)
        assert f"{100 * float(mean.mean):.1f}% ({100 * low:.1f}-" in told, metric
        assert high > low


def test_the_best_is_said_to_be_chosen_on_these_rows_where_there_was_a_choice():
    areas = {
        "softmax": [0.9, 0.91],
        "class centre": [0.7, 0.7],
        "class centre (one-sided)": [0.75, 0.75],
        "class centre (directions)": [0.8, 0.8],
    }
    found = areas_task(areas)
    _, rejection, best = answer(found)
    assert CHOSEN in rejection
    assert CHOSEN in best
    (first,) = remedies([found], True)
    assert f"best variant (directions, {CHOSEN})" in first
    assert f"(directions, {CHOSEN})" in _last_step(found)
    alone = areas_task({"softmax": [0.9, 0.91]})
    assert not any(CHOSEN in sentence for sentence in answer(alone))
    two = areas_task({n: areas[n] for n in ("class centre", "class centre (one-sided)")})
    assert not any(CHOSEN in sentence for sentence in (*remedies([two], True), _last_step(two)))


def test_detectors_of_one_auroc_are_told_together():
    areas = {"softmax": [1.0, 1.0], "energy": [1.0, 1.0], "class centre": [0.9, 0.91]}
    told = answer(areas_task(areas, rows=None))[2]
    assert "best detector" not in told
    assert "softmax and energy all have an AUROC of" in told
    found = areas_task(areas, rows=None)
    # every row of every seed apart, which is no certainty
    assert 0.96 < float(found.best.mean("auroc").low) < 1
    gap = found.difference(found.of("energy"), found.of("softmax"))
    assert float(gap.low) < 0 == float(gap.mean) < float(gap.high)


def test_remedies_are_the_reports_only_in_its_own_study():
    found = areas_task({"softmax": [0.9, 0.91], "class centre": [0.7, 0.71]})
    assert "first remedy" in remedies([found], True)[0]
    (other,) = remedies([found], False)
    assert "remedy" not in other
    assert "report" not in other


def test_the_best_is_said_once():
    found = chapter_of([made(finding("softmax", {"auroc": a}), finding("energy"), seed=s)
                        for s, a in enumerate((0.95, 0.96))])  # fmt: skip
    told = " ".join(texts(found.blocks))
    assert told.count("exclude every other") + told.count("do not exclude") == 1


@pytest.mark.parametrize("beyond", [0.05, 0.95])
def test_how_sure_a_network_is_of_far_rows_is_not_said_for_it_is_not_measured(beyond):
    found = areas_task({"class centre": [0.7, 0.7]})
    words = _two_sided(vars(evidence(beyond)), found, found.best)
    assert f"{beyond:.0%} reach beyond." in words
    assert "sure" not in words
