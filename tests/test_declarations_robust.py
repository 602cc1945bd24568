"""Whatever stands in a study file, the answer is a study, or problems in words."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput
from mutants import STUDY as WHOLE
from mutants import mutant

STUDY: dict[str, Any] = {
    "$schema": "study.schema.json",
    "name": "x",
    "data": {"name": "digits", "validation": 0.1, "classes": [1, 2, 3]},
    "training": {"steps": 10, "batch_size": 8, "early_stopping": {"patience": 2}},
    "seeds": [1, 2],
    "initial_weights": {"distribution": "uniform", "low": -0.1, "high": 0.1},
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "schedule": {"name": "step", "every": 2}},
    "networks": {"a": {"hidden": [4, 4]}, "b": {"hidden": [3], "optimizer": {"momentum": 0.5}}},
    "grid": {"hidden": [[1], [2]], "optimizer.learning_rate": [0.1, 0.2]},
    "figures": [{"title": "t", "networks": ["a"], "steps": [0, 5]}],
    "compare_with": "report-2023",
}
WORDS = st.sampled_from(
    ["name", "format", "csv", "idx", "npz", "path", "adam", "sgd", "hidden", "a", "", "known",
     "curves", "roc", "kind", "distribution", "//", "networks", "step", "all", "mnist", "x\u0000"]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 40)
    | st.sampled_from([10**12, 10**400, 0.5, 1e300, float("nan"), float("-inf"), -0.0])
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def ways(value: Any, way: tuple = ()) -> list[tuple]:
    found = [way] if way else []
    if isinstance(value, dict):
        return found + [w for key, inner in value.items() for w in ways(inner, (*way, key))]
    if isinstance(value, list):
        return found + [w for key, inner in enumerate(value) for w in ways(inner, (*way, key))]
    return found


CHANGES = st.lists(
    st.tuples(st.sampled_from(ways(STUDY)), st.sampled_from(["set", "add", "remove"]), ANYTHING,
              WORDS),
    min_size=1,
    max_size=3,
)  # fmt: skip


def changed(changes) -> dict[str, Any]:
    study = copy.deepcopy(STUDY)
    for way, kind, value, word in changes:
        holder: Any = study
        try:
            for step in way[:-1]:
                holder = holder[step]
            if kind == "set":
                holder[way[-1]] = value
            elif kind == "remove":
                del holder[way[-1]]
            else:
                holder[way[-1]][word] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    return study


def answer(path, **kwargs) -> None:
    try:
        study = load(path, **kwargs)
    except BadInput as error:
        problems = error.problems
    else:
        assert study.networks
        return
    assert problems
    for problem in problems:
        assert problem.expected
        assert problem.received
        assert "\n" not in str(problem)
        assert len(str(problem)) < 5_000


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(CHANGES)
@example([(("grid", "hidden"), "set", [None, 10**400], "name")])
def test_any_change_of_a_study_is_answered(tmp_path, changes):
    path = tmp_path / "study.json"
    path.write_text(json.dumps(changed(changes), indent=1))
    answer(path)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from([".".join(map(str, way)) for way in ways(STUDY)]) | st.text(max_size=12),
    ANYTHING.map(json.dumps) | st.text(max_size=8),
)
@example("networks", "{}")
@example("networks.", "3")
@example("networks.a", "3")
@example("grid", "null")
@example("[", "3")
@example("hidden[0", "3")
@example("networks.1 0.1.hidden", "[3]")
def test_any_override_is_answered(tmp_path, path, value):
    study = tmp_path / "study.json"
    study.write_text(json.dumps(STUDY))
    answer(study, overrides=[f"{path}={value}"])


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_file_is_answered(tmp_path, content):
    path = tmp_path / "study.json"
    path.write_bytes(content)
    answer(path)


def test_mutants_are_answered(tmp_path):
    path = tmp_path / "study.json"
    path.write_text(json.dumps(WHOLE))
    assert load(path).networks  # so that what is wrong with a mutant is its change
    for seed in range(300):
        path.write_bytes(mutant(seed))
        answer(path)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"open_set": [{"known": [0, 1], "unknown_data": {}}]}, "open_set[0].unknown_data"),
        (
            {"open_set": [{"known": [0, 1], "unknown_data": {"format": "xls"}}]},
            "open_set[0].unknown_data.format",
        ),
        ({"open_set": [{"known": [0, 1], "unknown_data": 3}]}, "open_set[0].unknown_data"),
    ],
)
def test_an_optional_object_of_no_known_kind_is_told(tmp_path, change, where):
    path = tmp_path / "study.json"
    path.write_text(json.dumps(STUDY | change))
    with pytest.raises(BadInput) as refused:
        load(path)
    assert where in [problem.where for problem in refused.value.problems]


def test_half_a_character_in_a_comment_is_nobodys_business(tmp_path):
    path = tmp_path / "study.json"
    path.write_text('{"//": "\\ud800", ' + json.dumps(STUDY)[1:])
    assert load(path).networks


@pytest.mark.parametrize("home", ["~nosuchuser/x.csv", "~/nothing.csv"])
def test_a_home_that_nobody_has_is_a_problem(tmp_path, home):
    path = tmp_path / "study.json"
    data = {"format": "csv", "path": home, "label": "y"}
    path.write_text(json.dumps(STUDY | {"data": data}))
    with pytest.raises(BadInput) as refused:
        load(path)
    assert "data.path" in [problem.where for problem in refused.value.problems]


def test_of_many_unknown_names_the_first_are_told_and_the_rest_counted(tmp_path):
    path = tmp_path / "study.json"
    names = [f"network {number}" for number in range(20_000)]
    path.write_text(json.dumps(STUDY | {"choice": {"networks": names}}))
    with pytest.raises(BadInput) as refused:
        load(path)
    told = refused.value.problems
    assert len(told) == 51
    assert "19,950 more" in told[-1].received


def test_of_many_problems_the_first_are_told_and_the_rest_counted(tmp_path):
    path = tmp_path / "study.json"
    networks = {f"n{number}": {"hidden": [0]} for number in range(1000)}
    path.write_text(
        json.dumps(STUDY | {"networks": networks, "figures": [], "grid": {"hidden": [[1]]}})
    )
    with pytest.raises(BadInput) as refused:
        load(path)
    *told, last = refused.value.problems
    assert len(told) == 200
    assert "800 more" in last.received


def test_a_long_list_of_wrong_values_is_answered(tmp_path):
    path = tmp_path / "study.json"
    asked = [{"known": [0, 1], "unknown": [2], "detectors": list(range(5000))}]
    path.write_text(json.dumps(STUDY | {"open_set": asked}))
    answer(path)
