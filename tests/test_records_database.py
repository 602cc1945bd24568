"""The database of a results folder: what it accepts, refuses and survives."""

from __future__ import annotations

import math
import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplab.declarations.problems import BadInput
from mlplab.records import runs, schema, weights
from mlplab.records.atomic import remove_unfinished, replacing
from mlplab.records.database import DATABASE_FILE, has_records, reading, transaction, writing
from mlplab.records.stacks import (
    PlannedStack,
    failures,
    record_failure,
    store_plan,
    unfinished,
    weights_file,
)
from mlplab.records.studies import read_study, record_environment, record_study
from small_studies import network, study


def stack(*keys: str, threads: int = 1) -> PlannedStack:
    return PlannedStack(keys, threads, "float32", "cpu")


def finished(key: str, **changes: object) -> runs.FinishedRun:
    values = {
        "key": key,
        "content": "{}",
        "seed": 0,
        "layers": (3, 4, 2),
        "steps": np.array([10, 20]),
        "curves": {("test", "loss"): np.array([0.1, 1 / 3])},
        "diverged_at": None,
        "stopped_at": 20,
        "seconds": 0.5,
        "evaluation": None,
        **changes,
    }
    return runs.FinishedRun(**values)


@given(
    st.lists(st.floats(width=64) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0])),
)
def test_numbers_come_back_to_the_bit(values):
    # NaN means "not measured", and one NaN is as good as another.
    written = np.array(values, dtype=np.float64)
    back = runs.decode_numbers(runs.encode_numbers(written))
    plain = np.where(np.isnan(written), np.nan, written)
    assert back.tobytes() == plain.tobytes()


def test_curves_are_lists_that_any_json_reader_takes(tmp_path):
    import json

    def refuse(word):
        raise AssertionError(word)

    text = runs.encode_numbers(np.array([1.5, math.nan, math.inf]))
    assert json.loads(text, parse_constant=refuse)[:2] == [1.5, None]


def test_a_plan_comes_back_as_it_was_stored(tmp_path):
    plan = [stack("b", "a", threads=2), stack("c")]
    with writing(tmp_path) as connection:
        store_plan(connection, plan)
    with reading(tmp_path) as connection:
        assert unfinished(connection) == plan


def test_a_finished_stack_leaves_the_plan_and_its_runs_are_there(tmp_path):
    with writing(tmp_path) as connection:
        environment = record_environment(connection, {"python": "3"})
        store_plan(connection, [stack("a", "b"), stack("c")])
        runs.record_stack(connection, stack("a", "b"), [finished("a"), finished("b")], environment)
        assert unfinished(connection) == [stack("c")]
        assert runs.finished_stacks(connection) == dict.fromkeys("ab", stack("a", "b").id)
        record = runs.read_runs(connection, ["a", "zzz"])["a"]
        assert record.layers == (3, 4, 2)
        assert record.steps.tolist() == [10, 20]
        curve = runs.read_curves(connection, ["a"])["a"]["test", "loss"]
        assert curve.tolist() == [0.1, 1 / 3]


def test_a_stack_is_recorded_whole_or_not_at_all(tmp_path):
    broken = finished("b", seconds=object())
    with writing(tmp_path) as connection:
        environment = record_environment(connection, {"python": "3"})
        store_plan(connection, [stack("a", "b")])
        with pytest.raises(sqlite3.Error):
            runs.record_stack(connection, stack("a", "b"), [finished("a"), broken], environment)
        assert runs.finished_stacks(connection) == {}
        assert unfinished(connection) == [stack("a", "b")]


def test_a_run_that_is_recorded_again_replaces_itself_and_its_curves(tmp_path):
    with writing(tmp_path) as connection:
        environment = record_environment(connection, {"python": "3"})
        store_plan(connection, [stack("a")])
        runs.record_stack(connection, stack("a"), [finished("a")], environment)
        other = {("batch", "loss"): np.array([1.0, 2.0])}
        runs.record_stack(connection, stack("a"), [finished("a", curves=other)], environment)
        assert list(runs.read_curves(connection, ["a"])["a"]) == [("batch", "loss")]


def test_a_failed_stack_keeps_its_log_and_stays_to_be_done(tmp_path):
    with writing(tmp_path) as connection:
        store_plan(connection, [stack("a", "b")])
        record_failure(connection, stack("a", "b"), "Traceback\nValueError: no")
        assert failures(connection) == dict.fromkeys("ab", "Traceback\nValueError: no")
        assert unfinished(connection) == [stack("a", "b")]


def test_the_name_of_a_stack_is_made_of_its_contents():
    assert stack("a", "b").id == stack("a", "b").id
    different = {stack("a", "b"), stack("b", "a"), stack("a", "b", threads=2), stack("ab")}
    assert len({one.id for one in different}) == len(different)


def test_bulk_reading_takes_more_keys_than_one_query_can(tmp_path):
    keys = [str(number) for number in range(2500)]
    with writing(tmp_path) as connection:
        environment = record_environment(connection, {"python": "3"})
        store_plan(connection, [stack(*keys)])
        runs.record_stack(connection, stack(*keys), [finished(key) for key in keys], environment)
        assert set(runs.read_runs(connection, keys)) == set(keys)
        assert len(runs.read_curves(connection, keys)) == len(keys)


def test_a_study_comes_back_with_its_order_but_without_its_folder(tmp_path):
    declared = study(zebra=network(seeds=[3, 1]), ape=network(hidden=[4, 5]))
    members = {("zebra", 3): "k3", ("zebra", 1): "k1", ("ape", 0): "k0"}
    with writing(tmp_path) as connection:
        environment = record_environment(connection, {"python": "3"})
        record_study(
            connection,
            declared,
            members,
            precision="float32",
            device="cpu",
            environment=environment,
        )
        recorded = read_study(connection, tmp_path)
    assert recorded.study == declared
    assert list(recorded.study.networks) == ["zebra", "ape"]
    assert recorded.members == members
    assert str(tmp_path) not in (tmp_path / DATABASE_FILE).read_bytes().decode("latin-1")


def refused(folder, opening=reading) -> str:
    with pytest.raises(BadInput) as error, opening(folder):
        pass
    (problem,) = error.value.problems
    return str(problem)


def test_a_folder_without_records_is_a_sentence(tmp_path):
    assert DATABASE_FILE in refused(tmp_path)
    assert "nothing there" in refused(tmp_path / "none")


@pytest.mark.parametrize("opening", [reading, writing])
def test_a_file_that_is_no_database_is_a_sentence_and_stays(tmp_path, opening):
    (tmp_path / DATABASE_FILE).write_bytes(b"these are no records, but somebody's poem" * 100)
    assert "move it away" in refused(tmp_path, opening)
    assert (tmp_path / DATABASE_FILE).read_bytes().startswith(b"these are no records")


@pytest.mark.parametrize("opening", [reading, writing])
def test_a_database_of_another_program_is_a_sentence(tmp_path, opening):
    with sqlite3.connect(tmp_path / DATABASE_FILE) as connection:
        connection.execute("CREATE TABLE recipe (soup TEXT)")
    assert "another program" in refused(tmp_path, opening)


def test_damaged_records_are_a_sentence(tmp_path):
    with writing(tmp_path) as connection:
        store_plan(connection, [stack(str(number)) for number in range(200)])
    path = tmp_path / DATABASE_FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\x55" * (len(whole) - 4096))
    with pytest.raises(BadInput) as error, reading(tmp_path) as connection:
        unfinished(connection)
    assert "damaged" in str(error.value)


def test_records_of_a_newer_version_are_a_sentence(tmp_path):
    with writing(tmp_path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    assert "newer mlplab" in refused(tmp_path)
    assert "newer mlplab" in refused(tmp_path, writing)


def test_records_that_were_never_run_are_a_sentence(tmp_path):
    with writing(tmp_path):
        pass
    with pytest.raises(BadInput, match="no run has begun"), reading(tmp_path) as connection:
        read_study(connection, tmp_path)


def test_a_transaction_that_fails_leaves_nothing(tmp_path):
    with writing(tmp_path) as connection:

        def fail() -> None:
            with transaction(connection):
                connection.execute("INSERT INTO environment (facts) VALUES ('x')")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert connection.execute("SELECT count(*) FROM environment").fetchone() == (0,)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "before"
    with replacing(path) as temporary:
        temporary.write_text("after")
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_a_killed_program_are_removed(tmp_path):
    entered = replacing(tmp_path / "w.safetensors")
    temporary = entered.__enter__()
    temporary.write_text("half")
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == []


WEIGHTS = tuple(
    (np.arange(i * o, dtype=np.float32).reshape(i, o), np.arange(o, dtype=np.float32))
    for i, o in ((3, 4), (4, 2))
)


def test_weights_come_back_by_key(tmp_path):
    path = weights_file(tmp_path, "s")
    weights.save(path, {"a": WEIGHTS, "b": tuple((-k, -b) for k, b in WEIGHTS)})
    for sign, key in ((1, "a"), (-1, "b")):
        back = weights.load(path, key, 2)
        for (kernel, bias), (expected, expected_bias) in zip(back, WEIGHTS, strict=True):
            np.testing.assert_array_equal(kernel, sign * expected)
            np.testing.assert_array_equal(bias, sign * expected_bias)


def test_weights_that_are_gone_or_damaged_are_a_sentence(tmp_path):
    path = weights_file(tmp_path, "s")
    with pytest.raises(BadInput, match="run the study again"):
        weights.load(path, "a", 2)
    weights.save(path, {"a": WEIGHTS})
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(BadInput, match="damaged"):
        weights.load(path, "a", 2)


def test_a_file_in_which_nothing_stands_is_no_records_yet(tmp_path):
    assert not has_records(tmp_path)
    (tmp_path / DATABASE_FILE).touch()
    assert not has_records(tmp_path)
    with writing(tmp_path):
        pass
    assert has_records(tmp_path)
