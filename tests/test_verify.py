"""Recorded results that were changed are found: by seals, by the chain, and by training again."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from command_line import mlplab_here
from mlplab import verify as verifying
from mlplab.declarations.loading import load_values
from mlplab.declarations.problems import BadInput
from mlplab.records.archive import MANIFEST_FILE, unpacked, write_archive
from mlplab.records.database import writing
from mlplab.records.seals import broken_seals, last_hash, seal_runs, unsealed
from mlplab.runner import events
from mlplab.study import Study
from mlplab.verify import verify

DECLARED = {
    "name": "kept",
    "data": {"name": "digits", "validation": 0.1},
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "training": {"steps": 20, "batch_size": 32, "evaluate_every": 10},
    "seeds": 2,
    "networks": {"wide": {"hidden": [16]}, "deep": {"hidden": [8, 8], "dropout": 0.1}},
    "questions": [
        {"ask": "Is wide better?", "compare": ["wide", "deep"],
         "metric": {"final": "accuracy"}, "expect": "greater", "by_at_least": 0.01},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    Study(load_values(DECLARED, folder)).run(folder)
    return folder / "kept"


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "kept")


def change(folder, sql, *values):
    with closing(sqlite3.connect(folder / "records.sqlite")) as connection, connection:
        assert connection.execute(sql, values).rowcount


def change_weight(folder):
    path = sorted((folder / "weights").iterdir())[0]
    tensors = load_file(path)
    name = next(name for name in sorted(tensors) if name.endswith("layer_1.kernel"))
    tensors[name] = np.array(tensors[name])
    tensors[name][3, 2] = np.nextafter(tensors[name][3, 2], np.float32(1))
    save_file(tensors, path)


def change_curve(folder):
    change(
        folder,
        "UPDATE curve SET value = '[0.5,0.75]' WHERE split = 'test' AND metric = 'accuracy' "
        "AND key = (SELECT key FROM run WHERE seed = 1 ORDER BY key LIMIT 1)",
    )


def seal_anew(folder):
    """What somebody does who knows of the seals."""
    with writing(folder) as connection:
        connection.execute("DELETE FROM seal")
        seal_runs(connection, folder)


def test_what_was_not_changed_is_as_recorded(whole):
    found = verify(whole, sample=10)

    assert found.problems == ()
    assert len(found.sample) == 4
    assert (found.unsealed, found.other_kind) == (0, ())


def test_a_changed_weight_is_found_in_all_runs(copy):
    change_weight(copy)

    (problem,) = verify(copy, sample=0).problems
    assert "weights, curves or evaluation were changed" in problem


def test_a_changed_curve_is_found_in_all_runs(copy):
    change_curve(copy)

    (problem,) = verify(copy, sample=0).problems
    assert ", seed 1: its weights, curves" in problem


@pytest.mark.parametrize(
    ("changed", "said"),
    [(change_weight, "its weights are others"), (change_curve, "its curves are others: test acc")],
)
def test_what_was_sealed_anew_is_found_by_training_again(copy, changed, said):
    changed(copy)
    seal_anew(copy)

    (problem,) = verify(copy, sample=10).problems
    assert said in problem


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE question SET asked = replace(asked, '0.01', '0.0')", "was changed after it was"),
        ("UPDATE question SET asked_at = '2020-01-01T00:00:00+00:00'", "was changed after it was"),
        ("DELETE FROM question", "that was written down is gone"),
        ("UPDATE study SET resolved = replace(resolved, '0.01', '0.02')", "the study was changed"),
        ("UPDATE chain SET digest = 'x' WHERE what = 'question'", "link 1 of the chain"),
        ("DELETE FROM chain WHERE what = 'question'", "link 1 of the chain does not fit"),
        ("UPDATE seal SET digest = 'x'", "the seals of the runs are others"),
        ("DELETE FROM run WHERE seed = 1", "seed 1: its record is gone"),
    ],
)
def test_a_changed_question_study_or_chain_is_found(copy, sql, said):
    change(copy, sql)

    assert any(said in problem for problem in broken_seals(copy))


def test_a_study_of_another_question_is_found_though_its_link_fits(copy):
    change(
        copy,
        "UPDATE study SET resolved = replace(resolved, '\"by_at_least\":0.01', '\"by_at_least\":0.0')",
    )

    assert any("not among those that were written" in told for told in verify(copy, 0).problems)


def test_a_curve_that_the_index_no_longer_finds_is_told(copy):
    path, query = copy / "records.sqlite", "SELECT * FROM curve NOT INDEXED"
    whole = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        curves = connection.execute(query).fetchall()
    key, changed = curves[-1][0].encode(), 0
    for at in (at for at in range(len(whole)) if whole.startswith(key, at)):
        path.write_bytes(whole[:at] + b"x" + whole[at + 1 :])
        with closing(sqlite3.connect(path)) as connection:
            is_same = connection.execute(query).fetchall() == curves
        if not is_same:
            changed += 1
            assert any("damaged" in said for said in broken_seals(copy))
    assert changed


def test_weights_that_are_gone_are_told(copy):
    shutil.rmtree(copy / "weights")
    (copy / "weights").mkdir()

    assert sum("gone, or damaged" in told for told in verify(copy, sample=0).problems) == 4


def test_a_stopped_run_is_sealed_and_the_next_adds_to_the_chain(tmp_path):
    study = Study(load_values(DECLARED, tmp_path))

    def stop(event):
        if isinstance(event, events.StackFinished):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study.run(tmp_path, on_event=stop)
    place = tmp_path / "kept"
    with writing(place) as connection:
        first = last_hash(connection)
        connection.execute("DELETE FROM seal")  # as a killed run leaves it
    assert unsealed(place) > 0
    study.run(tmp_path)

    with writing(place) as connection:
        assert last_hash(connection) != first
    assert (unsealed(place), [*broken_seals(place)]) == (0, [])


def test_records_of_before_have_no_seals_and_get_them(copy):
    for table in ("seal", "chain"):
        with closing(sqlite3.connect(copy / "records.sqlite")) as connection, connection:
            connection.execute(f"DROP TABLE {table}")
    assert verify(copy, sample=1).problems == ()
    assert unsealed(copy) == 4

    Study(load_values(DECLARED, copy)).run(copy.parent)

    assert unsealed(copy) == 0
    assert [*broken_seals(copy)] == []


def test_another_kind_of_machine_is_given_a_tolerance(copy, monkeypatch):
    here = dict(verifying.describe("cpu"))
    monkeypatch.setattr(verifying, "describe", lambda device: here | {"processor": "another"})
    change_weight(copy)
    seal_anew(copy)
    fine = verify(copy, sample=10)
    change_curve(copy)
    seal_anew(copy)

    assert fine.problems == (), "the curves are within the tolerance"
    assert fine.other_kind[0].startswith("processor another, there ")
    (problem,) = verify(copy, sample=10).problems
    assert "its test accuracy differs by up to" in problem


def test_an_archive_is_verified_elsewhere(whole, tmp_path):
    made = mlplab_here("archive", str(whole), cwd=tmp_path)
    shown = mlplab_here("verify", "kept.zip", "--sample", "2", cwd=tmp_path)

    assert made.returncode == 0
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "all as recorded" in shown.stdout
    with zipfile.ZipFile(tmp_path / "kept.zip") as file:
        manifest = json.loads(file.read(MANIFEST_FILE))
        assert manifest["seal"] in made.stdout
        assert b"torch==" in file.read("requirements.txt")
        assert json.loads(file.read("data.json")).keys() >= {"wide, seed 0", "deep, seed 1"}
        assert all(info.compress_type == zipfile.ZIP_STORED for info in file.infolist())


def test_what_was_changed_before_it_was_archived_is_found_after(copy, tmp_path):
    change_curve(copy)
    write_archive(copy, tmp_path / "a.zip")
    shown = mlplab_here("verify", "a.zip", "--sample", "0", cwd=tmp_path)

    assert shown.returncode == 1
    assert "not as recorded" in shown.stdout


def rewritten(whole, path, edit):
    """An archive of which somebody changed the files or the manifest."""
    write_archive(whole, path)
    with zipfile.ZipFile(path) as file:
        held = {name: file.read(name) for name in file.namelist()}
    edit(held)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in held.items():
            file.writestr(name, content)


def escape(held):
    manifest = json.loads(held[MANIFEST_FILE])
    held["../out.txt"], manifest["files"]["../out.txt"] = b"x", "0"
    held[MANIFEST_FILE] = json.dumps(manifest).encode()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda held: held.update({"data.json": b"{}"}), "changed after the archive"),
        (lambda held: held.update({"new.txt": b"x"}), "other files than its manifest"),
        (lambda held: held.pop(MANIFEST_FILE), "cannot be read so"),
        (lambda held: held.update({MANIFEST_FILE: b"[]"}), "cannot be read so"),
        (escape, "would lie elsewhere"),
    ],
)
def test_a_changed_archive_is_refused(whole, tmp_path, edit, said):
    path = tmp_path / "changed.zip"
    rewritten(whole, path, edit)

    with pytest.raises(BadInput, match=said), unpacked(path):
        pass
    assert not (tmp_path / "out.txt").exists()


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 and nothing more")

    shown = mlplab_here("verify", "x.zip", cwd=tmp_path)
    assert shown.returncode == 2
    assert "an archive as mlplab archive writes it" in shown.stderr
