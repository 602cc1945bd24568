"""Importance of columns, against a formula and scikit-learn, and what the preparation did."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance

from mlplab import Study
from mlplab.analysis.importance import column_importance
from mlplab.report.chapters.columns import chapter
from mlplab.report.context import Context

ROWS = 600


def table():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "main": random.normal(size=ROWS),
            "kind": random.choice(["a", "b", "c"], ROWS),
            "idle": random.normal(size=ROWS),
        }
    )
    frame["y"] = 10 * (3 * frame["main"] + 2 * (frame["kind"] == "b"))
    frame.loc[::9, "main"] = np.nan
    return frame


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("columns")
    table().to_csv(folder / "t.csv", index=False)
    declared = {
        "data": {"format": "table", "path": "t.csv", "target": "y", "task": "regression"},
        "training": {"steps": 300, "batch_size": 32, "evaluate_every": 100},
        "networks": {"a": {"hidden": [16], "optimizer": {"name": "adam", "learning_rate": 0.01}}},
        "seeds": 3,
    }
    (folder / "s.json").write_text(json.dumps(declared))
    return Study.load(folder / "s.json").run(folder / "runs", device="cpu")


def test_importance_is_what_scikit_learn_finds(results):
    runs = [run for run in results.runs if run.network == "a"]
    found = column_importance(results, runs)
    assert found.columns == ("main", "kind", "idle")
    assert found.losses.shape == (3, 3)
    main, kind, idle = found.losses.mean(axis=0)
    assert main > 3 * kind > 30 * abs(idle)
    assert found.whole[0] == pytest.approx(results.summary()["test_rmse"][0], rel=1e-4)

    class Recorded(RegressorMixin, BaseEstimator):
        def fit(self, inputs, targets):
            self.fitted_ = True
            return self

        def predict(self, inputs):
            return results.predict("a", 0, inputs)

    frame = table()
    tested = results.splits("a").test
    own = results.preparation("a", 0)
    prepared = own.prepare_rows(frame.drop(columns="y"))
    rows = [int(np.flatnonzero((prepared == row).all(axis=1))[0]) for row in tested.inputs]
    test = frame.iloc[rows]
    peer = permutation_importance(
        Recorded().fit(None, None), test.drop(columns="y"), test["y"], n_repeats=20, random_state=0,
        scoring="neg_root_mean_squared_error",
    )  # fmt: skip
    np.testing.assert_allclose(found.losses[0], peer.importances_mean, rtol=0.2, atol=0.3)


def test_the_chapter_tells_what_is_needed_and_what_was_done(results):
    shown = chapter(Context(results))
    text = str(shown.blocks)
    assert "needs column **main** most" in text
    assert "idle" in text
    (preparation,) = [b for b in shown.blocks if type(b).__name__ == "Table"]
    rows = {row[0]: row for row in preparation.rows}
    assert "median" in rows["main"][2]
    assert rows["main"][3] == "2"
    assert "%" in rows["main"][4]
    assert "one-hot, 3 categories" in rows["kind"][2]
    figure = results.figure("importance-of-a")
    assert figure.table["column"].tolist()[0] == "main"
    assert (figure.table["low"] <= figure.table["loss"]).all()


def test_a_report_is_written_where_the_data_are_gone(results):
    path = results.study.folder / "t.csv"
    content = path.read_bytes()
    path.unlink()
    try:
        assert "not looked at" in results.report().read_text()
    finally:
        path.write_bytes(content)
