"""Broken input through the real command line: a sentence on stderr, exit code 2, no traceback."""

from __future__ import annotations

import json
import subprocess

import pytest

from command_line import COMMAND, TINY, environment, mlplab


def changed(**changes) -> str:
    return json.dumps({**TINY, **changes})


def network(**changes) -> str:
    return changed(networks={"wide": {**TINY["networks"]["wide"], **changes}})


BROKEN_STUDIES = {
    "nothing in it": ("", "empty file"),
    "not JSON": ('{"name": "tiny",', "valid JSON"),
    "not UTF-8": ("\udcff\udcfe", "UTF-8"),
    "not an object": ("[1, 2]", "JSON object"),
    "misspelt key": (changed(trainig={"steps": 5}), 'did you mean "training"?'),
    "key twice": ('{"name": "a", "name": "b", "networks": {}}', "again"),
    "not a number": (network(dropout=float("nan")), "finite number"),
    "negative rate": (network(optimizer={"name": "sgd", "learning_rate": -1}), "above 0"),
    "boolean for a number": (network(hidden=[True]), "whole number"),
    "empty layer": (network(hidden=[0]), "hidden"),
    "fractional layer": (network(hidden=[2.5]), "whole number"),
    "unknown optimizer": (
        network(optimizer={"name": "adm", "learning_rate": 0.1}),
        'did you mean "adam"?',
    ),
    "unknown data": (changed(data={"name": "digitz"}), 'did you mean "digits"?'),
    "batch beyond the rows": (changed(training={"steps": 5, "batch_size": 5000}), "batch_size"),
    "name that is a path": (changed(name="../elsewhere"), "plain file name"),
    "larger than memory": (network(hidden=[1_000_000, 1_000_000]), "memory"),
}


@pytest.mark.parametrize(("text", "told"), BROKEN_STUDIES.values(), ids=BROKEN_STUDIES.keys())
def test_a_broken_study(text, told, tmp_path):
    (tmp_path / "broken.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    ended = mlplab("check", "broken.json", cwd=tmp_path)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "broken.json" in ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr


def test_all_problems_are_told_at_once_one_a_line(tmp_path):
    study = changed(
        data={"name": "digitz"},
        networks={
            "one": {"hidden": [0], "optimizer": {"name": "sgd", "learning_rate": 0.1}},
            "two": {"hidden": [8], "optimizer": {"name": "sgd", "learning_rate": 0}},
        },
    )
    (tmp_path / "broken.json").write_text(study)
    lines = mlplab("check", "broken.json", cwd=tmp_path).stderr.splitlines()
    assert len(lines) == 3
    for where in ("data.name", "networks.one.hidden[0]", "networks.two.optimizer.learning_rate"):
        assert sum(where in line for line in lines) == 1
    assert all(line.endswith((".", "?")) for line in lines)


def test_a_plan_counts_the_classes_of_own_data(tmp_path):
    rows = "".join(f"{n},{n % 7},{'abc'[n % 3]}\n" for n in range(60))
    (tmp_path / "own.csv").write_text(f"one,two,kind\n{rows}")
    own = {"format": "csv", "path": "own.csv", "label": "kind"}
    (tmp_path / "own.json").write_text(changed(data=own, training={"steps": 5, "batch_size": 8}))
    ended = mlplab("plan", "own.json", "wide", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "2-16-3" in ended.stdout


BROKEN_COMMANDS = {
    "no such verb": (("rum", "tiny.json"), "rum"),
    "no study": (("run",), "STUDY"),
    "no such option": (("run", "tiny.json", "--sead", "3"), "--sead"),
    "no such study": (("run", "tinny.json"), 'did you mean "tiny.json"?'),
    "no such network": (("run", "tiny.json", "wyde"), 'did you mean "wide"?'),
    "no seeds": (("run", "tiny.json", "--seeds", "0"), "--seeds"),
    "seeds in words": (("run", "tiny.json", "--seeds", "three"), "--seeds"),
    "no such device": (("run", "tiny.json", "--device", "tpu"), "tpu"),
    "setting without a value": (("run", "tiny.json", "--set", "training.steps"), "--set"),
    "setting that is not there": (("check", "tiny.json", "--set", "training.stepz=5"), "stepz"),
    "results in a file's place": (("run", "tiny.json", "--out", "tiny.json"), "--out"),
    "a plan of results in a file's place": (("plan", "tiny.json", "--out", "tiny.json"), "--out"),
    "results that are not there": (("status", "runs/none"), "results folder"),
    "results of another program": (("report", "foreign"), "records of an mlplab run"),
    "nothing to export": (("export", "runs/none"), "--curves"),
    "one file for two tables": (
        ("export", "runs/none", "--curves", "a.csv", "--summary", "./a.csv"),
        "a file of its own for each table",
    ),
    "a table in the place of the records": (
        ("export", "foreign", "--verdicts", "foreign/records.sqlite"),
        "outside the run's own records",
    ),
    "weights among those of the records": (
        ("export", "foreign", "--weights", "foreign/weights"),
        "outside the run's own records",
    ),
    "a network with itself": (("compare", "runs/none", "wide", "wide"), '"wide" twice'),
    "no such set": (("data", "describe", "mnits"), 'did you mean "mnist"?'),
    "study that does not end in json": (("init", "study"), "study.json"),
}


@pytest.mark.parametrize(("call", "told"), BROKEN_COMMANDS.values(), ids=BROKEN_COMMANDS.keys())
def test_a_broken_command(call, told, tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "records.sqlite").write_bytes(b"these are no records" * 100)
    before = sorted(tmp_path.rglob("*"))
    ended = mlplab(*call, cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert told in ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_fault_of_mlplab_is_one_sentence_and_a_log(tmp_path, monkeypatch, capsys):
    from mlplab.commands.failure import explained

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MLPLAB_DEBUG", raising=False)
    with pytest.raises(SystemExit) as ended, explained():
        raise RuntimeError("a fault")
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "Traceback" not in told
    (log,) = tmp_path.rglob("*.log")
    assert str(log) in told
    assert "RuntimeError: a fault" in log.read_text()


def test_debugging_shows_the_traceback(monkeypatch):
    from mlplab.commands.failure import explained

    monkeypatch.setenv("MLPLAB_DEBUG", "1")
    with pytest.raises(RuntimeError, match="a fault"), explained():
        raise RuntimeError("a fault")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    """`mlplab ... | head -1`: the pipe closes while more is written than it holds."""
    process = subprocess.Popen(
        [*COMMAND, "init", "--explain"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    _, told = process.communicate(timeout=60)[0], process.stderr
    assert process.returncode == 0
    assert told.closed or "Traceback" not in told.read()
