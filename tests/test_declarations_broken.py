"""Every kind of broken study gets its own sentence; its unbroken twin loads."""

import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest

from mlplab.declarations.checking import consistency
from mlplab.declarations.loading import load
from mlplab.declarations.problems import BadInput

GOOD: dict[str, Any] = {
    "name": "good",
    "data": {"name": "digits", "validation": 100, "classes": None},
    "training": {"steps": 100, "batch_size": 32, "evaluate_every": 10},
    "seeds": 3,
    "initial_weights": {"distribution": "uniform", "low": -0.05, "high": 0.05},
    "activation": "relu",
    "networks": {
        "a": {"hidden": [32, 16], "optimizer": {"name": "adam", "learning_rate": 0.001}},
        "b": {"hidden": [32], "optimizer": {"name": "sgd", "learning_rate": 0.1}},
    },
    "grid": {"hidden": [[8], [8, 8]], "optimizer.name": ["sgd"], "optimizer.learning_rate": [0.1]},
    "figures": [{"title": "Accuracy", "metric": "accuracy", "networks": ["a", "b"]}],
}
DELETE = object()


@dataclass(frozen=True)
class Case:
    at: str
    """The way to the changed value, by slashes."""
    wrong: Any
    right: Any
    expected: str
    """Part of what the problem must say was expected."""
    hint: str = ""
    where: str | None = None
    """Where the problem must lie; by default at the changed value."""

    @property
    def place(self) -> str:
        if self.where is not None:
            return self.where
        text = ""
        for step in self.at.split("/"):
            text += f"[{step}]" if step.isdecimal() else f".{step}" if text else step
        return text


def with_value(at: str, value: Any) -> dict[str, Any]:
    study = copy.deepcopy(GOOD)
    *way, last = (int(step) if step.isdecimal() else step for step in at.split("/"))
    holder: Any = study
    for step in way:
        holder = holder.setdefault(step, {}) if isinstance(holder, dict) else holder[step]
    if value is DELETE:
        del holder[last]
    else:
        holder[last] = value
    return study


ADAM = "networks/a/optimizer"
CASES = [
    # Names
    Case("name", "", "x", "a plain file name"),
    Case("name", "a/b", "a-b", "a plain file name"),
    Case("name", "a\\b", "a b", "a plain file name"),
    Case("name", "..", "a..b", "a plain file name"),
    Case("name", ".hidden", "hidden", "a plain file name"),
    Case("name", "con", "icon", "a plain file name"),
    Case("name", "a\u0007b", "aüb", "a plain file name"),
    Case("name", "x" * 101, "x" * 100, "a plain file name"),
    Case("name", " x", "x y", "a plain file name"),
    Case("name", 3, "3", "a text"),
    # Keys
    Case("stps", 3, DELETE, "one of the keys", "remove it"),
    Case("steps", 3, DELETE, "one of the keys", 'belongs in "training"'),
    Case("networks/a/hiden", [3], DELETE, "one of the keys", 'did you mean "hidden"?'),
    Case("networks/a/learning_rate", 0.1, DELETE, "one of the keys", 'belongs in "optimizer"'),
    Case(f"{ADAM}/momentum", 0.9, DELETE, "one of the keys"),
    Case("training/step", 9, DELETE, "one of the keys", 'did you mean "steps"?'),
    Case("data/clases", [1, 2], DELETE, "one of the keys", 'did you mean "classes"?'),
    Case("figures/0/titel", "x", DELETE, "one of the keys", 'did you mean "title"?'),
    Case(
        "networks/a/optimizer",
        DELETE,
        GOOD["networks"]["a"]["optimizer"],
        'key "optimizer"',
        'add "optimizer"',
        "networks.a",
    ),
    Case("data", DELETE, {"name": "digits"}, 'the key "data", shared or in every', where=""),
    Case(
        "data",
        {},
        {"name": "digits"},
        '"kmnist") or "format" (one of "idx", "npz", "csv", "table", "images")',
        'add "name" or add "format"',
    ),
    Case("data", {"nmae": "digits"}, {"name": "digits"}, '"name"', 'did you mean "name"?'),
    Case(
        f"{ADAM}/learning_rate",
        DELETE,
        1e-9,
        'the key "learning_rate" (a number above 0)',
        'add "learning_rate"',
        "networks.a.optimizer",
    ),
    Case(
        f"{ADAM}/name",
        DELETE,
        "adamw",
        'the key "name" (one of "sgd"',
        'add "name"',
        "networks.a.optimizer",
    ),
    Case(
        "initial_weights/distribution",
        DELETE,
        "uniform",
        'the key "distribution"',
        where="initial_weights",
    ),
    # Numbers
    Case(f"{ADAM}/learning_rate", -0.1, 0.1, "a number above 0"),
    Case(f"{ADAM}/learning_rate", 0, 1, "a number above 0"),
    Case(f"{ADAM}/learning_rate", True, 1, "a number above 0"),
    Case(f"{ADAM}/learning_rate", "0.1", 0.1, "a number above 0", "write 0.1 without quotes"),
    Case(f"{ADAM}/learning_rate", None, 0.1, "a number above 0"),
    Case(f"{ADAM}/learning_rate", float("nan"), 0.1, "a finite number"),
    Case(f"{ADAM}/learning_rate", float("inf"), 0.1, "a finite number"),
    Case(f"{ADAM}/beta1", 1, 0, "a number of at least 0 and below 1"),
    Case(f"{ADAM}/epsilon", 0, 1e-30, "a number above 0"),
    Case("networks/a/dropout", 1.0, 0.0, "a number of at least 0 and below 1"),
    Case("training/steps", 0, 1, "a whole number of at least 1"),
    Case("training/steps", 10.0, 10, "a whole number of at least 1", "write 10"),
    Case("networks/a/hidden", [1e99], [9], "a whole number", where="networks.a.hidden[0]"),
    Case("training/steps", 10**10, 10**6, "a whole number of at most 2147483647"),
    Case(
        "training/steps",
        10**7,
        10**6,
        "at least 100",
        'write "evaluate_every": 100',
        "training.evaluate_every",
    ),
    Case("training/batch_size", -1, 1, "a whole number of at least 1"),
    Case("training/evaluate_every", False, 7, "a whole number of at least 1"),
    Case("training/diagnostics", 1, True, "true or false"),
    Case("networks/a/outputs", 0, None, "a whole number of at least 1 or null"),
    # Layers
    Case("networks/a/hidden", {}, [], "a list of at most 1000 whole numbers of at least 1"),
    Case("networks/a/hidden", [1] * 1001, [1] * 1000, "a list of at most 1000 whole numbers"),
    Case("networks/a/hidden", 32, [32], "a list of at most 1000", "write [32]"),
    Case("networks/a/hidden/1", 0, 1, "a whole number of at least 1"),
    Case("networks/a/hidden/1", 16.5, 17, "a whole number of at least 1"),
    Case("networks/a/hidden/0", True, 1, "a whole number of at least 1"),
    Case("networks/a/hidden/0", "32", 32, "a whole number of at least 1", "write 32 without"),
    Case("networks/a/hidden", [10**6, 10**7], [10, 10], "fits this machine's memory"),
    # Words
    Case(f"{ADAM}/name", "Adm", "adam", 'one of "sgd"', 'did you mean "adam"?'),
    Case(
        f"{ADAM}/epsilon_placement",
        "inside",
        "inside_root",
        'one of "before_correction"',
        'did you mean "inside_root"?',
    ),
    Case(
        "networks/b/optimizer/schedule",
        {"name": "cosin"},
        {"name": "cosine"},
        'one of "constant"',
        'did you mean "cosine"?',
        "networks.b.optimizer.schedule.name",
    ),
    Case("activation", "relux", "ReLU", 'one of "relu"', 'did you mean "relu"?'),
    Case(
        "initial_weights/distribution",
        "unifrom",
        "uniform",
        'one of "uniform"',
        'did you mean "uniform"?',
    ),
    Case(
        "networks/a/optimizer",
        "adam",
        {"name": "adam", "learning_rate": 1},
        "an object with settings",
        'write "optimizer": {"name": "adam", "learning_rate": 0.001}',
    ),
    Case(
        "networks/a",
        [32],
        {"hidden": [3], "optimizer": {"name": "sgd", "learning_rate": 1}},
        "an object with the network's settings",
    ),
    # Data
    Case("data/name", "minst", "mnist", 'one of "digits"', 'did you mean "mnist"?'),
    Case(
        "data",
        "digits",
        {"name": "digits"},
        "an object with settings",
        'write "data": {"name": "digits"}',
    ),
    Case("data", 3, {"name": "digits"}, "an object whose name"),
    Case(
        "data",
        {"format": "xlsx"},
        {"name": "kmnist"},
        'one of "idx", "npz", "csv"',
        where="data.format",
    ),
    Case("data/validation", 1437, 1000, "at most 1427 of the 1437 training rows"),
    Case("data/validation", 0.9999, 0.9, "at most 1427 of the 1437 training rows"),
    Case("data/validation", -1, 0, "a whole number of at least 0"),
    Case("data/validation", 1.5, 0.5, "below 1"),
    Case("data/classes", [0], [0, 1], "at least two classes"),
    Case("data/classes", [], [8, 9], "a non-empty list"),
    Case("data/classes", [0, 1, 10], [0, 1, 9], "a class of digits", where="data.classes[2]"),
    Case("data/classes", [0, 1, 0], [0, 1, 2], "each class once", where="data.classes[2]"),
    Case("data/classes", [0, 1, "0"], ["0", 1], "each class once", where="data.classes[2]"),
    Case(
        "data/classes",
        ["0", "x" * 201],
        ["0", "1"],
        "of at most 200 characters",
        where="data.classes[1]",
    ),
    Case("data/classes", [0, 10**100], [0, 1], "whole number", where="data.classes[1]"),
    Case("data/scaling", "maxabs", "standard", 'one of "unit", "standard", "minmax"'),
    # What only the whole can tell
    Case("training/batch_size", 1338, 1337, "at most 1337, the training rows"),
    Case("networks/a/outputs", 9, 10, "at least 10, an output for every class"),
    Case("initial_weights/low", 0.05, 0.04, "low below high", where="initial_weights"),
    # Seeds
    Case("seeds", 0, 1, "a count of seeds"),
    Case("seeds", -3, 3, "a count of seeds"),
    Case("seeds", True, 1, "a count of seeds"),
    Case("seeds", 2.5, 2, "a count of seeds"),
    Case("seeds", [], [7], "a non-empty list"),
    Case("seeds", [1, 1], [1, 2], "seeds that differ"),
    Case("seeds", [-1], [1], "a whole number of at least 0", where="seeds[0]"),
    # Networks
    Case(
        "networks/ ",
        GOOD["networks"]["a"],
        DELETE,
        "a name that reads on one line",
        where="networks. ",
    ),
    Case("networks/all", GOOD["networks"]["a"], DELETE, "a name that reads on one line"),
    Case("networks", [], GOOD["networks"], "an object with at least one network"),
    # Grid
    Case(
        "grid",
        {},
        {"hidden": [[4], [5]], "optimizer": [GOOD["networks"]["b"]["optimizer"]]},
        "an object such as",
    ),
    Case("grid/hidden", [], [[4]], "a non-empty list of values"),
    Case("grid/hidden", 4, [[4]], "a non-empty list of values", "write [4]"),
    Case("grid/hidden", [[8], [8]], [[8], [9]], "different values", where="grid.hidden[1]"),
    Case(
        "grid/hidden",
        [[8], [0]],
        [[8], [1]],
        "a whole number of at least 1",
        where="grid.hidden[1][0]",
    ),
    Case("grid/hiden", [[8]], DELETE, "a path to a network's setting", 'did you mean "hidden"?'),
    Case("grid/optimizer.name.x", [1], DELETE, 'a setting that lies outside "optimizer.name"'),
    Case("grid/optimizer..name", [1], DELETE, "keys joined by single dots"),
    Case("grid/hidden", [[8], "8"], [[8], [9]], "a name of its own", where="grid"),
    # Figures
    Case(
        "figures/0/networks/1",
        "bb",
        "b",
        "the name of a network of this study",
        'did you mean "b"?',
    ),
    Case(
        "figures/0/metric", "acuracy", "accuracy", 'one of "accuracy"', 'did you mean "accuracy"?'
    ),
    Case("figures/0/title", "a\nb", "a b", "a text that reads on one line", "remove it"),
    Case("figures/0/title", "\x1b[31mred", "red", "a text that reads on one line"),
    Case("figures/0/title", "x" * 501, "x" * 500, "a text of at most 500 characters"),
    Case("figures/0/title", "\uffff", "\ufffd 😀", "a text that reads on one line"),
    Case(
        "questions",
        [{"ask": "\x1b[2J", "compare": ["a", "b"], "metric": {"final": "loss"}, "expect": "less"}],
        [{"ask": "?", "compare": ["a", "b"], "metric": {"final": "loss"}, "expect": "less"}],
        "a text that reads on one line",
        where="questions[0].ask",
    ),
    Case("figures/0/metric", "gradient_size", "loss", '"diagnostics": true'),
    Case(
        "figures/0/metric",
        "seconds",
        "loss",
        '"batch", the only split on which seconds',
        'write "split": "batch"',
        "figures[0].split",
    ),
    Case("figures/0/kind", "bars", "curves", 'one of "curves", "roc"'),
    Case(
        "figures/0",
        {"title": "x", "kind": "roc", "network": "c"},
        {"title": "x", "kind": "roc", "network": "a"},
        "the name of a network",
        where="figures[0].network",
    ),
    Case("figures/0/steps", [50, 20], [20, 50], "a first step before the last"),
    Case("figures/0/published", "figure_1_accuracy_by_depth", DELETE, '"compare_with" at the top'),
    Case("figures", {}, [], "a list"),
    Case(
        "compare_with",
        "report-2032",
        "report-2023",
        "a published study",
        'did you mean "report-2023"?',
    ),
]


@pytest.fixture
def write(tmp_path):
    def written(study: dict[str, Any]):
        path = tmp_path / "study.json"
        path.write_text(json.dumps(study, indent=1), encoding="utf-8")
        return path

    return written


def named(case: Case) -> str:
    """The same in every process, so that tests can run side by side."""
    return f"{case.at} {'missing' if case.wrong is DELETE else repr(case.wrong)}"[:60]


@pytest.mark.parametrize("case", CASES, ids=named)
def test_broken_study_is_told_in_one_sentence(case: Case, write, monkeypatch):
    monkeypatch.setattr(consistency, "machine_memory", lambda: 16 * 10**9)
    path = write(with_value(case.at, case.wrong))
    with pytest.raises(BadInput) as caught:
        load(path)
    matching = [p for p in caught.value.problems if case.expected in p.expected]
    assert len(matching) == 1, str(caught.value)
    (problem,) = matching
    assert problem.where == case.place
    assert case.hint in (problem.hint or "")
    assert "\n" not in str(problem)
    assert str(problem).startswith(f"{path}, line ")
    # The line told is the one that a reader must go to: it holds the last key on the way.
    line = path.read_text(encoding="utf-8").split("\n")[(problem.line or 0) - 1]
    last = problem.where.split("[")[0].split(".")[-1] if problem.where else ""
    assert json.dumps(last)[1:-1] in line or last.isdecimal() or "[" in problem.where


@pytest.mark.parametrize("case", CASES, ids=named)
def test_unbroken_twin_loads(case: Case, write, monkeypatch):
    monkeypatch.setattr(consistency, "machine_memory", lambda: 16 * 10**9)
    study = with_value(case.at, case.right) if case.right is not DELETE else copy.deepcopy(GOOD)
    loaded = load(write(study))
    assert set(loaded.networks) >= {"b"}


def test_there_are_at_least_forty_kinds():
    assert len({(case.at, case.expected) for case in CASES}) >= 40


def test_all_problems_come_at_once_in_the_order_of_the_file(write):
    study = with_value("networks/a/optimizer/learning_rate", -1)
    study["training"] |= {"steps": 0, "batch_size": 5000}
    study["networks"]["b"]["hidden"] = [0]
    study["figures"][0]["networks"] = ["nobody"]
    study["name"] = "a/b"
    with pytest.raises(BadInput) as caught:
        load(write(study))
    told = [problem.where for problem in caught.value.problems]
    assert told == [
        "name",
        "training.steps",
        "networks.a.optimizer.learning_rate",
        "networks.b.hidden[0]",
        "figures[0].networks[0]",
    ]


@pytest.mark.parametrize(
    ("optimizer", "wheres"),
    [
        ({"name": "adm", "learning_rate": "0.1"}, [".name", ".learning_rate"]),
        ({"learning_rate": "0.1"}, ["", ".learning_rate"]),
        ({"name": "adm", "weight_decay": -1}, [".name", "", ".weight_decay"]),
        ({"name": "adm", "learning_rate": 1, "schedule": {"name": "cosin", "warmup_steps": -1}},
         [".name", ".schedule.name", ".schedule.warmup_steps"]),
        # What only one of them knows, or would not know, waits until it is clear which is meant.
        ({"name": "adm", "learning_rate": 0.1, "beta1": 7, "momentum": 0.5, "x": 1}, [".name"]),
    ],
)  # fmt: skip
def test_a_wrong_name_hides_no_other_fault_of_an_object(write, optimizer, wheres):
    study = copy.deepcopy(GOOD)
    study["networks"]["a"]["optimizer"] = optimizer
    with pytest.raises(BadInput) as refused:
        load(write(study))
    found = [problem.where for problem in refused.value.problems]
    assert sorted(found) == sorted(f"networks.a.optimizer{where}" for where in wheres)


def test_sound_settings_are_checked_beside_broken_ones(write):
    study = with_value("networks/a/optimizer/learning_rate", -1)
    study["training"]["batch_size"] = 5000
    with pytest.raises(BadInput) as caught:
        load(write(study))
    assert [problem.where for problem in caught.value.problems] == [
        "training.batch_size",
        "networks.a.optimizer.learning_rate",
    ]


def test_a_wrong_shared_setting_is_told_once_however_many_networks_take_it(write):
    with pytest.raises(BadInput) as caught:
        load(write(with_value("training/steps", 0)))
    assert [problem.where for problem in caught.value.problems] == ["training.steps"]


def test_a_wrong_shared_setting_that_nobody_takes_is_told_too(write):
    study = copy.deepcopy(GOOD)
    del study["grid"]
    study["optimizer"] = {"name": "rmsprop", "learning_rate": -1}
    with pytest.raises(BadInput) as caught:
        load(write(study))
    assert [problem.where for problem in caught.value.problems] == ["optimizer.learning_rate"]
    study["optimizer"] = {"name": "rmsprop"}
    load(write(study))


def test_a_slip_of_a_hundred_digits_is_not_advised(write):
    with pytest.raises(BadInput) as caught:
        load(write(with_value("networks/a/hidden", [1e99])))
    assert "0000" not in str(caught.value)


def test_notes_tell_what_is_no_error(write):
    study = with_value("networks/c", copy.deepcopy(GOOD["networks"]["a"]))
    study["networks"]["b"]["outputs"] = 12
    assert load(write(study)).notes == (
        '"b" has 12 outputs for 10 classes; the outputs to spare are never right.',
        '"a", "c" are the same network in every setting and seed; it is trained once.',
    )
