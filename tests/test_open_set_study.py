"""Open-set questions of a study: what they declare, which networks and rows they come to."""

from __future__ import annotations

import json
from math import comb
from pathlib import Path

import numpy as np
import pytest

from mlplab.data.preparation import prepare
from mlplab.declarations import objective as objectives
from mlplab.declarations.data import KnownData
from mlplab.declarations.loading import load
from mlplab.declarations.open_set import USUAL_SIX_FOUR
from mlplab.declarations.open_set_detectors import AFTER_TRAINING, DETECTORS
from mlplab.declarations.open_set_measures import measure_named, measures_of
from mlplab.declarations.problems import BadInput
from mlplab.declarations.resolving.open_set_networks import variants_of
from mlplab.declarations.resolving.size import size_of
from mlplab.declarations.roles import Roles
from mlplab.declarations.writing import study_json
from mlplab.openset.detectors.detector import LEARNERS
from mlplab.openset.detectors.registry import make
from mlplab.records.key import key_content
from mlplab.runner.wanted import wanted_runs

HALF = {"known": [0, 1, 2, 3, 4], "unknown": [5, 6, 7, 8, 9]}
NEGATIVE = {"known": [0, 1, 2, 3, 4], "negative": [5, 6, 7], "unknown": [8, 9]}


def declared(*questions: dict, template: bool = True, **more: object) -> dict:
    network = {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": 0.01}}
    if template:
        network["open_set_only"] = True
    return {
        "name": "asked",
        "data": {"name": "digits"},
        "training": {"steps": 40, "batch_size": 32, "evaluate_every": 20},
        "seeds": 1,
        "networks": {"small": network},
        "open_set": list(questions),
        **more,
    }


def loaded(tmp_path: Path, *questions: dict, **more: object):
    path = tmp_path / "asked.json"
    path.write_text(json.dumps(declared(*questions, **more)))
    return load(path)


def test_every_declared_detector_has_an_implementation():
    assert set(LEARNERS) == set(DETECTORS.values())
    assert [kind().name for kind in DETECTORS.values()] == list(DETECTORS)
    for name, kind in DETECTORS.items():
        assert (name in objectives.USES_NEGATIVES) == kind().needs_negatives
        assert (name in AFTER_TRAINING) == (kind().method is None)


VALUES = {
    "k": 3, "space": "logits", "normalise": True, "shrinkage": 0.5, "temperature": 2.0,
    "gamma": 0.5, "top": 2, "tail": 5, "ranks": 2, "principal": 3, "percentile": 80.0,
    "magnitude": 5.0, "one_sided": True, "clusters": 4,
}  # fmt: skip


@pytest.mark.parametrize("name", DETECTORS)
def test_every_setting_reaches_the_detector_and_its_label(tmp_path, name):
    for setting in DETECTORS[name].model_fields:
        if setting not in VALUES:
            continue
        given = {setting: VALUES[setting]}
        assert getattr(make(name, **given).settings, setting) == VALUES[setting]
        question = {**(HALF if name in AFTER_TRAINING else NEGATIVE)}
        study = loaded(tmp_path, {**question, "detectors": [{"name": name, **given}]})
        (detector,) = study.open_set[0].detectors
        assert detector == DETECTORS[name](**given)
        assert detector.model_dump() == {"name": name, **given}
        assert detector.label.startswith(f"{name} (")
        # a default that is written out is one of the label too, as studies may name it
        assert DETECTORS[name]().label == name


def test_null_is_the_default_as_older_records_write_it(tmp_path):
    every = {key: None for kind in DETECTORS.values() for key in kind.model_fields}
    old = {**every, "name": "class centre", "normalise": True, "clusters": 10}
    (detector,) = loaded(tmp_path, {**HALF, "detectors": [old]}).open_set[0].detectors
    assert detector.label == "class centre (directions, 10 a class)"
    assert detector.model_dump() == {"name": "class centre", "normalise": True, "clusters": 10}
    with pytest.raises(BadInput, match="temprature"):
        loaded(tmp_path, {**HALF, "detectors": [{"name": "energy", "temprature": None}]})


def test_names_of_measures_are_read_and_written():
    for measure in measures_of(("9", "a_b"), ("4", "c d")):
        assert measure_named(measure.name) == measure
    found = measure_named("9_taken_for_4_after_rejection")
    assert (found.kind, found.unknown, found.known) == ("taken_for_after_rejection", "9", "4")
    assert not found.before_rejection
    assert found.words == "fraction of 9 taken for 4 after rejection"
    for name in ("nothing", "_rejected", "auroc_of_", "_taken_for_4", "taken_for"):
        assert measure_named(name) is None
    # a class may be called anything
    assert measure_named("{known}_taken_for_{unknown}").words.endswith(
        "{known} taken for {unknown}"
    )
    assert measure_named("known_rejected").unknown is None


def test_every_training_method_is_a_network_of_its_own(tmp_path):
    study = loaded(
        tmp_path,
        {**HALF, "detectors": ["softmax", "energy", "class anchor"], "steps": [10]},
        {**NEGATIVE, "detectors": ["softmax", "sigmoid output"]},
    )
    assert list(study.networks) == [
        "small · 0-4 known · 10 steps",
        "small · 0-4 known",
        "small · 0-4 known · class anchor",
        "small · 0-4 known, 5-7 negative · sigmoid output",
    ]
    assert list(study.templates) == ["small"]
    sigmoid = study.networks["small · 0-4 known, 5-7 negative · sigmoid output"]
    assert sigmoid.objective.name == "sigmoid output"
    assert sigmoid.roles == Roles(known=tuple("01234"), negative=tuple("567"))
    # five classes and the sigmoid output
    assert size_of(sigmoid, 64, 10).layers == (64, 16, 6)
    assert size_of(study.networks["small · 0-4 known"], 64, 10).layers == (64, 16, 5)
    # the plain network of the second question is that of the first: negatives do not touch it
    plain = [f.network for f in variants_of(study) if f.method is None and f.steps is None]
    assert plain == ["small · 0-4 known"] * 2


def test_a_network_that_is_no_template_is_trained_on_all_classes_too(tmp_path):
    study = loaded(tmp_path, HALF, template=False)
    assert list(study.networks) == ["small", "small · 0-4 known"]


def test_a_resolved_study_reads_as_the_same(tmp_path):
    study = loaded(tmp_path, {**HALF, "steps": [10]}, {**NEGATIVE, "detectors": ["entropic"]})
    (tmp_path / "again.json").write_text(study_json(study))
    again = load(tmp_path / "again.json")
    assert (again.networks, again.templates, again.open_set) == (
        study.networks,
        study.templates,
        study.open_set,
    )


def test_titles_say_what_the_task_is(tmp_path):
    other = {"known": [0, 1], "unknown_data": {"name": "fashion-mnist"}}
    some = {"known": [0, 1], "unknown_data": {"name": "fashion-mnist", "classes": ["Bag", 5]}}
    asked = (HALF, NEGATIVE, other, {**other, "unknown": [2, 3]}, some)
    study = loaded(tmp_path, *asked, data={"name": "mnist"})
    titles = dict.fromkeys(form.split.title for form in variants_of(study))
    assert list(titles) == [
        "0-4 known, 5-9 unknown",
        "0-4 known, 5-7 negative, 8, 9 unknown",
        "0, 1 known, fashion-mnist unknown",
        "0, 1 known, 2, 3 and fashion-mnist unknown",
        "0, 1 known, fashion-mnist (Bag, Sandal) unknown",
    ]


def test_all_splits_divide_all_classes(tmp_path):
    study = loaded(tmp_path, {"splits": "all", "known": 5, "detectors": ["softmax"]})
    splits = [form.split for form in variants_of(study)]
    assert splits[0].title == "0-4 known, 5-9 unknown"
    assert len({split.known for split in splits}) == 252
    assert all(sorted((*s.known, *s.unknown)) == list("0123456789") for s in splits)


@pytest.mark.parametrize(("known", "splits"), [(5, comb(10, 5)), (6, comb(10, 6)), (9, 10)])
def test_all_splits_of_a_size(tmp_path, known, splits):
    study = loaded(tmp_path, {"splits": "all", "known": known, "detectors": ["softmax"]})
    assert len(study.networks) == splits
    assert len({network.roles for network in study.networks.values()}) == splits


def test_the_usual_splits_by_name(tmp_path):
    study = loaded(tmp_path, {"splits": "usual 6/4", "detectors": ["softmax"]})
    known = [tuple(map(int, n.roles.known)) for n in study.networks.values()]
    assert known == list(USUAL_SIX_FOUR)
    unknown = [tuple(map(int, form.split.unknown)) for form in variants_of(study)]
    assert unknown == [(0, 1, 6, 7), (1, 5, 7, 8), (0, 1, 7, 9), (1, 2, 6, 9), (0, 1, 5, 7)]


def test_selecting_a_template_selects_its_forms(tmp_path):
    path = tmp_path / "asked.json"
    values = declared(HALF)
    values["networks"]["other"] = values["networks"]["small"]
    path.write_text(json.dumps(values))
    assert list(load(path, select=["other"]).networks) == ["other · 0-4 known"]


def test_a_closed_task_is_never_called_open(tmp_path):
    five = [5, 6, 7, 8, 9]
    closed = {"known": [0, 1, 2, 3, 4], "negative": five, "unknown": five, "closed": True}
    (form,) = variants_of(loaded(tmp_path, {**closed, "detectors": ["sigmoid output"]}))
    assert form.split.title.startswith("closed six-way task")
    assert "unknown" not in form.split.title


NOISE = {"format": "npz", "path": "noise.npz"}
REFUSED = {
    "misspelt detector": (
        {**HALF, "detectors": ["softmaks"]},
        'but got "softmaks"; write {"name": "softmax"}',
    ),
    "setting of another": (
        {**HALF, "detectors": [{"name": "softmax", "k": 3}]},
        'the unknown key "k"; remove it',
    ),
    "misspelt setting": (
        {**HALF, "detectors": [{"name": "energy", "temprature": 2}]},
        'did you mean "temperature"?',
    ),
    "detector twice": ({**HALF, "detectors": ["gen", "gen"]}, "each detector once"),
    "no negatives": ({**HALF, "detectors": ["sigmoid output"]}, "needs, but got none"),
    "negative is unknown": (
        {"known": [0, 1], "negative": [5], "unknown": [5]},
        '"closed": true',
    ),
    "closed and yet open": (
        {"known": [0, 1], "negative": [5], "unknown": [6], "closed": True},
        "as the task is closed",
    ),
    "negative is known": (
        {"known": [0, 1], "negative": [0], "unknown": [2]},
        "no class that is known",
    ),
    "negative is among the unknown": (
        {"known": [0, 1], "negative": [2], "unknown": [2, 3]},
        '"closed": true',
    ),
    "closed with more unknown": (
        {"known": [0, 1], "negative": [2], "unknown": [2, 3], "closed": True},
        "as the task is closed",
    ),
    "closed with another set": (
        {
            "known": [0, 1],
            "negative": [2],
            "unknown": [2],
            "closed": True,
            "unknown_data": NOISE,
        },
        "as the task is closed",
    ),
    "other set of other features": (
        {"known": [0, 1], "unknown_data": {"name": "mnist"}},
        "a set of 64 features, as digits has, but got mnist with 784",
    ),
    "the same set again": (
        {"known": [0, 1], "unknown_data": {"name": "digits", "split_seed": 1, "classes": [7]}},
        'name its classes in "unknown"',
    ),
    "no file of the other set": (
        {"known": [0, 1], "unknown_data": {"format": "npz", "path": "nosie.npz"}},
        "where nothing is",
    ),
    "class of the other set twice": (
        {"known": [0, 1], "unknown_data": {**NOISE, "classes": [1, 1]}},
        "unknown_data.classes[1]: expected each class once",
    ),
    "validation of the other set": (
        {"known": [0, 1], "unknown_data": {**NOISE, "validation": 0.1}},
        "as only test rows of the other set are used",
    ),
    "scaling of the other set": (
        {"known": [0, 1], "unknown_data": {**NOISE, "scaling": "unit"}},
        "scaled as those of the networks are",
    ),
    "known is unknown": ({"known": [0, 1], "unknown": [1, 2]}, "no class that is known"),
    "class twice": ({"known": [0, 1, 1], "unknown": [2]}, "each class once"),
    "no such class": ({"known": [0, 1], "unknown": [12]}, "a class of digits"),
    "one known": ({"known": [0], "unknown": [2]}, "at least 2"),
    "nothing unknown": ({"known": [0, 1]}, "nothing open is tested"),
    "no roles": ({"unknown": [0, 1]}, '"splits": "all"'),
    "too many known": ({"splits": "all", "known": 10}, "from 2 to 9"),
    "all without a number": ({"splits": "all"}, "the number of known classes"),
    "network twice": ({**HALF, "networks": ["small", "small"]}, "every network once"),
    "steps of trained detectors": (
        {**NEGATIVE, "detectors": ["entropic"], "steps": [10]},
        'a detector after training beside "steps"',
    ),
    "unknown network": ({**HALF, "networks": ["smal"]}, 'did you mean "small"?'),
    "share of nothing": ({**HALF, "reject_at_most": 0}, "above 0"),
    "directions of running centres": (
        {**HALF, "detectors": [{"name": "class centre", "centres": "running", "normalise": True}]},
        'no "normalise" with running centres',
    ),
    "clusters of running centres": (
        {**HALF, "detectors": [{"name": "class centre", "centres": "running", "clusters": 3}]},
        'no "clusters" with running centres',
    ),
    "key misspelt within a split": (
        {"splits": [{"known": [0, 1], "unknwon": [2]}]},
        'did you mean "unknown"?',
    ),
    "word for a list of splits": ({"splits": "usual"}, 'did you mean "usual 6/4"?'),
    "centres of another": (
        {**HALF, "detectors": [{"name": "class centre", "centres": "anchors"}]},
        'one of "exact", "running", but got "anchors"',
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_one_sentence(tmp_path, case):
    question, words = REFUSED[case]
    np.savez(tmp_path / "noise.npz", x=np.zeros((20, 64)), y=np.arange(20) % 2)
    with pytest.raises(BadInput) as refused:
        loaded(tmp_path, question)
    assert len(refused.value.problems) == 1, refused.value
    sentence = str(refused.value.problems[0])
    assert "open_set[0]" in sentence
    assert words in sentence


def test_steps_that_training_does_not_reach_are_noted(tmp_path):
    (note,) = loaded(tmp_path, {**HALF, "steps": [10, 40, 500]}).notes
    assert note.startswith("open_set[0] asks for tests after 40, 500 steps, but training has 40;")
    assert loaded(tmp_path, {**HALF, "steps": [10]}).notes == ()


def test_two_classes_cannot_be_divided(tmp_path):
    question = {"splits": "all", "known": 2, "detectors": ["softmax"]}
    with pytest.raises(BadInput, match="at least three classes") as refused:
        loaded(tmp_path, question, data={"name": "digits", "classes": [3, 8]})
    assert len(refused.value.problems) == 1


def test_a_misspelt_class_of_another_set_is_one_sentence(tmp_path):
    other = {"name": "fashion-mnist", "classes": ["Bagg"]}
    with pytest.raises(BadInput, match='did you mean "Bag"') as refused:
        loaded(tmp_path, {"known": [0, 1], "unknown_data": other}, data={"name": "mnist"})
    (problem,) = refused.value.problems
    assert problem.where == "open_set[0].unknown_data.classes[0]"


def test_a_template_without_a_question_is_refused(tmp_path):
    with pytest.raises(BadInput, match="open_set_only"):
        loaded(tmp_path)
    values = declared({**HALF, "networks": ["other"]})
    values["networks"]["other"] = {**values["networks"]["small"], "open_set_only": False}
    (tmp_path / "asked.json").write_text(json.dumps(values))
    with pytest.raises(BadInput, match=r"networks\.small\.open_set_only"):
        load(tmp_path / "asked.json")


def test_an_objective_that_needs_negatives_is_refused_without(tmp_path):
    values = declared(template=False)
    values["objective"] = {"name": "entropic"}
    path = tmp_path / "asked.json"
    path.write_text(json.dumps(values))
    with pytest.raises(BadInput, match="learns from"):
        load(path)


def test_defaults_leave_content_keys_as_they_were(tmp_path):
    study = loaded(tmp_path, HALF, template=False)
    content = key_content(
        study.networks["small"],
        outputs=10,
        data_digest="d",
        seed=0,
        precision="float32",
        device_kind="cpu",
    )
    assert not {"objective", "roles", "open_set_only"} & set(json.loads(content)["network"])


def test_rows_of_each_role_are_apart(tmp_path):
    digits = KnownData(name="digits", validation=0.1)
    plain = prepare(digits, tmp_path)
    its = Roles(known=("4", "1", "0"), negative=("7",), calibration=0.25)
    data = prepare(digits, tmp_path, roles=its)
    assert data.inputs is plain.inputs  # so that splits train in one stack
    assert data.class_names == ("4", "1", "0")
    by_class = {c: data.label_map[c] for c in range(10)}
    assert (by_class[4], by_class[1], by_class[0]) == (0, 1, 2)
    assert all(by_class[c] == -1 for c in (2, 3, 5, 6, 7, 8, 9))
    parts = (data.train_rows, data.validation_rows, data.calibration_rows, data.test_rows)
    for one, rows in enumerate(parts):
        assert len(rows)
        for other in parts[one + 1 :]:
            assert not np.intersect1d(rows, other).size
    assert set(data.labels[data.train_rows]) == {0, 1, 4, 7}
    for rows in parts[1:]:
        assert set(data.labels[rows]) == {0, 1, 4}
    known = np.isin(data.labels[data.train_rows], (0, 1, 4)).sum()
    assert len(data.calibration_rows) == round(0.25 * (known + len(data.calibration_rows)))
    assert set(data.labels[data.outside_rows]) == {2, 3, 5, 6, 7, 8, 9}


def test_scaling_sees_neither_calibration_nor_unknown_rows(tmp_path):
    digits = KnownData(name="digits", scaling="standard")
    data = prepare(digits, tmp_path, roles=Roles(known=("0", "1"), calibration=0.5))
    means = data.inputs[data.train_rows].mean(axis=0)
    assert np.abs(means).max() < 1e-5
    assert np.abs(data.inputs[data.calibration_rows].mean(axis=0)).max() > 1e-3


def test_splits_share_stacks_and_have_rows_of_their_own(tmp_path):
    study = loaded(tmp_path, {"splits": "all", "known": 9, "detectors": ["softmax"]})
    wanted = wanted_runs(study, precision="float32", device="cpu", announce=lambda text: None)
    assert len({run.kind for run in wanted}) == 1
    assert len({run.key for run in wanted}) == 10
    for run in wanted:
        assert (run.recipe.label_map[run.data.labels[run.recipe.train_rows]] >= 0).all()
        assert run.recipe.layers[-1] == 9
