"""The benchmark that holds a table's study against scikit-learn: same rows, right sign."""

import json

import numpy as np
import pandas as pd
import pytest
from benchmarks.tables_against_sklearn import (
    Measured,
    add,
    read,
    rows_of,
    sources,
    study_on,
    theirs,
)

from mlplab.data.preparation import prepare

ODD = {"target": "y", "task": "regression", "metric": "rmse", "ignore": [1], "missing": [-200]}


@pytest.fixture
def source(tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=60)
    table = pd.DataFrame({"id": range(60), "x": x, "kind": list("ab") * 30, "y": 50 + 9 * x})
    table.loc[3, "y"] = -200  # a row without a target
    table.loc[5, "x"] = -200
    table.to_csv(tmp_path / "odd.csv", index=False)
    (tmp_path / "tables.json").write_text(json.dumps({"odd.csv": ODD}))
    return sources(tmp_path)["odd.csv"]


def prepared(source):
    study = study_on(source, 1, same_widths=True, seeds=2)
    data = next(iter(study.networks.values())).data
    return prepare(data, source.table.parent, lambda line: None)


def test_pandas_reads_the_rows_that_networks_learn_from(source):
    data = prepared(source)
    assert len(source.frame()) == len(data.inputs) == 59
    value, baseline, _ = theirs(source, data, "rmse")
    assert value < baseline


def test_other_rows_are_refused(source):
    data = prepared(source)
    data.targets[:] = data.targets[::-1].copy()
    with pytest.raises(ValueError, match="other targets"):
        theirs(source, data, "rmse")


def test_what_was_measured_is_read_again_and_a_smaller_error_is_better(tmp_path):
    path = tmp_path / "found.csv"
    for split, ours in enumerate((0.9, 0.8)):
        add(path, Measured("t", split, "rmse", "1x32", 8, ours, 1.0, 2.0, 80, 20, 1.5, 0.5))
    (line,) = rows_of(read(path))
    assert line[2] == "2"
    assert "+15.00%" in line[7]
    assert line[8] == "yes"


def test_a_number_is_a_position_from_1_in_a_table_without_a_header(tmp_path):
    (tmp_path / "plain.csv").write_text("7,1,a\n8,2,b\n")
    facts = {"target": 2, "ignore": [1], "header": False}
    (tmp_path / "tables.json").write_text(json.dumps({"plain.csv": facts}))
    frame = sources(tmp_path)["plain.csv"].frame()
    assert frame["target"].tolist() == [1, 2]
    assert frame.shape == (2, 2)
