"""ONNX and torch forms of a model give its own answers, from the columns of a table on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_iris

import mlplab
from command_line import mlplab_here
from mlplab import Study
from mlplab.declarations.problems import BadInput
from mlplab.model.from_results import rows_to_check
from mlplab.model.onnx_export import feeds
from mlplab.model.torch_export import parts_of

IRIS = load_iris(as_frame=True)
TABLES = Path(os.environ.get("MLPLAB_DATA", "")) / "tables"


def flowers() -> pd.DataFrame:
    """Numbers with gaps, a category of two and one of many, a boolean, dates with and without time."""
    random = np.random.default_rng(3)
    rows = len(IRIS.data)
    moments = pd.Timestamp("2023-12-30 05:30") + pd.to_timedelta(
        random.integers(0, 900 * 24 * 60, rows), unit="min"
    )
    frame = IRIS.data.assign(
        garden=np.where(IRIS.target == 0, "north", "south"),
        gardener=random.choice([f"person {n}" for n in range(14)], rows),
        wet=random.choice(["yes", "no"], rows),
        picked=moments.strftime("%Y-%m-%d %H:%M:%S"),
        seen=moments.strftime("%Y-%m-%d"),
    )
    frame.loc[::10, "sepal width (cm)"] = np.nan
    frame.loc[5::20, ["garden", "picked"]] = None
    return frame


def results_of(folder: Path, frame: pd.DataFrame, network: dict[str, object], **data: object):
    frame.to_csv(folder / "rows.csv", index=False)
    declared = {
        "data": {"format": "table", "path": "rows.csv", "target": "target"} | data,
        "training": {"steps": 100, "batch_size": 32, "evaluate_every": 50},
        "networks": {"a": {"hidden": [12, 7], "activation": "gelu",
                           "optimizer": {"name": "adam", "learning_rate": 0.01}} | network},
        "seeds": 2,
    }  # fmt: skip
    (folder / "s.json").write_text(json.dumps(declared))
    return Study.load(folder / "s.json").run(folder / "out", device="cpu")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory):
    frame = flowers().assign(target=IRIS.target_names[IRIS.target])
    return results_of(tmp_path_factory.mktemp("classes"), frame, {}, scaling="robust")


def test_onnx_takes_the_columns_of_a_table(classes, tmp_path: Path) -> None:
    model = classes.model("a")
    frame = flowers()
    frame.loc[3, "gardener"] = "nobody seen in training"
    assert model.to_onnx(tmp_path / "m.onnx", frame) < 1e-6
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    assert {one.name: one.shape[1:] for one in session.get_inputs()} == {
        key: [1] for key in frame.columns
    }
    # As one writes it who has no mlplab: texts, numbers, days since 1970.
    days = (pd.to_datetime(frame["seen"]) - pd.Timestamp(0)).dt.days
    picked = (pd.to_datetime(frame["picked"]) - pd.Timestamp(0)) / pd.Timedelta(days=1)
    texts = ("garden", "gardener", "wet")
    fed = {name: frame[name].fillna("").to_numpy(dtype=object)[:, None] for name in texts}
    fed |= {name: frame[name].to_numpy(np.float64)[:, None] for name in IRIS.data.columns}
    fed |= {"seen": days.to_numpy(np.float64)[:, None], "picked": picked.to_numpy()[:, None]}
    labels, probabilities = session.run(["label", "probabilities"], fed)
    np.testing.assert_allclose(probabilities, model.predict_proba(frame), atol=1e-6)
    assert labels.tolist() == model.predict(frame).tolist()
    by_itself = feeds(model, frame)
    for name in texts:
        assert by_itself[name].tolist() == fed[name].tolist()
    facts = {one.key: one.value for one in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert float(facts["largest_difference"]) < 1e-6
    assert json.loads(facts["mlplab"])["study"] == "s"


@pytest.mark.slow
def test_torch_takes_numbers_and_codes_and_needs_no_mlplab(classes, tmp_path: Path) -> None:
    model = classes.model("a")
    frame = flowers()
    assert model.to_torch(tmp_path / "m.pt2", frame) < 1e-6
    np.save(tmp_path / "parts.npy", parts_of(model, frame))
    code = (
        "import sys, numpy, torch\n"
        "program = torch.export.load('m.pt2').module()\n"
        "numpy.save('answers.npy', program(torch.from_numpy(numpy.load('parts.npy'))).numpy())\n"
        "assert 'mlplab' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=120)
    np.testing.assert_allclose(
        np.load(tmp_path / "answers.npy"), model.predict_proba(frame), atol=1e-6
    )


OTHERS = ("leaky_relu", "tanh", "sigmoid", "identity", "silu", "selu", "elu", "mish", "softplus")


@pytest.mark.parametrize(
    "activation", ["relu", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
)  # fmt: skip
def test_a_quantity_and_every_activation(activation: str, tmp_path: Path) -> None:
    frame = flowers().assign(target=np.exp(IRIS.data["petal width (cm)"]) * 1000)
    frame["label"] = 1.0 + IRIS.target  # an input that is called as an output
    results = results_of(tmp_path, frame, {"activation": activation}, task="regression")
    model = results.model("a")
    rows = rows_to_check(results, model)
    assert model.to_onnx(tmp_path / "m.onnx", rows) < 1e-5
    assert model.to_torch(tmp_path / "m.pt2", rows) < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (values,) = session.run(["value"], feeds(model, frame))
    np.testing.assert_allclose(values[:, 0], model.predict(frame), rtol=1e-5)


@pytest.mark.parametrize("detector", ["softmax", "max logit", "energy", "entropy"])
def test_unknown_classes_are_rejected_in_the_graph(detector: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({
        "data": {"name": "digits"}, "seeds": 2,
        "training": {"steps": 60, "batch_size": 32, "evaluate_every": 60},
        "networks": {"a": {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": 0.01}}},
        "open_set": [{"networks": ["a"], "known": ["0", "1", "2", "3", "4"],
                      "unknown": ["5", "6", "7", "8", "9"], "calibration": 0.3,
                      "detectors": [{"name": detector}]}],
    }))  # fmt: skip
    results = Study.load(tmp_path / "s.json").run(tmp_path / "out", device="cpu")
    model = results.model(next(run.network for run in results.runs if run.network != "a"))
    rows = rows_to_check(results, model)
    assert model.to_onnx(tmp_path / "m.onnx", rows) < 1e-6
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    (labels,) = session.run(["label"], feeds(model, rows))
    assert labels.tolist() == model.predict(rows).tolist()
    assert 0 < (labels == "unknown").mean() < 1


def test_export_writes_and_compares(classes, tmp_path: Path) -> None:
    said = mlplab_here(
        "export", str(classes.folder), "--onnx", "m.onnx", "--torch", "m.pt2",
        "--model", "m.safetensors", "--seed", "1", cwd=tmp_path,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert said.stdout.split() == ["m.safetensors", "m.onnx", "m.pt2"]
    assert said.stderr.count("test rows: probabilities differ by at most") == 2
    module = torch.export.load(tmp_path / "m.pt2").module()
    loaded = mlplab.load_model(tmp_path / "m.safetensors")
    parts = parts_of(loaded, flowers())
    found = module(torch.from_numpy(parts)).numpy()
    np.testing.assert_allclose(found, loaded.predict_proba(flowers()), atol=1e-6)


def test_what_a_form_lacks_is_refused(tmp_path: Path) -> None:
    frame = flowers().assign(target=IRIS.target_names[IRIS.target])
    results = results_of(tmp_path, frame, {}, scaling="quantile")
    for write in (results.model("a").to_onnx, results.model("a").to_torch):
        with pytest.raises(BadInput, match="quantile"):
            write(tmp_path / "m", frame)
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "target", "more"), [
    ("adult.csv", "Salary", ()), ("abalone.csv", "9", ("--task", "regression")), ("mnist", "", ()),
])  # fmt: skip
def test_all_forms_agree_on_a_thousand_rows(
    name: str, target: str, more: tuple[str, ...], tmp_path: Path
) -> None:
    if name == "mnist":
        (tmp_path / "mnist.json").write_text(json.dumps({
            "data": {"name": "mnist"}, "seeds": 2,
            "training": {"steps": 200, "batch_size": 256, "evaluate_every": 200},
            "networks": {"a": {"hidden": [64],
                               "optimizer": {"name": "adam", "learning_rate": 0.003}}},
        }))  # fmt: skip
        arguments = ["mnist.json"]
    else:
        arguments = [str(TABLES / name), "--target", target, *more]
    ended = mlplab_here("run", *arguments, "--out", "runs", "--seeds", "1" if more else "2",
                        "--no-report", cwd=tmp_path)  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    folder = next((tmp_path / "runs").iterdir())
    results = mlplab.study.open_results(folder)
    model = results.model()
    rows = rows_to_check(results, model)
    assert len(rows) >= 800
    recorded = [results.predict(str(model.facts["network"]), seed, rows) for seed in model.seeds]
    if not model.is_regression:
        softmax = [np.exp(one - one.max(1, keepdims=True)) for one in recorded]
        recorded = [one / one.sum(1, keepdims=True) for one in softmax]
        np.testing.assert_allclose(model.predict_proba(rows), np.mean(recorded, 0), atol=1e-5)
    else:
        scale = model.preparation.target_std
        np.testing.assert_allclose(
            model.predict(rows) / scale, np.mean(recorded, 0) / scale, atol=1e-5
        )
    model.save(tmp_path / "m.safetensors")
    loaded = mlplab.load_model(tmp_path / "m.safetensors")
    assert np.array_equal(loaded.predict(rows), model.predict(rows))
    assert model.to_onnx(tmp_path / "m.onnx", rows) < 1e-5
    assert model.to_torch(tmp_path / "m.pt2", rows) < 1e-5
