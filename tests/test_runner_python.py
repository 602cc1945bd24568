"""The Python face: what the command line can do, as objects and tables."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import mlplab
from mlplab.declarations.problems import BadInput
from mlplab.study import Study, open_results

SMALL = {
    "name": "face",
    "data": {"name": "digits"},
    "training": {"steps": 10, "batch_size": 32, "evaluate_every": 5},
    "seeds": 2,
    "networks": {
        "narrow": {"hidden": [8], "optimizer": {"name": "adam", "learning_rate": 0.01}},
        "wide": {"hidden": [32], "optimizer": {"name": "sgd", "learning_rate": 0.1}},
    },
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    path = tmp_path_factory.mktemp("face") / "study.json"
    path.write_text(json.dumps(SMALL))
    return Study.load(path), path.parent


@pytest.fixture(scope="module")
def results(loaded):
    study, folder = loaded
    return study.run(folder / "runs")


def test_the_package_shows_its_face_and_its_version():
    assert mlplab.Study is Study
    assert mlplab.__version__
    with pytest.raises(AttributeError, match="nonsense"):
        _ = mlplab.nonsense


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, mlplab; print([m for m in ('torch', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_study_says_what_is_in_it_and_what_it_would_take(loaded, tmp_path):
    study, _ = loaded
    assert (study.name, study.networks) == ("face", ("narrow", "wide"))
    assert study.plan(tmp_path).total == 4


def test_results_are_tables_networks_and_predictions(results):
    assert len(results.summary()) == 4
    assert set(results.curves().network) == {"narrow", "wide"}
    assert [kernel.shape for kernel, _ in results.weights("wide", 1)] == [(64, 32), (32, 10)]
    assert results.predict("wide", 1, np.zeros((3, 64), np.float32)).shape == (3, 10)


def test_results_lie_in_a_folder_named_after_the_study(loaded, results):
    _, folder = loaded
    assert results.folder == folder / "runs" / "face"
    again = open_results(results.folder)
    assert again.summary().equals(results.summary())


def test_options_of_the_command_line_are_arguments(loaded, tmp_path):
    _, folder = loaded
    study = Study.load(
        folder / "study.json", select=["wide"], seeds=1, overrides=["training.steps=5"]
    )
    results = study.run(tmp_path)
    assert [(r.network, r.seed, r.stopped_at) for r in results.runs] == [("wide", 0, 5)]


def test_results_are_exported(results, tmp_path):
    results.export(curves=tmp_path / "c.csv", summary=tmp_path / "s.csv")
    assert (tmp_path / "c.csv").read_text().startswith("study,network,seed,step,split,metric,value")
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 5


def test_a_report_is_one_call_away(results):
    page = results.report()
    assert page.parent == results.folder
    assert "face" in page.read_text(encoding="utf-8")


def test_bad_input_is_an_exception_with_every_problem(tmp_path):
    (tmp_path / "bad.json").write_text(json.dumps({**SMALL, "seeds": 0, "flavour": 1}))
    with pytest.raises(BadInput) as error:
        Study.load(tmp_path / "bad.json")
    assert len(error.value.problems) == 2
