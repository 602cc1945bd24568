"""Open-set questions on the same classes that test in different ways: both are there, told apart."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mlplab.analysis.open_set.evaluating import tests_of as kept_tests
from mlplab.analysis.open_set.tasks import tasks_of
from mlplab.commands.output import print_blocks
from mlplab.commands.overview import overview
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mlplab.declarations.resolving.open_set_networks import variants_of
from mlplab.report.chapters.open_set import chapter
from mlplab.report.context import Context
from mlplab.study import Study

ROLES = "0-4 known, 5-9 unknown"
HALF = {"known": [0, 1, 2, 3, 4], "unknown": [5, 6, 7, 8, 9], "detectors": ["softmax"]}
WAYS = {
    "threshold_by_class": (True, "one threshold", "thresholds by class"),
    "fit_on": (1000, "fitted on all rows", "fitted on 1,000 rows"),
    "reject_at_most": (0.015, "rejecting at most 5%", "rejecting at most 1.5%"),
    "calibration": (0.25, "calibration 0.1", "calibration 0.25"),
}


def values(*entries: dict, **more) -> dict:
    network = {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": 0.01}}
    return {
        "name": "ways",
        "data": {"name": "digits"},
        "training": {"steps": 60, "batch_size": 32, "evaluate_every": 60},
        "seeds": 1,
        "networks": {"small": {**network, "open_set_only": True}},
        "open_set": list(entries),
        **more,
    }


@pytest.fixture
def read(tmp_path):
    """Read a study of such questions."""

    def reading(*entries, **more):
        path = tmp_path / "ways.json"
        path.write_text(json.dumps(values(*entries, **more)))
        return load(path)

    return reading


def titles(study) -> list[str]:
    return [form.split.title for form in variants_of(study)]


@pytest.mark.parametrize("setting", WAYS)
def test_a_setting_that_differs_is_in_the_name(read, setting):
    value, one, other = WAYS[setting]
    found = titles(read(HALF, {**HALF, setting: value}))
    assert found == [f"{ROLES} · {one}", f"{ROLES} · {other}"]


def test_all_that_differs_is_in_the_name(read):
    found = titles(read(HALF, {**HALF, "fit_on": 50, "threshold_by_class": True}))
    assert found[1] == f"{ROLES} · thresholds by class, fitted on 50 rows"


def test_questions_that_test_alike_are_one_task_and_named_by_roles_alone(read):
    alike = {**HALF, "fit_on": 50}
    assert titles(read(alike, {**alike, "detectors": ["energy"]})) == [ROLES] * 2
    other = {**HALF, "known": [0, 1], "threshold_by_class": True}
    assert titles(read(HALF, other)) == [ROLES, "0, 1 known, 5-9 unknown"]
    networks = values()["networks"]
    networks["large"] = networks["small"]
    two = {**HALF, "networks": ["small"]}, {**alike, "networks": ["large"]}
    assert titles(read(*two, networks=networks)) == [ROLES] * 2


def test_other_sets_of_one_name_are_told_apart(read, tmp_path):
    arrays = {"x": np.zeros((20, 64)), "y": np.arange(20) % 2}
    entries = []
    for name in ("one.npz", "two.npz"):
        np.savez(tmp_path / name, **arrays)
        entries.append({"known": [0, 1, 2], "unknown_data": {"format": "npz", "path": name}})
    found = titles(read(*entries))
    assert found[0] != found[-1]
    assert found[0].endswith("one.npz")
    assert found[-1].endswith("two.npz")


def test_a_question_says_which_way_it_means(read):
    asked = {
        "ask": "Above a half?", "level_of": "small", "than": 0.5, "expect": "greater",
        "metric": {"open_set": "auroc", "detector": "softmax"},
    }  # fmt: skip
    entries = (HALF, {**HALF, "fit_on": 50})
    with pytest.raises(BadInput, match='the key "split"'):
        read(*entries, questions=[asked])
    metric = {**asked["metric"], "split": f"{ROLES} · fitted on 50 rows"}
    study = read(*entries, questions=[{**asked, "metric": metric}])
    assert len(study.questions) == 1


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The results of four ways to test one network."""
    folder = tmp_path_factory.mktemp("ways")
    entry = {**HALF, "detectors": ["softmax", "nearest neighbours"], "calibration": 0.2}
    ways = {"threshold_by_class": True}, {"fit_on": 40}, {"reject_at_most": 0.2}
    path = folder / "ways.json"
    path.write_text(json.dumps(values(entry, *({**entry, **way} for way in ways), entry)))
    return Study.load(path).run(folder)


def test_every_way_is_in_the_table_once(ran):
    table = ran.open_set()
    assert table["split"].nunique() == 4
    assert not table.duplicated(["network", "seed", "split", "detector", "metric"]).any()
    its = {title.split(" · ")[1]: rows for title, rows in table.groupby("split")}
    by_class = its["rejecting at most 5%, thresholds by class, fitted on all rows"]
    assert "threshold" not in set(by_class["metric"])

    def value(way: str, detector: str, metric: str) -> float:
        rows = its[way].set_index(["detector", "metric"])["value"]
        return float(rows[detector, metric])

    plain = "rejecting at most 5%, one threshold, fitted on all rows"
    few = "rejecting at most 5%, one threshold, fitted on 40 rows"
    more = "rejecting at most 20%, one threshold, fitted on all rows"
    near = "nearest neighbours"
    assert value(few, near, "auroc") < value(plain, near, "auroc")
    assert value(few, "softmax", "auroc") == value(plain, "softmax", "auroc")
    assert value(more, near, "known_rejected") > value(plain, near, "known_rejected")


def test_every_way_is_a_task_with_its_own_thresholds(ran):
    tasks = tasks_of(kept_tests(ran), [0.05, 0.05, 0.05, 0.2, 0.05])
    assert len(tasks) == 4
    assert [task.reject_at_most for task in tasks] == [0.05, 0.05, 0.05, 0.2]
    thresholds = [len(next(iter(task.best.findings.values())).threshold) for task in tasks]
    assert thresholds == [1, 5, 1, 1]


def test_every_way_is_shown_under_its_name(ran, capsys):
    found = chapter(Context(ran))
    drawn = [figure for figure in found.figures if "absorbed" in figure.name]
    assert len({figure.title for figure in drawn}) == 4
    assert any("thresholds by class" in figure.title for figure in drawn)
    print_blocks(overview(ran))
    told = " ".join(capsys.readouterr().out.split())
    for way in ("thresholds by class", "fitted on 40 rows", "rejecting at most 20%"):
        assert way in told
