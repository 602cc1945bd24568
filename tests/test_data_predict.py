"""A recorded network predicts from rows as the data hold them, wherever these are by then."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from mlplab import Study
from mlplab.data.preparation import prepare
from mlplab.declarations.problems import BadInput
from mlplab.records.weights import write_tensors

IRIS = load_iris(as_frame=True)


def study(folder: Path, frame: pd.DataFrame, **data: object) -> Study:
    frame.to_csv(folder / "iris.csv", index=False)
    declared = {
        "data": {"format": "table", "path": "iris.csv", "target": "kind", **data},
        "training": {"steps": 300, "batch_size": 32, "evaluate_every": 100},
        "networks": {
            "a": {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": 0.01}},
        },
        "seeds": 1,
    }
    (folder / "s.json").write_text(json.dumps(declared))
    return Study.load(folder / "s.json")


def flowers() -> pd.DataFrame:
    kinds = IRIS.target_names[IRIS.target]
    return IRIS.data.assign(kind=kinds)


def test_raw_rows_are_predicted_after_the_data_are_gone(tmp_path: Path) -> None:
    results = study(tmp_path, flowers()).run(tmp_path / "out", device="cpu")
    (tmp_path / "iris.csv").unlink()
    raw = IRIS.data.to_numpy()
    guessed = results.predict("a", 0, raw).argmax(axis=1)
    assert np.mean(guessed == IRIS.target) > 0.9
    names = results.preparation("a", 0).class_names
    assert names == ("setosa", "versicolor", "virginica")
    # By name, in any order, with the target and others beside.
    shuffled = flowers()[["kind", *IRIS.data.columns[::-1]]]
    assert np.array_equal(results.predict("a", 0, shuffled).argmax(axis=1), guessed)
    with pytest.raises(BadInput, match="4 in a row"):
        results.predict("a", 0, raw[:, :3])
    with pytest.raises(BadInput, match='without "petal width'):
        results.predict("a", 0, IRIS.data.iloc[:, :3])


def test_categories_and_missing_values_of_new_rows(tmp_path: Path) -> None:
    frame = flowers()
    frame["garden"] = np.where(IRIS.target == 0, "north", "south")
    frame.loc[::10, "sepal width (cm)"] = np.nan
    results = study(tmp_path, frame, scaling="robust").run(tmp_path / "out", device="cpu")
    preparation = results.preparation("a", 0)
    assert preparation.feature_names is not None
    assert "sepal width (cm) is missing" in preparation.feature_names
    assert preparation.feature_names[-2:] == ("garden = north", "garden = south")
    new = frame.iloc[:3].drop(columns="kind").assign(garden=["north", "moon", None])
    new.iloc[0, 0] = np.nan
    inputs = preparation.prepare_rows(new)
    assert inputs[:, -2:].tolist() == [[1, 0], [0, 0], [0, 0]]
    assert np.isfinite(inputs).all()
    assert results.predict("a", 0, new).shape == (3, 3)
    with pytest.raises(BadInput, match="a number in column sepal length"):
        results.predict("a", 0, new.astype({"sepal length (cm)": object}).replace(4.9, "long"))


def test_a_column_that_was_renamed_is_asked_for_by_its_new_name(tmp_path: Path) -> None:
    study(tmp_path, flowers()).run(tmp_path / "out", device="cpu")
    renamed = flowers().rename(columns={"sepal length (cm)": "length"})
    results = study(tmp_path, renamed).run(tmp_path / "out", device="cpu")
    assert results.predict("a", 0, renamed).shape == (150, 3)


@pytest.mark.parametrize("scaling", ["standard", "unit", "robust", "quantile", "none"])
def test_every_scaling_is_kept_as_it_was_fitted(tmp_path: Path, scaling: str) -> None:
    results = study(tmp_path, flowers(), scaling=scaling).run(tmp_path / "out", device="cpu")
    data = prepare(results.study.networks["a"].data, tmp_path)
    inputs = results.preparation("a", 0).prepare_rows(flowers().drop(columns="kind"))
    assert np.array_equal(inputs, data.inputs)


def test_quantiles_of_earlier_files_are_read_feature_by_feature(tmp_path: Path) -> None:
    results = study(tmp_path, flowers(), scaling="quantile").run(tmp_path / "out", device="cpu")
    kept = results.preparation("a", 0)
    (file,) = (results.folder / "preparations").glob("*.safetensors")
    facts, arrays = kept.to_record()
    shape = arrays["quantiles"].shape
    arrays["quantiles"] = arrays["quantiles"].T.reshape(shape)
    write_tensors(file, arrays, {"preparation": json.dumps(facts)})
    again = results.preparation("a", 0).scaling.quantiles
    assert np.array_equal(again, kept.scaling.quantiles)
