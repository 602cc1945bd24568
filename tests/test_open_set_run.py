"""Open-set questions from the run to the table and the report, on digits through the real runner."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student_t
from sklearn.metrics import average_precision_score, roc_auc_score

from command_line import mlplab
from mlplab.analysis.open_set import evaluating
from mlplab.analysis.open_set.all_splits import detectors_over_splits, pair_effects
from mlplab.analysis.open_set.evaluating import evaluate, pending_tests
from mlplab.analysis.open_set.evaluating import tests_of as kept_tests
from mlplab.analysis.open_set.findings import from_json, thinned, to_json
from mlplab.analysis.open_set.measuring import measure
from mlplab.analysis.open_set.rows import open_set_rows
from mlplab.analysis.open_set.table import COLUMNS
from mlplab.analysis.open_set.tasks import tasks_of
from mlplab.data.preparation import prepare
from mlplab.declarations.open_set_detectors import AFTER_TRAINING, DETECTORS
from mlplab.declarations.problems import BadInput
from mlplab.openset.auroc import auroc
from mlplab.openset.detectors.registry import make
from mlplab.openset.from_weights import activations_from_weights
from mlplab.openset.intervals import wilson
from mlplab.openset.threshold import calibrate
from mlplab.report.chapters.open_set import chapter
from mlplab.report.context import Context
from mlplab.report.open_set_words import why_centres
from mlplab.runner.events import UnknownsTested
from mlplab.study import Study, open_results

ASKED = {
    "name": "asked",
    "data": {"name": "digits"},
    "training": {"steps": 120, "batch_size": 32, "evaluate_every": 60},
    "seeds": 2,
    "networks": {
        "small": {
            "hidden": [24],
            "optimizer": {"name": "adam", "learning_rate": 0.005},
            "open_set_only": True,
        }
    },
    "open_set": [
        {
            "known": [0, 1, 2, 3, 4],
            "unknown": [5, 6, 7, 8, 9],
            "calibration": 0.2,
            "steps": [30],
            "detectors": [
                *AFTER_TRAINING,
                {"name": "class centre", "centres": "running"},
                {"name": "class centre", "one_sided": True},
                {"name": "class centre", "normalise": True},
                {"name": "class centre", "normalise": True, "clusters": 5},
                "class anchor",
                "centre loss",
            ],
        },
        {
            "known": [0, 1, 2, 3, 4],
            "negative": [5, 6, 7],
            "unknown": [8, 9],
            "calibration": 0.2,
            "threshold_by_class": True,
            "detectors": [
                "softmax",
                "sigmoid output",
                "background class",
                "entropic",
                "objectosphere",
                "energy margin",
            ],
        },
        {
            "known": [0, 1, 2, 3, 4],
            "negative": [5, 6, 7, 8, 9],
            "unknown": [5, 6, 7, 8, 9],
            "calibration": 0.2,
            "closed": True,
            "detectors": ["sigmoid output"],
        },
    ],
}
OPEN, NEGATIVES = "0-4 known, 5-9 unknown", "0-4 known, 5-7 negative, 8, 9 unknown"


def write(folder: Path, values: dict) -> Path:
    path = folder / f"{values['name']}.json"
    path.write_text(json.dumps(values))
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The results, and the events told while they were made."""
    folder = tmp_path_factory.mktemp("open-set")
    told: list = []
    results = Study.load(write(folder, ASKED)).run(folder, on_event=told.append)
    return results, told


@pytest.fixture(scope="module")
def table(ran) -> pd.DataFrame:
    return ran[0].open_set()


def test_every_detector_is_tested_on_every_seed(ran, table):
    results, told = ran
    assert tuple(table.columns) == COLUMNS
    assert set(table["study"]) == {"asked"}
    whole = table[table["network"] == "small"]
    assert not table["value"].isna().any()
    assert (table["reason"] == "").all()
    assert set(table["network"]) == {"small", "small · 30 steps"}
    for seed in (0, 1):
        found = set(whole[whole["seed"] == seed]["detector"])
        assert set(DETECTORS) <= found
    assert not [text for test in kept_tests(results) for text in test.finding.refusals]
    tested = [event for event in told if isinstance(event, UnknownsTested)]
    # told of the first as it begins, and of each as it is done
    assert [event.done for event in tested] == list(range(len(pending_tests(results)) + 1))
    assert {event.of for event in tested} == {len(pending_tests(results))}


def test_what_is_kept_is_not_made_again(ran, monkeypatch):
    results, _ = ran
    again = open_results(results.folder)
    monkeypatch.setattr(evaluating, "measure", lambda *a, **k: pytest.fail("made again"))
    evaluate(again)
    pd.testing.assert_frame_equal(again.open_set(), results.open_set())


def test_a_stopped_evaluation_goes_on_where_it_was(ran, table, tmp_path, monkeypatch):
    results, _ = ran
    shutil.copytree(results.folder, tmp_path / "asked")
    again = open_results(tmp_path / "asked")
    real, made = evaluating.measure, []

    def stop(*arguments, **named):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(named["by"])
        return real(*arguments, **named)

    # another method of judging makes every test a new one
    monkeypatch.setattr(evaluating, "METHOD", -1)
    monkeypatch.setattr(evaluating, "measure", stop)
    with pytest.raises(KeyboardInterrupt):
        evaluate(again)
    assert len(kept_tests(again)) == 3
    monkeypatch.setattr(evaluating, "measure", real)
    left: list = []
    evaluate(again, lambda *event: left.append(event))
    assert [event[2:] for event in left] == [
        (done, len(pending_tests(again)) - 3) for done in range(len(left))
    ]
    assert len(left) == len(pending_tests(again)) - 3 + 1
    pd.testing.assert_frame_equal(again.open_set(), table)


def scores_by_hand(results, name: str, seed: int, detector: str):
    """Scores of calibration, known and unknown rows, from the weights and the library alone."""
    network = results.study.networks[name]
    data = prepare(network.data, Path(), roles=network.roles)
    layers = results.weights(name, seed)

    def seen(rows):
        return activations_from_weights(data.inputs[rows], layers)

    labels = data.label_map[data.labels[data.train_rows]]
    fitted = make(detector).fit(seen(data.train_rows), labels)
    parts = (data.calibration_rows, data.test_rows, data.outside_rows)
    return tuple(fitted.score(seen(rows)) for rows in parts)


@pytest.mark.parametrize("detector", ["softmax", "class centre", "nearest neighbours"])
def test_measures_are_those_of_the_scores(ran, table, detector):
    results, _ = ran
    calibration, known, unknown = scores_by_hand(
        results, "small · 0-4 known · calibration 0.2", 1, detector
    )
    its = table[
        (table["network"] == "small") & (table["seed"] == 1)
        & (table["split"] == OPEN) & (table["detector"] == detector)
    ].set_index("metric")["value"]  # fmt: skip
    true = np.repeat([0, 1], [len(known), len(unknown)])
    together = np.concatenate([known, unknown])
    assert its["auroc"] == pytest.approx(roc_auc_score(true, together), abs=1e-12)
    assert its["aupr_unknown_positive"] == pytest.approx(
        average_precision_score(true, together), abs=1e-12
    )
    assert its["aupr_known_positive"] == pytest.approx(
        average_precision_score(1 - true, -together), abs=1e-12
    )
    threshold = calibrate(calibration, 0.05)
    assert its["threshold"] == threshold.value
    assert its["known_rejected"] == np.mean(known > threshold.value)
    assert its["recall_of_unknown"] == np.mean(unknown > threshold.value)
    assert its["oscr"] <= min(its["auroc"], its["accuracy_on_known_before"])


def test_shares_of_each_unknown_class_add_up(table):
    its = table[(table["detector"] == "softmax") & (table["split"] == OPEN)]
    its = its[(its["network"] == "small") & (its["seed"] == 0)].set_index("metric")["value"]
    for unknown in "56789":
        before = [its[f"{unknown}_taken_for_{known}"] for known in "01234"]
        after = [its[f"{unknown}_taken_for_{known}_after_rejection"] for known in "01234"]
        assert sum(before) == pytest.approx(1)
        assert sum(after) + its[f"{unknown}_rejected"] == pytest.approx(1)
        assert all(a <= b + 1e-12 for a, b in zip(after, before, strict=True))


def test_running_centres_are_kept_and_others_keep_none(ran):
    results, _ = ran
    running = results.centres("small · 0-4 known · running centres · calibration 0.2", 0)
    assert running.shape == (5, 24)
    assert results.centres("small · 0-4 known · calibration 0.2", 0) is None
    name = "small · 0-4 known · running centres · calibration 0.2"
    # a weight of 0 leaves training as it is: both networks are the same but for rounding
    for one, other in zip(
        results.weights(name, 0),
        results.weights("small · 0-4 known · calibration 0.2", 0),
        strict=True,
    ):
        np.testing.assert_allclose(one[0], other[0], atol=1e-5)


def test_ledger_and_threshold_say_what_was_touched(ran):
    finding = kept_tests(ran[0])[0].finding
    assert any(line.startswith("thresholds: 144 rows") for line in finding.ledger)
    assert any("test rows of unknown classes" in line for line in finding.ledger)
    assert all("no promise about unknown ones" in d.guarantee for d in finding.detectors)
    assert all("alone as in a batch" in d.health for d in finding.detectors)


def test_thresholds_by_predicted_class(ran):
    found = [t for t in kept_tests(ran[0]) if t.variant.split.title == NEGATIVES]
    assert found
    for test in found:
        for detector in test.finding.detectors:
            assert len(detector.threshold) == 5


def test_negatives_are_told_well_when_they_are_what_is_tested(table):
    closed = table[table["split"].str.startswith("closed six-way")]
    assert closed[closed["metric"] == "auroc"]["value"].min() > 0.95
    assert (closed[closed["metric"] == "openness"]["value"] == 0).all()


def test_findings_survive_being_kept(ran):
    finding = kept_tests(ran[0])[0].finding
    assert from_json(to_json(finding)) == finding
    curve = thinned(np.linspace(0, 1, 5000), np.linspace(0, 1, 5000) ** 2)
    assert len(curve.x) <= 162
    assert (curve.x[0], curve.x[-1], curve.y[0], curve.y[-1]) == (0, 1, 0, 1)


def test_tasks_compare_detectors_on_the_same_seeds(ran):
    results, _ = ran
    task = tasks_of(kept_tests(results), [0.05] * 3)[0]
    assert task.split.title == OPEN
    assert task.best.detector in task.may_be_best
    areas = [float(series.mean("auroc").mean) for series in task.ranked]
    assert areas == sorted(areas, reverse=True)
    one, other = task.of("nearest neighbours"), task.of("softmax")
    gap = task.difference(one, other)
    assert float(gap.mean) == pytest.approx(np.mean(one.values("auroc") - other.values("auroc")))
    # in pairs, on the same rows and seeds: groups of rows are left out of both at once
    softmax_alone, near_alone = other.mean("auroc"), one.mean("auroc")
    assert np.isfinite([gap.low, gap.high, softmax_alone.low, near_alone.high]).all()
    finding = next(iter(one.findings.values()))
    assert len(finding.without_groups["auroc"]) == 20
    assert set(finding.without_groups) == set(finding.metrics) - {"openness"}
    absorbed = task.best.absorbed()
    low, high = absorbed.intervals
    assert ((low <= absorbed.fractions + 1e-12) & (absorbed.fractions <= high + 1e-12)).all()
    rows = absorbed.by_seed[0].sum(axis=1, keepdims=True)
    assert (high - low >= np.subtract(*wilson(absorbed.fractions * rows, rows)[::-1]) - 1e-12).all()
    assert absorbed.counts.sum() == sum(run.unknown_rows for run in task.best.runs.values())
    assert absorbed.rejected == pytest.approx(
        float(np.average(task.best.values("recall_of_unknown")))
    )


@pytest.mark.parametrize("part", ["unknown", "known"])
def test_a_network_that_was_trained_on_a_test_row_is_not_judged(ran, part):
    results, _ = ran
    wanted = pending_tests(results)[0]
    network, entry = results.study.networks[wanted.variant.network], results.study.open_set[0]
    bed = open_set_rows(network, wanted.variant.split, entry, results.study.folder)
    leak = getattr(bed.rows, part)[:1]
    leaking = replace(bed.data, train_rows=np.concatenate([bed.data.train_rows, leak]))
    weights = results.weights(wanted.variant.network, wanted.seed)
    with pytest.raises(ValueError, match=f"1 test rows of {part} classes .* influence weights"):
        measure(
            replace(bed, data=leaking), weights, network, entry, wanted.variant.detectors,
            centres=None, by="small", in_full=False,
        )  # fmt: skip


def test_anchors_are_those_that_the_network_was_trained_towards(tmp_path):
    template = {**ASKED["networks"]["small"], "objective": {"name": "class anchor", "magnitude": 3}}
    values = {
        **ASKED,
        "name": "anchored",
        "seeds": 1,
        "networks": {"small": template},
        "open_set": [{"known": [0, 1, 2, 3, 4], "unknown": [5, 6], "calibration": 0.2,
                      "detectors": ["class anchor", {"name": "class anchor", "magnitude": 10}]}],
    }  # fmt: skip
    table = Study.load(write(tmp_path, values)).run(tmp_path).open_set()
    own, far = table[table["metric"] == "auroc"]["value"]
    results = open_results(tmp_path / "anchored")
    wanted = pending_tests(results)[0]
    network, entry = results.study.networks[wanted.variant.network], results.study.open_set[0]
    bed = open_set_rows(network, wanted.variant.split, entry, tmp_path)
    weights = results.weights(wanted.variant.network, 0)
    fitted = make("class anchor", magnitude=3.0).fit(
        activations_from_weights(bed.inputs(bed.rows.fitted), weights, "relu"),
        bed.outputs(bed.rows.fitted),
    )
    known, unknown = (
        fitted.score(activations_from_weights(inputs, weights, "relu"))
        for inputs in (bed.inputs(bed.rows.known), bed.unknowns.inputs)
    )
    assert own == pytest.approx(auroc(known, unknown))
    assert own != far


def test_a_test_row_is_in_the_same_group_whichever_classes_are_known(ran):
    results, _ = ran
    network = results.study.networks["small · 0-4 known · calibration 0.2"]
    entry = results.study.open_set[0]
    first = open_set_rows(
        network, pending_tests(results)[0].variant.split, entry, results.study.folder
    )
    swapped = replace(
        pending_tests(results)[0].variant.split, known=tuple("56789"), unknown=tuple("01234")
    )
    roles = network.roles.model_copy(update={"known": swapped.known})
    other = open_set_rows(
        network.model_copy(update={"roles": roles}), swapped, entry, results.study.folder
    )
    np.testing.assert_array_equal(first.rows.known, other.rows.unknown)
    np.testing.assert_array_equal(first.groups, other.unknowns.groups)
    np.testing.assert_array_equal(first.unknowns.groups, other.groups)
    assert set(first.groups) == set(range(20))


def test_the_report_begins_with_the_answer(ran):
    found = chapter(Context(ran[0]))
    leads = [block.text for block in found.blocks if getattr(block, "lead", False)]
    assert leads[0].startswith("**On the classes it knows**")
    assert "With rejection" in leads[1]
    assert "The best detector" in leads[2]
    assert "distance to the centre" in leads[3]
    assert "sigmoid output" in leads[4]
    assert not any("remedy" in lead or "the report" in lead for lead in leads)
    assert "closed six-way task" in leads[4]
    kinds = {figure.name.split("-")[2] for figure in found.figures}
    wanted = {
        "absorbed",
        "ranking",
        "scores",
        "roc",
        "oscr",
        "mistakes",
        "steps",
        "along",
        "remedy",
    }
    assert wanted <= kinds
    for figure in found.figures:
        assert figure.caption
        assert len(figure.table)


def test_the_report_says_why_centres_do_as_they_do(ran):
    results, _ = ran
    task = tasks_of(kept_tests(results), [0.05] * 3)[0]
    reasons = " ".join(why_centres(task))
    seen = [run.centre for run in task.of("class centre").runs.values()]
    beyond = np.mean([e.unknown_beyond for e in seen])
    assert f"{beyond:.0%} of unknown ones" in reasons
    assert f"AUROC of {np.mean([e.shortfall_auroc for e in seen]):.3f} by itself" in reasons
    assert f"{np.mean([e.spread_in_few for e in seen]):.0%} of the variance" in reasons
    mended = float(task.of("class centre (directions)").mean("auroc").mean)
    assert f"{mended:.3f}" in reasons


def test_export_writes_the_tidy_table(ran, tmp_path):
    results, _ = ran
    ended = mlplab("export", results.folder, "--open-set", "open-set.csv", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    read = pd.read_csv(tmp_path / "open-set.csv")
    assert tuple(read.columns) == COLUMNS
    assert "auroc" in set(read["metric"])
    assert len(read) == len(results.open_set())


def test_another_set_as_unknown(tmp_path):
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 17, (60, 64)).astype(np.uint8)
    np.savez(tmp_path / "noise.npz", x=inputs, y=np.repeat([0, 1], 30))
    question = {
        "known": [0, 1, 2],
        "unknown_data": {"format": "npz", "path": "noise.npz", "test": 0.5},
        "detectors": ["softmax", "nearest neighbours"],
    }
    values = {**ASKED, "name": "noise", "seeds": 1, "open_set": [question]}
    results = Study.load(write(tmp_path, values)).run(tmp_path)
    table = results.open_set()
    assert set(table["split"]) == {"0-2 known, the npz data unknown"}
    near = table[(table["metric"] == "auroc") & (table["detector"] == "nearest neighbours")]
    assert near["value"].item() > 0.9
    finding = kept_tests(results)[0].finding
    assert finding.unknown == ("the npz data 0", "the npz data 1")
    assert finding.unknown_rows == 30


def refused_before_training(folder: Path, values: dict, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        Study.load(write(folder, values)).run(folder / "results")
    assert len(refused.value.problems) == 1
    assert not (folder / "results").exists()


def four_kinds_of_noise(folder: Path) -> dict:
    """60 rows of each class: those of a class have its number of fours among zeros."""
    labels = np.repeat([0, 1, 2, 3], 60)
    inputs = np.where(np.arange(64) < 10 * labels[:, None], 4, 0).astype(np.uint8)
    inputs += np.random.default_rng(0).integers(0, 3, inputs.shape).astype(np.uint8)
    np.savez(folder / "noise.npz", x=inputs, y=np.array(["a", "b", "c", "d"])[labels])
    return {"format": "npz", "path": "noise.npz", "test": 0.5}


def test_only_the_named_classes_of_another_set_are_unknown(tmp_path):
    other = four_kinds_of_noise(tmp_path)
    asked = {"known": [0, 1, 2], "detectors": ["softmax"]}
    entries = [{**asked, "unknown_data": {**other, "classes": [one]}} for one in ("d", "b")]
    entries += [{**asked, "unknown_data": {**other, "classes": ["d", "b"]}}]
    values = {**ASKED, "name": "some", "seeds": 1, "open_set": entries}
    found = [t.finding for t in kept_tests(Study.load(write(tmp_path, values)).run(tmp_path))]
    assert [f.unknown for f in found] == [
        ("the npz data d",),
        ("the npz data b",),
        ("the npz data d", "the npz data b"),
    ]
    assert [f.unknown_rows for f in found] == [30, 30, 60]
    assert found[2].absorbed == (*found[0].absorbed, *found[1].absorbed)
    assert found[0].absorbed != found[1].absorbed


@pytest.mark.parametrize(
    ("classes", "words"),
    [(["e"], 'a class of the npz data: "a", "b"'), (["a", 0], '"a" a second time')],
)
def test_classes_that_own_data_do_not_have_are_told_before_training(tmp_path, classes, words):
    other = {**four_kinds_of_noise(tmp_path), "classes": classes}
    question = {"known": [0, 1, 2], "unknown_data": other, "detectors": ["softmax"]}
    values = {**ASKED, "name": "some", "open_set": [question]}
    refused_before_training(tmp_path, values, words)


def test_another_set_may_be_of_one_class(tmp_path):
    inputs = np.random.default_rng(0).integers(0, 17, (60, 64)).astype(np.uint8)
    np.savez(tmp_path / "noise.npz", x=inputs, y=np.zeros(60, dtype=int))
    other = {"format": "npz", "path": "noise.npz"}
    question = {"known": [0, 1, 2], "unknown_data": other, "detectors": ["softmax"]}
    values = {**ASKED, "name": "one", "seeds": 1, "open_set": [question]}
    (test,) = kept_tests(Study.load(write(tmp_path, values)).run(tmp_path))
    assert test.finding.unknown == ("the npz data 0",)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"known": [0, 1], "unknown": [7]}, r"open_set\[0\].unknown\[0\]: expected a class of"),
        ({"splits": "usual 6/4"}, r"open_set\[0\].splits: expected the ten digits"),
    ],
)
def test_what_only_own_data_tell_is_told_before_training(tmp_path, question, words):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "three.npz", x=rng.random((90, 5)), y=np.arange(90) % 3)
    data = {"format": "npz", "path": "three.npz"}
    asked = {**question, "detectors": ["softmax"]}
    values = {**ASKED, "name": "three", "data": data, "open_set": [asked]}
    refused_before_training(tmp_path, values, words)


def test_another_set_of_other_features_is_refused(tmp_path):
    np.savez(
        tmp_path / "noise.npz", x=np.random.default_rng(0).random((40, 7)), y=np.arange(40) % 2
    )
    question = {
        "known": [0, 1, 2],
        "unknown_data": {"format": "npz", "path": "noise.npz"},
        "detectors": ["softmax"],
    }
    values = {**ASKED, "name": "noise", "seeds": 1, "open_set": [question]}
    refused_before_training(tmp_path, values, "64 features, as digits has, but got .* with 7")


def test_unknown_classes_without_test_rows_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"x_train": rng.random((60, 5)), "y_train": np.arange(60) % 3}
    arrays |= {"x_test": rng.random((20, 5)), "y_test": np.arange(20) % 2}
    np.savez(tmp_path / "three.npz", **arrays)
    values = {
        **ASKED,
        "name": "three",
        "data": {"format": "npz", "path": "three.npz"},
        "seeds": 1,
        "open_set": [{"known": [0, 1], "unknown": [2], "detectors": ["softmax"]}],
    }
    refused_before_training(tmp_path, values, r"expected test rows of the unknown classes \(2\)")


def test_many_splits_are_looked_at_together(tmp_path):
    training = {"steps": 60, "batch_size": 32, "evaluate_every": 60}
    question = {"splits": "all", "known": 9, "detectors": ["softmax", "energy"]}
    values = {**ASKED, "name": "all", "seeds": 1, "training": training, "open_set": [question]}
    results = Study.load(write(tmp_path, values)).run(tmp_path)
    found = chapter(Context(results))
    names = [figure.name for figure in found.figures]
    assert names[0] == "open-set-all-splits"
    assert "open-set-pairs" in names
    tasks = tasks_of(kept_tests(results), [0.05])
    effects = pair_effects(tasks, "softmax")
    assert len(effects) == 45
    # nine known of ten: a pair is apart in the two splits that leave out one of the two
    areas = {t.split.unknown[0]: float(t.of("softmax").mean("auroc").mean) for t in tasks}
    first = effects[0]
    apart = np.mean([areas[first.first], areas[first.second]])
    rest = np.mean([v for c, v in areas.items() if c not in (first.first, first.second)])
    assert float(first.effect.mean) == pytest.approx(apart - rest)
    assert float(first.effect.low) < float(first.effect.mean) < float(first.effect.high)
    lines = {line.detector: line for line in detectors_over_splits(tasks, tasks[:5])}
    energy = {t.split.unknown[0]: float(t.of("energy").mean("auroc").mean) for t in tasks}
    gaps = np.array([energy[c] - areas[c] for c in areas])
    gap = lines["energy"].less_softmax
    assert float(gap.mean) == pytest.approx(gaps.mean())
    # One seed: the interval is over test rows, by the jackknife of the mean over all splits.
    left_out = np.mean(
        [
            np.subtract(
                *(t.of(d).findings[0].without_groups["auroc"] for d in ("energy", "softmax"))
            )
            for t in tasks
        ],
        axis=0,
    )
    assert left_out.shape == (20,)
    variance = 19 / 20 * np.square(left_out - left_out.mean()).sum()
    half = student_t.ppf(0.975, 19) * np.sqrt(variance)
    assert float(gap.high) - float(gap.mean) == pytest.approx(half)
    assert lines["energy"].above_softmax == np.mean(gaps > 0)
    assert lines["softmax"].less_softmax is None
    assert float(lines["softmax"].usual.mean) == pytest.approx(np.mean(list(areas.values())[:5]))
    assert lines["softmax"].below_usual == np.mean(
        np.array(list(areas.values())) < float(lines["softmax"].usual.mean)
    )


@pytest.mark.mnist
@pytest.mark.slow
def test_config10_on_mnist_is_as_measured(tmp_path):
    """Three seeds of the report's network; ten seeds are in docs/detectors.md."""
    values = {
        "name": "half",
        "data": {"name": "mnist"},
        "training": {"steps": 2000, "batch_size": 256, "evaluate_every": 2000},
        "seeds": 3,
        "initial_weights": {"distribution": "uniform", "low": -0.05, "high": 0.05},
        "networks": {
            "config10": {
                "hidden": [256, 512],
                "optimizer": {
                    "name": "adam",
                    "learning_rate": 0.001,
                    "epsilon_placement": "before_correction",
                },
                "open_set_only": True,
            }
        },
        "open_set": [
            {
                "known": [0, 1, 2, 3, 4],
                "unknown": [5, 6, 7, 8, 9],
                "detectors": ["softmax", "class centre", "nearest neighbours"],
            }
        ],
    }
    table = Study.load(write(tmp_path, values)).run(tmp_path).open_set()
    by_seed = table.pivot(index=["detector", "metric"], columns="seed", values="value")
    assert by_seed.shape[1] == 3
    assert (by_seed.loc["softmax", "accuracy_on_known_before"] >= 0.992).all()
    assert by_seed.loc["softmax", "9_taken_for_4"].between(0.75, 0.90).all()
    assert by_seed.loc["softmax", "auroc"].between(0.91, 0.94).all()
    assert (by_seed.loc["nearest neighbours", "auroc"] >= 0.955).all()
    assert (by_seed.loc["class centre", "auroc"] < by_seed.loc["softmax", "auroc"]).all()
