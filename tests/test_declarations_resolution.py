"""Shared settings, a network's own, grids and overrides: who prevails, and where faults lie."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.declarations.loading import load
from mlplab.declarations.optimizer import Adam, Sgd
from mlplab.declarations.problems import BadInput
from mlplab.declarations.resolving.grid import spread
from mlplab.declarations.resolving.resolution import merged

BASE: dict[str, Any] = {
    "data": {"name": "digits", "validation": 0.1},
    "training": {"steps": 100, "batch_size": 32},
    "optimizer": {"name": "adam", "learning_rate": 0.01, "beta1": 0.8},
    "networks": {"a": {"hidden": [8]}, "b": {"hidden": [8], "training": {"steps": 50}}},
}


@pytest.fixture
def write(tmp_path):
    def written(*changes: dict[str, Any], name: str = "study.json"):
        study: dict[str, Any] = {}
        for change in (BASE, *changes):
            study |= change
        path = tmp_path / name
        path.write_text(json.dumps(study, indent=1), encoding="utf-8")
        return path

    return written


def problems_of(*args, **kwargs):
    with pytest.raises(BadInput) as caught:
        load(*args, **kwargs)
    return caught.value.problems


def test_own_settings_go_before_shared_ones_key_by_key(write):
    study = load(write())
    assert study.name == "study"
    assert (study.networks["a"].training.steps, study.networks["b"].training.steps) == (100, 50)
    assert study.networks["b"].training.batch_size == 32
    assert study.networks["a"].optimizer == Adam(name="adam", learning_rate=0.01, beta1=0.8)


def test_another_kind_replaces_and_the_same_kind_merges(write):
    networks = {
        "same": {"hidden": [8], "optimizer": {"name": "adam", "learning_rate": 0.1}},
        "unnamed": {"hidden": [8], "optimizer": {"learning_rate": 0.2}},
        "other": {"hidden": [8], "optimizer": {"name": "sgd", "learning_rate": 0.3}},
    }
    its = load(write({"networks": networks})).networks
    assert its["same"].optimizer == Adam(name="adam", learning_rate=0.1, beta1=0.8)
    assert its["unnamed"].optimizer == Adam(name="adam", learning_rate=0.2, beta1=0.8)
    assert its["other"].optimizer == Sgd(name="sgd", learning_rate=0.3)


def test_own_data_of_another_format_replace_known_data(tmp_path, write):
    (tmp_path / "t.csv").write_text("x,label\n" + "1,a\n2,b\n" * 400)
    own = {"hidden": [4], "data": {"format": "csv", "path": "t.csv", "label": "label"}}
    study = load(write({"networks": {"a": {"hidden": [4]}, "own": own}, "training": {}}))
    assert study.networks["own"].data.validation == 0
    assert study.networks["a"].data.validation == 0.1
    assert study.folder == tmp_path


def test_null_takes_a_shared_setting_back(write):
    shared = {"training": {"batch_size": 32, "early_stopping": {"patience": 3}}}
    own = {"hidden": [8], "training": {"early_stopping": None}}
    networks = load(write(shared, {"networks": {"a": {"hidden": [8]}, "b": own}})).networks
    assert networks["a"].training.early_stopping.patience == 3
    assert networks["b"].training.early_stopping is None


@pytest.mark.parametrize(
    ("seeds", "meant"), [(1, (0,)), (3, (0, 1, 2)), ([5], (5,)), ([3, 0], (3, 0))]
)
def test_seeds(write, seeds, meant):
    study = load(write({"seeds": seeds}))
    assert all(network.seeds == meant for network in study.networks.values())
    again = load(write({"seeds": seeds}), seeds=2)
    assert all(network.seeds == (0, 1) for network in again.networks.values())


trees = st.recursive(
    st.integers(),
    lambda inner: st.dictionaries(st.sampled_from(["name", "x", "y"]), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(["a", "b"]), trees)


@given(objects, objects)
def test_merging_keeps_all_of_ones_own(shared, own):
    result = merged(shared, own)

    def holds(whole, part):
        if not isinstance(part, dict):
            return whole == part
        return all(key in whole and holds(whole[key], part[key]) for key in part)

    assert holds(result, own)
    assert set(result) == set(shared) | set(own)
    assert merged(result, own) == result
    assert merged(shared, {}) == shared


# Grids


def test_generated_names_hold_what_varies(write):
    grid = {
        "hidden": [[64], [128, 128]],
        "optimizer.name": ["adam", "sgd"],
        "optimizer.learning_rate": [0.1, 0.001],
        "activation": ["tanh"],
    }
    study = load(write({"networks": {}, "grid": grid}))
    assert list(study.networks) == [
        "64 adam 0.1",
        "64 adam 0.001",
        "64 sgd 0.1",
        "64 sgd 0.001",
        "128-128 adam 0.1",
        "128-128 adam 0.001",
        "128-128 sgd 0.1",
        "128-128 sgd 0.001",
    ]
    last = study.networks["128-128 sgd 0.001"]
    assert last.optimizer == Sgd(name="sgd", learning_rate=0.001)
    assert (last.hidden, last.activation, last.training.steps) == ((128, 128), "tanh", 100)
    assert study.networks["64 adam 0.1"].optimizer.beta1 == 0.8


def test_a_grid_of_one_network_is_named_by_its_values(write):
    study = load(
        write({"networks": {}, "grid": {"hidden": [[64]], "training.diagnostics": [True]}})
    )
    assert list(study.networks) == ["64 diagnostics=true"]


def test_a_grid_stands_beside_declared_networks_but_not_on_them(write):
    study = load(write({"grid": {"hidden": [[4], [5]]}}))
    assert list(study.networks) == ["a", "b", "4", "5"]
    networks = {"4": {"hidden": [4]}}
    (problem,) = problems_of(write({"networks": networks, "grid": {"hidden": [[4], [5]]}}))
    assert problem.where == "networks.4"
    assert problem.expected == "a name that the grid does not generate too"


axis_values = st.one_of(
    st.integers(1, 10**6),
    st.floats(1e-9, 1e9),
    st.sampled_from(["adam", "sgd", "64"]),
    st.lists(st.integers(1, 999), min_size=1, max_size=3),
    st.booleans(),
)
axes = st.lists(axis_values, min_size=1, max_size=4, unique_by=lambda value: json.dumps(value))


@given(st.dictionaries(st.sampled_from(["hidden", "dropout", "outputs"]), axes, min_size=1))
def test_grid_names_are_unique_or_the_grid_is_refused(grid):
    networks, problems = spread(grid)
    names = [network.name for network in networks]
    assert len(set(names)) == len(names) or [p.where for p in problems] == ["grid"] * len(problems)
    assert bool(problems) == (len(set(names)) != len(names))
    settings = [json.dumps(network.settings, sort_keys=True) for network in networks]
    assert len(set(settings)) == len(settings)


def test_a_huge_grid_is_refused_before_it_is_spread():
    grid = {key: list(range(1, 1001)) for key in ("hidden", "outputs", "dropout")}
    networks, (problem,) = spread(grid)
    assert networks == []
    assert problem.expected == "at most 100000 combinations"


# Overrides


@pytest.mark.parametrize(
    ("override", "reached"),
    [
        ("training.steps=7", lambda s: s.networks["a"].training.steps == 7),
        ("seeds=2", lambda s: s.networks["a"].seeds == (0, 1)),
        ("seeds=[4, 9]", lambda s: s.networks["b"].seeds == (4, 9)),
        ("name=other", lambda s: s.name == "other"),
        ("name=5 layers", lambda s: s.name == "5 layers"),
        ('name="7"', lambda s: s.name == "7"),
        ("activation=tanh", lambda s: s.networks["a"].activation == "tanh"),
        (
            "networks.a.optimizer.learning_rate=1e-2",
            lambda s: s.networks["a"].optimizer.beta1 == 0.8,
        ),
        ("networks.a.optimizer.name=adamw", lambda s: s.networks["a"].optimizer.name == "adamw"),
        ("networks.a.hidden[0]=3", lambda s: s.networks["a"].hidden == (3,)),
        ("networks.a.hidden.0=3", lambda s: s.networks["a"].hidden == (3,)),
        ("networks.a.hidden=[3, 4]", lambda s: s.networks["a"].hidden == (3, 4)),
        ("networks.v1.5 x.hidden=[3]", lambda s: s.networks["v1.5 x"].hidden == (3,)),
        ("networks.v1.hidden=[3]", lambda s: s.networks["v1"].hidden == (3,)),
        (
            "networks.16 adam.optimizer.beta1=0.5",
            lambda s: s.networks["16 adam"].optimizer.beta1 == 0.5,
        ),
        ("grid.hidden[0]=[17]", lambda s: "17 adam" in s.networks),
        ('grid.optimizer.name=["adamw"]', lambda s: "16" in s.networks),
        ("data.name=mnist", lambda s: s.networks["a"].data.name == "mnist"),
        ("training.early_stopping=null", lambda s: s.networks["a"].training.early_stopping is None),
        ('figures=[{"title": "t = 1"}]', lambda s: s.figures[0].title == "t = 1"),
        ("compare_with=report-2023", lambda s: s.compare_with == "report-2023"),
    ],
)
def test_overrides_reach_any_value(write, override, reached):
    adam = {"optimizer": {"name": "adam"}}
    names = ["a", "b", "v1.5 x", "v1"]
    networks = {name: {"hidden": [8 + place]} | adam for place, name in enumerate(names)}
    shared = {"optimizer": {"learning_rate": 0.01, "beta1": 0.8}}
    grid = {"hidden": [[16], [32]], "optimizer.name": ["adam", "adamw"]}
    path = write(shared, {"networks": networks, "grid": grid})
    study = load(path, overrides=[override])
    assert reached(study)


@pytest.mark.parametrize(
    ("override", "where", "expected", "hint"),
    [
        ("training.steps", "", "path=value", "training.steps=500"),
        ("=5", "", "path=value", ""),
        ("training.stps=5", "training.stps", "one of the keys", 'did you mean "steps"?'),
        ("trainning.steps=5", "trainning", "one of the keys", 'did you mean "training"?'),
        ("networks.aa.hidden=[5]", "networks.aa.hidden", "the name of a network", 'mean "a"?'),
        ("networks.a.hidden[3]=5", "networks.a.hidden[3]", "an index from 0 to 0", "[8]"),
        ("networks.a.hidden.x=5", "networks.a.hidden.x", "an index from 0 to 0", ""),
        ("training.steps.x=5", "training.steps.x", "a path through objects and lists", ""),
        ("training.=5", "training.", "keys joined by single dots", ""),
        ("training..steps=5", "training..steps", "keys joined by single dots", ""),
        ("training.steps=many", "training.steps", "a whole number of at least 1", ""),
        ("training.steps=NaN", "", "a finite number", ""),
        ("training.steps=[[[", "", "a whole JSON value", "single quotes"),
        ("networks.a.hidden=[5,", "", "a whole JSON value", "single quotes"),
        ("training={steps: 5}", "", "a whole JSON value", "single quotes"),
        ('name="half', "", "a whole JSON value", "single quotes"),
        ("training.steps=" + "9" * 5000, "", "numbers of at most 400 digits", "shorten it"),
        ("training.steps=" + "[" * 5000 + "]" * 5000, "", "at most 50 levels", ""),
        ("networks.a.hidden.99999999999=5", "networks.a.hidden.99999999999", "an index", "[8]"),
        ('optimizer={"name": 1, "name": 2}', "", "every key once", ""),
        (
            "networks.a.optimizer.learning_rate=-1",
            "networks.a.optimizer.learning_rate",
            "a number above 0",
            "",
        ),
    ],
)
def test_overrides_that_reach_nothing(write, override, where, expected, hint):
    (problem,) = problems_of(write(), overrides=[override])
    assert problem.where == where
    assert problem.expected.startswith(expected)
    assert hint in (problem.hint or "")
    assert (problem.file or "").startswith("--set")
    assert problem.line is None


def test_a_note_tells_which_networks_a_shared_override_does_not_reach(write):
    notes = load(write(), overrides=["training.steps=700"]).notes
    (note,) = [note for note in notes if "does not reach" in note]
    assert note.startswith('training.steps=700 is shared, and does not reach "b"')
    assert load(write(), overrides=["training.batch_size=7"]).notes == ()


@pytest.mark.parametrize(("said", "given"), [("steps", "epochs"), ("epochs", "steps")])
def test_another_length_takes_the_place_of_the_declared_one(write, said, given):
    path = write({"training": {said: 7, "batch_size": 1293}, "networks": {"a": {"hidden": [8]}}})
    study = load(path, overrides=[f"training.{given}=3"])
    assert {network.training.steps for network in study.networks.values()} == {3}
    assert any(f'"{said}": 7' in note for note in study.notes)


def test_later_overrides_prevail(write):
    study = load(write(), overrides=["training={}", "training.steps=7", "training.steps=9"])
    assert study.networks["a"].training.steps == 9
    assert study.networks["a"].training.batch_size == 256


def test_an_override_with_thousands_of_digits_is_told_in_short(write):
    for override in (f"networks.a.hidden[{'9' * 5000}]=3", f"networks.a.hidden=[{'9' * 5000}]"):
        (problem,) = problems_of(write(), overrides=[override])
        assert len(str(problem)) < 500


OWN_RATES = {
    "a": {"hidden": [8], "optimizer": {"learning_rate": 0.1}},
    "b": {"hidden": [8], "optimizer": {"name": "sgd", "learning_rate": 0.2}},
}


@pytest.mark.parametrize("value", ["abc", "-1", "null", "[0.1]", '{"x": 1}'])
def test_a_shared_value_that_every_network_replaces_must_be_one_all_the_same(write, value):
    path = write({"networks": OWN_RATES})
    (problem,) = problems_of(path, overrides=[f"optimizer.learning_rate={value}"])
    assert problem.where == "optimizer.learning_rate"
    assert problem.expected == "a number above 0"


def test_so_must_one_of_an_optimizer_that_has_no_shared_name(write):
    networks = {
        "a": {"hidden": [8], "optimizer": {"name": "adam", "learning_rate": 0.1}},
        "b": {"hidden": [8], "optimizer": {"name": "sgd", "learning_rate": 0.2}},
    }
    shared = {"optimizer": {"learning_rate": "fast"}, "networks": networks}
    (problem,) = problems_of(write(shared))
    assert (problem.where, problem.received) == ("optimizer.learning_rate", '"fast"')


def test_a_shared_value_that_is_right_for_some_network_is_no_fault(write):
    placed = {
        name: {"hidden": [8], "optimizer": {"name": name, "epsilon_placement": "outside_root"}}
        for name in ("rmsprop", "adam")
    }
    shared = {"learning_rate": 0.1, "epsilon_placement": "before_correction"}
    study = load(write({"optimizer": shared, "networks": placed}))
    assert study.networks["rmsprop"].optimizer.epsilon_placement == "outside_root"


def test_no_validation_part_may_be_written_as_a_share(write):
    for none in ("0", "0.0", "-0.0", "0e5"):
        data = load(write(), overrides=[f"data.validation={none}"]).networks["a"].data
        assert data.validation == 0
        assert isinstance(data.validation, int)
        assert (
            data.model_dump_json()
            == load(write(), overrides=["data.validation=0"]).networks["a"].data.model_dump_json()
        )


def test_an_empty_path_is_not_the_current_folder(write, monkeypatch):
    monkeypatch.chdir(write().parent)
    (problem,) = problems_of("")
    assert problem.received == "an empty path"


# Lines


def test_faults_lie_where_the_wrong_value_stands(tmp_path):
    path = tmp_path / "s.json"
    path.write_text(
        """{
  "data": {"name": "digits"},
  "optimizer": {"name": "adam", "learning_rate": -1},
  "networks": {
    "a": {"hidden": [8]},
    "b": {"hidden": [8], "optimizer": {"beta1": 2}},
    "c": {"hidden": [8],
          "optimizer": {"learning_rate": 0}}
  },
  "grid": {"hidden": [[4],
                      [0]]}
}"""
    )
    assert [(p.where, p.line) for p in problems_of(path)] == [
        ("optimizer.learning_rate", 3),
        ("networks.b.optimizer.beta1", 6),
        ("networks.c.optimizer.learning_rate", 8),
        ("grid.hidden[1][0]", 11),
    ]


# Selection


def test_selected_networks_and_what_figures_keep_of_them(write):
    figures = [
        {"title": "both", "networks": ["a", "b"]},
        {"title": "b", "networks": ["b"]},
        {"title": "all"},
        {"title": "roc", "kind": "roc", "network": "b"},
    ]
    path = write({"figures": figures})
    assert list(load(path, select=["all"]).networks) == ["a", "b"]
    assert list(load(path, select=None).networks) == ["a", "b"]
    study = load(path, select=["a"])
    assert list(study.networks) == ["a"]
    assert [figure.title for figure in study.figures] == ["both", "all"]
    assert study.figures[0].networks == ("a",)
    (problem,) = problems_of(path, select=["a", "A1"])
    assert problem.received == '"A1"'
    assert problem.hint == 'did you mean "a"?'


@pytest.mark.parametrize("seeds", [0, -1, True, 10**9])
def test_impossible_counts_of_seeds(write, seeds):
    (problem,) = problems_of(write(), seeds=seeds)
    assert problem.file == "--seeds"


def test_a_grid_may_name_its_networks(write):
    grid = {"name": "h{hidden}-{optimizer.name}", "hidden": [[8], [8, 4]], "optimizer.name": ["sgd"],
            "optimizer.learning_rate": [1]}  # fmt: skip
    study = load(write({"grid": grid, "networks": {}}))
    assert list(study.networks) == ["h8-sgd", "h8-4-sgd"]
    assert study.networks["h8-4-sgd"].hidden == (8, 4)
    whole = {
        "name": "{optimizer.name}{optimizer.momentum}",
        "optimizer": [
            {"name": "sgd", "learning_rate": 1, "momentum": 0.9},
            {"name": "adam", "learning_rate": 1},
        ],
    }
    study = load(write({"grid": whole | {"hidden": [[8]]}, "networks": {}}))
    assert list(study.networks) == ["sgd0.9", "adam"]


@pytest.mark.parametrize(
    ("name", "expected", "hint"),
    [
        ("{hiden}", "settings of the grid in braces", 'did you mean "hidden"?'),
        ("{hidden}", "a name of its own", '"{hidden}-{dropout}"'),
        ("same", "a name of its own", '"{hidden}-{dropout}"'),
        (["{hidden}"], "a text with settings", 'write "name": "{hidden}-{dropout}"'),
    ],
)
def test_a_name_of_a_grid_that_names_nothing_is_told(write, name, expected, hint):
    grid = {"name": name, "hidden": [[8], [9]], "dropout": [0, 0.5]}
    problems = [p for p in problems_of(write({"grid": grid})) if p.where == "grid.name"]
    (problem,) = problems
    assert expected in problem.expected
    assert hint in (problem.hint or "")
