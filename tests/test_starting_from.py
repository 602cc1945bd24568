"""Networks that begin with the weights of recorded runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from command_line import mlplab_here
from mlplab import Study
from mlplab.declarations.problems import BadInput
from mlplab.study import StudyResults

ADAM = {"name": "adam", "learning_rate": 0.003}


def study(folder: Path, **changes: object) -> Path:
    declared = {
        "name": "first",
        "data": {"name": "digits"},
        "training": {"steps": 40, "batch_size": 32, "evaluate_every": 20},
        "seeds": 2,
        "networks": {"a": {"hidden": [16, 8], "optimizer": ADAM}},
    } | changes
    path = folder / f"{declared['name']}.json"
    path.write_text(json.dumps(declared))
    return path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    folder = tmp_path_factory.mktemp("first")
    return Study.load(study(folder)).run(folder / "runs")


def start(results: StudyResults, name: str = "a", seed: int = 0) -> list[np.ndarray]:
    """The weights of a network that hardly learned since."""
    return [part for layer in results.weights(name, seed) for part in layer]


SLOW = {"name": "sgd", "learning_rate": 1e-12}


def test_training_goes_on_from_the_recorded_weights(first: StudyResults, tmp_path: Path) -> None:
    path = study(tmp_path, name="on", networks={"a": {"hidden": [16, 8], "optimizer": SLOW}})
    on = Study.load(path).starting_from(first.folder).run(tmp_path / "runs")
    for seed in (0, 1):
        for own, parent in zip(start(on, seed=seed), start(first, seed=seed), strict=True):
            np.testing.assert_allclose(own, parent, atol=1e-9)
    path = study(tmp_path, name="better")
    better = Study.load(path).starting_from(first.folder).run(tmp_path / "runs")
    accuracy = [r.summary()["test_accuracy"].mean() for r in (first, better)]
    assert accuracy[1] > accuracy[0] + 0.02
    again = Study.load(path).starting_from(first.folder).run(tmp_path / "again")
    assert [run.key for run in again.runs] == [run.key for run in better.runs]
    assert again.run("a", 0).key != first.run("a", 0).key
    for own, other in zip(start(better), start(again), strict=True):
        assert np.array_equal(own, other)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_other_classes_have_a_last_layer_of_their_own(
    first: StudyResults, tmp_path: Path, dropout: float
) -> None:
    network = {
        "hidden": [16, 8],
        "optimizer": SLOW,
        "dropout": dropout,
        "initial_weights": {"distribution": "recorded", "run": str(first.folder)},
    }
    path = study(tmp_path, data={"name": "digits", "classes": [0, 1, 2]}, networks={"a": network})
    other = Study.load(path).run(tmp_path / "runs")
    own, parent = start(other), start(first)
    for mine, theirs in zip(own[:4], parent[:4], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-9)
    assert own[4].shape == (8, 3)
    assert np.abs(own[4]).max() > 0


def test_fewer_layers_are_kept_where_it_is_said(first: StudyResults, tmp_path: Path) -> None:
    kept = {"distribution": "recorded", "run": str(first.folder), "network": "a", "layers": 1}
    network = {"hidden": [16, 30, 4], "optimizer": SLOW, "initial_weights": kept}
    results = Study.load(study(tmp_path, networks={"b": network})).run(tmp_path / "runs")
    np.testing.assert_allclose(start(results, "b")[0], start(first)[0], atol=1e-9)
    report = results.report().with_name("report.md").read_text()
    assert "recorded in first of a" in report


@pytest.mark.parametrize(("changes", "told"), [
    ({"seeds": [0, 5]}, "seed 5"),
    ({"networks": {"a": {"hidden": [17, 8], "optimizer": ADAM}}}, "64-16-8-10"),
    ({"networks": {"a": {"hidden": [16, 8, 8], "optimizer": ADAM}}}, "first 3 layers"),
], ids=["seed", "width", "depth"])  # fmt: skip
def test_what_does_not_fit_is_told(
    first: StudyResults, tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    path = study(tmp_path, **changes)
    with pytest.raises(BadInput, match=told):
        Study.load(path).starting_from(first.folder).run(tmp_path / "runs")


def test_a_run_does_not_begin_with_itself(first: StudyResults, tmp_path: Path) -> None:
    again = Study.load(study(tmp_path)).starting_from(first.folder)
    with pytest.raises(BadInput, match="--out"):
        again.run(first.folder.parent)


def test_the_command_line_begins_from_a_run(first: StudyResults, tmp_path: Path) -> None:
    study(tmp_path, name="on")
    arguments = ("run", "on.json", "--from", str(first.folder), "--no-report")
    done = mlplab_here(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "finished already" in mlplab_here(*arguments, cwd=tmp_path).stderr
    planned = mlplab_here("plan", "on.json", "--from", str(first.folder), cwd=tmp_path)
    assert "2 of 2 are finished" in planned.stdout
    nowhere = mlplab_here("run", "on.json", "--from", "nowhere", cwd=tmp_path)
    assert nowhere.returncode == 2
    assert "nowhere" in nowhere.stderr
