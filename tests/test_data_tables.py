"""Twenty real tables, as their publishers left them, where the folder of them is there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from mlplab.data.dataset import PreparedData
from mlplab.data.preparation import prepare
from mlplab.declarations.data import Data

FOLDER = Path(os.environ.get("MLPLAB_DATA", "/nowhere")) / "tables"
FACTS: dict[str, Any] = json.loads((FOLDER / "tables.json").read_text()) if FOLDER.is_dir() else {}
pytestmark = pytest.mark.skipif(not FACTS, reason="the real tables are not here")


def prepared(name: str, **settings: Any) -> tuple[PreparedData, str]:
    """The table with its target, and all that is told of it."""
    notes: list[str] = []
    declared = {"format": "table", "path": name, "target": FACTS[name]["target"], **settings}
    data = TypeAdapter(Data).validate_json(json.dumps(declared))
    return prepare(data, FOLDER, notes.append), "\n".join(notes)


@pytest.mark.parametrize("name", FACTS)
def test_every_table_is_prepared_with_its_options(name: str) -> None:
    facts = FACTS[name]
    options = {key: facts[key] for key in ("ignore", "missing") if key in facts}
    data, _ = prepared(name, task=facts["task"], **options)
    assert data.task == facts["task"]
    assert len(data.train_rows) + len(data.test_rows) == facts["rows"]
    assert np.isfinite(data.inputs).all()
    learned = data.inputs[data.train_rows]
    assert (learned.min(axis=0) < learned.max(axis=0)).all(), "no input is constant in training"
    if facts["task"] == "classification":
        shares = np.bincount(data.labels[data.test_rows]) / len(data.test_rows)
        assert shares.max() == pytest.approx(facts["reference"]["baseline"][0], abs=0.02)
    else:
        assert data.targets is not None
        targets = data.targets[data.train_rows].astype(np.float64)
        assert targets.mean() == pytest.approx(0, abs=1e-5)
        assert targets.std() == pytest.approx(1, abs=1e-5)
        spread = data.preparation.in_unit(data.targets[data.test_rows]).std()
        assert spread == pytest.approx(facts["reference"]["baseline"][0], rel=0.25)


@pytest.mark.parametrize("name", FACTS)
def test_the_task_is_found_or_settled_by_an_option(name: str) -> None:
    data, told = prepared(name)
    # Wine is rated from 3 to 8, which may be classes.
    if data.task != FACTS[name]["task"]:
        assert name == "wine-quality-red.csv"
        assert '"task": "regression" measures' in told
    if data.task == "regression":
        assert '"task": "classification"' in told
        assert data.targets is not None
        learned = data.targets[data.train_rows]
        assert learned.mean() == pytest.approx(0, abs=1e-4)
        assert learned.std() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mushrooms.csv", 'columns "1", "id": an identifier, left out'),
        (
            "horse-colic.csv",
            'column "3": large whole numbers, nearly all different: an identifier?',
        ),
        ("horse-colic.csv", "no header line"),
        ("abalone.csv", "no header line"),
        ("german-credit.csv", "no header line"),
        ("mammography.csv", "no header line"),
        ("titanic.csv", 'column "alive" alone gives 100.0% of the classes'),
        ("nyc-taxis.csv", 'column "total" is never below the target'),
        ("air-quality.csv", '"NMHC(GT)" (8,404 times)'),
        ("air-quality.csv", "-200 comes again and again"),
        ("air-quality.csv", 'target column "CO(GT)" (1,682 times)'),
        ("bank-marketing.csv", "999 comes again and again"),
        ("hitters.csv", '59 rows have no target, as "Salary" holds "NA"'),
        ("penguins-raw.csv", "free text"),
        ("penguins-raw.csv", '"Region" ("Anvers")'),
        ("penguins-raw.csv", '"groups" keeps'),
        ("adult.csv", '"occupation" (1,843)'),
        ("seoul-bikes.csv", '"order": "Date" tests the last ones'),
        ("air-quality.csv", '"order": "Date" tests the last ones'),
        ("spambase.csv", "125 of 920 test rows are equal to a training row"),
    ],
)
def test_what_is_odd_is_told_where_options_are_left_out(name: str, said: str) -> None:
    assert said in prepared(name)[1]


def test_nothing_is_told_where_nothing_is_odd() -> None:
    _, told = prepared("dry-beans.xlsx", test=0.01)
    assert "column" not in told


def test_leaving_out_is_not_told_as_a_doubt() -> None:
    _, told = prepared("titanic.csv", ignore=["alive"])
    assert "alive" not in told


def test_rows_of_one_bird_stay_together() -> None:
    data, _ = prepared("penguins-raw.csv", groups="Individual ID", validation=0.2)
    import pandas as pd

    birds = pd.read_csv(FOLDER / "penguins-raw.csv")["Individual ID"].to_numpy()
    parts = [set(birds[rows]) for rows in (data.train_rows, data.validation_rows, data.test_rows)]
    assert all(parts)
    assert len(set.union(*parts)) == sum(map(len, parts))


def test_the_future_is_tested() -> None:
    data, _ = prepared("seoul-bikes.csv", order="Date", validation=0.1, task="regression")
    day = data.preparation.feature_names.index("Date: day")
    learned, validated, tested = (
        data.inputs[rows, day] for rows in (data.train_rows, data.validation_rows, data.test_rows)
    )
    assert learned.max() < validated.min()
    assert validated.max() < tested.min()
