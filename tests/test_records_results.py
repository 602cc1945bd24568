"""Results as tables and files, and that ten thousand networks stay quick."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mlplab.declarations.problems import BadInput
from mlplab.records import runs, weights
from mlplab.records.database import writing
from mlplab.records.export import export_curves, export_summary
from mlplab.records.results import Results
from mlplab.records.stacks import PlannedStack, record_failure, store_plan, weights_file
from mlplab.records.studies import members_of, record_environment, record_study
from mlplab.records.tables import CURVE_COLUMNS
from small_studies import network, study

STEPS = np.array([10, 20])
LAYERS = (64, 16, 10)


def recorded(folder, declared, curves_of, *, diverged=(), failed=()):
    """Write records as a run would, with curves of the test's own making."""
    members = {member: f"{member[0]}-{member[1]}" for member in members_of(declared)}
    done = {member: key for member, key in members.items() if member not in failed}
    with writing(folder) as connection:
        environment = record_environment(connection, {"python": "3.11"})
        record_study(
            connection,
            declared,
            members,
            precision="float32",
            device="cpu",
            environment=environment,
        )
        stack = PlannedStack(tuple(done.values()), 1, "float32", "cpu")
        store_plan(connection, [stack])
        finished = [
            runs.FinishedRun(
                key=key,
                content=json.dumps({"key": key}),
                seed=member[1],
                layers=LAYERS,
                steps=STEPS,
                curves=curves_of(member),
                diverged_at=15 if member in diverged else None,
                stopped_at=15 if member in diverged else 20,
                seconds=0.5,
                evaluation=None,
            )
            for member, key in done.items()
        ]
        runs.record_stack(connection, stack, finished, environment)
        for member in failed:
            broken = PlannedStack((members[member],), 1, "float32", "cpu")
            store_plan(connection, [broken])
            record_failure(connection, broken, "Traceback (most recent call last):\nOops: no")
    return Results.open(folder)


def few(member):
    seed = member[1]
    return {
        ("batch", "loss"): np.array([2.0, 1.0 + seed]),
        ("test", "accuracy"): np.array([0.5, 0.75]),
        ("train", "accuracy"): np.array([np.nan, 0.875]),
    }


@pytest.fixture
def results(tmp_path):
    declared = study(zebra=network(seeds=[0, 1]), ape=network(seeds=[0, 1]))
    return recorded(tmp_path, declared, few, diverged={("ape", 1)}, failed={("zebra", 1)})


def test_curves_are_tidy_and_hold_only_what_was_measured(results):
    table = results.curves()
    assert tuple(table.columns) == CURVE_COLUMNS
    assert table.value.notna().all()
    # three runs: two steps of loss, two of accuracy, one of the training accuracy
    assert len(table) == 3 * (2 + 2 + 1)
    one = table[(table.network == "ape") & (table.seed == 1) & (table.metric == "loss")]
    assert one.values.tolist() == [
        ["small", "ape", 1, 10, "batch", "loss", 2.0],
        ["small", "ape", 1, 20, "batch", "loss", 2.0],
    ]


def test_summary_has_a_row_for_every_network_and_seed_whatever_became_of_it(results):
    table = results.summary()
    assert list(zip(table.network, table.seed, table.status, strict=True)) == [
        ("zebra", 0, "finished"),
        ("zebra", 1, "failed"),
        ("ape", 0, "finished"),
        ("ape", 1, "diverged"),
    ]
    # 64·16 + 16 + 16·10 + 10 parameters; 20 steps of batches of 32 on 1184 weights, of which
    # 64·16 need no gradient of their inputs: 20·32·(6·1184 − 2·1024)
    first = table.iloc[0]
    assert (first.parameters, first.training_flops) == (1210, 20 * 32 * (6 * 1184 - 2 * 1024))
    assert (first.test_accuracy, first.train_accuracy, first.batch_loss) == (0.75, 0.875, 1.0)
    assert table.diverged_at.tolist()[3] == 15
    assert table.iloc[1][["steps", "seconds", "test_accuracy"]].isna().all()


def test_failures_carry_their_log(results):
    (failure,) = results.failures
    assert (failure.network, failure.seed, failure.reason) == ("zebra", 1, "Oops: no")
    assert results.missing == (("zebra", 1),)


def test_environment_tells_device_and_precision_too(results):
    assert results.environment == {"python": "3.11", "precision": "float32", "device": "cpu"}


def test_a_study_without_finished_runs_has_empty_tables(results, tmp_path):
    empty = replace(results, runs=(), missing=tuple(members_of(results.study)))
    assert list(empty.curves().columns) == list(CURVE_COLUMNS)
    assert len(empty.curves()) == 0
    assert set(empty.summary().status) == {"missing", "failed"}


@pytest.mark.parametrize("name", ["c.csv", "c.csv.gz", "c.parquet"])
def test_exported_curves_read_back_to_the_bit(results, tmp_path, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    export_curves(results, tmp_path / "deep" / name)
    path = tmp_path / "deep" / name
    back = pd.read_parquet(path) if name.endswith("parquet") else pd.read_csv(path)
    pd.testing.assert_frame_equal(back, results.curves(), check_dtype=False)
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_exported_summary_has_a_line_for_each_run(results, tmp_path):
    export_summary(results, tmp_path / "s.csv")
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert lines[0].startswith("study,network,seed,status,steps,diverged_at,parameters")
    assert len(lines) == 5


def test_export_refuses_with_a_sentence(results, tmp_path):
    with pytest.raises(BadInput, match=r"\.csv"):
        export_curves(results, tmp_path / "c.xlsx")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadInput, match="a place that can be written to"):
        export_curves(results, tmp_path / "file" / "c.csv")


def test_weights_are_those_of_the_run(results, tmp_path):
    run = results.run("ape", 0)
    layers = tuple(
        (np.full((i, o), i, np.float32), np.full(o, o, np.float32)) for i, o in ((64, 16), (16, 10))
    )
    weights.save(weights_file(tmp_path, run.stack), {run.key: layers})
    back = results.weights("ape", 0)
    assert [k.shape for k, _ in back] == [(64, 16), (16, 10)]
    assert back[1][0][0, 0] == 16


def test_ten_thousand_networks_are_read_in_seconds(tmp_path):
    def many(member):
        return {("batch", "loss"): STEPS / 3.0, ("test", "accuracy"): STEPS / 7.0}

    declared = study({f"n{number:05}": network(seeds=[0]) for number in range(10_000)})
    recorded(tmp_path, declared, many)
    began = time.process_time()
    results = Results.open(tmp_path)
    assert len(results.runs) == 10_000
    opened = time.process_time() - began
    table = results.curves()
    assert len(table) == 10_000 * 4
    assert len(results.summary()) == 10_000
    took = time.process_time() - began
    # A second or two on a quiet machine; quadratic work would take minutes.
    assert opened < 4
    assert took < 12


DAMAGED = {
    "steps": ("UPDATE run SET steps = '[1,'", "that cannot be read"),
    "layers": ("UPDATE run SET layers = '\"x\"'", "a run that cannot be read"),
    "members": ("DELETE FROM member", "a run that cannot be read"),
    "environment": ("UPDATE environment SET facts = '['", "a run that cannot be read"),
    "curve that breaks off": ("UPDATE curve SET value = '[1,'", "a curve that cannot be read"),
    "curve too short": ("UPDATE curve SET value = '[1]'", "1 values for 2 evaluations"),
    "evaluation": ("UPDATE run SET evaluation = '{}'", "an evaluation that cannot be read"),
    "table": ("DROP TABLE curve", "no such table"),
}


def read_all(folder):
    results = Results.open(folder)
    return results.curves(), results.run("ape", 0).evaluation


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_entries_are_one_sentence(tmp_path, case):
    statement, told = DAMAGED[case]
    recorded(tmp_path, study(ape=network(seeds=[0, 1])), few)
    assert len(Results.open(tmp_path).curves()) == 10
    with closing(sqlite3.connect(tmp_path / "records.sqlite")) as connection:
        connection.execute(statement)
        connection.commit()
    with pytest.raises(BadInput, match=told) as refusal:
        read_all(tmp_path)
    (problem,) = refusal.value.problems
    assert problem.expected == "the records of an mlplab run"
    assert "\n" not in str(problem)


def test_records_of_a_run_killed_before_it_wrote_anything(tmp_path):
    (tmp_path / "records.sqlite").touch()
    with pytest.raises(BadInput, match="nothing stands yet; run the study"):
        Results.open(tmp_path)
    assert recorded(tmp_path, study(ape=network(seeds=[0])), few).runs
