"""Every verb on a small real study, as a user runs it: output, files, exit codes."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from command_line import TINY, mlplab, mlplab_here

ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder in which the tiny study has been run, and what the run said."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "tiny.json").write_text(json.dumps(TINY))
    return folder, mlplab("run", "tiny.json", cwd=folder)


@pytest.fixture
def folder(shop):
    return shop[0]


def test_run_ends_with_a_table_and_the_report(shop):
    folder, ended = shop
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].split() == ["network", "seeds", "test", "accuracy", "diverged"]
    assert re.match(r"wide +3 +0\.\d{4} ± 0\.\d{4}", lines[1])
    assert re.match(r"wild +3 +none +3", lines[3])
    page = folder / lines[-1].removeprefix("Report: ")
    assert page == folder / "runs" / "tiny" / "report.html"
    assert page.stat().st_size > 10_000


def test_the_table_is_the_mean_with_its_t_interval(shop):
    from mlplab.study import open_results

    folder, ended = shop
    summary = open_results(folder / "runs" / "tiny").summary()
    accuracies = summary[summary["network"] == "wide"]["test_accuracy"].to_numpy()
    low, high = stats.t.interval(0.95, 2, accuracies.mean(), stats.sem(accuracies))
    assert f"{accuracies.mean():.4f} ± {(high - low) / 2:.4f}" in ended.stdout


def test_without_a_terminal_progress_is_plain_lines_on_stderr(shop):
    _, ended = shop
    assert ESCAPE not in ended.stderr + ended.stdout
    assert "\r" not in ended.stderr
    assert "9 of 9 networks × seeds to train" in ended.stderr
    assert "[9/9]" in ended.stderr
    assert re.search(r"^wild \(seeds? .*\) diverged, which is recorded", ended.stderr, re.MULTILINE)


def test_a_second_run_trains_nothing(folder):
    ended = mlplab_here("run", "tiny.json", "--json", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert told[0]["event"] == "run_planned"
    assert (told[0]["total"], told[0]["already"], told[0]["stacks"]) == (9, 9, 0)
    assert not any(one["event"] == "stack_started" for one in told)
    assert told[-1]["event"] == "report_written"
    assert Path(folder, told[-1]["path"]).exists()


def test_json_events_tell_the_whole_run(tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    ended = mlplab_here("run", "tiny.json", "wide", "--seeds", "2", "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    told = [one for one in told if one["event"] != "phase_started"]
    kinds = [one["event"] for one in told]
    assert kinds[0] == "run_planned"
    assert kinds[-2:] == ["run_ended", "report_written"]
    assert kinds.count("stack_started") == kinds.count("stack_finished") >= 1
    assert all(
        not isinstance(value, float) or np.isfinite(value) for one in told for value in one.values()
    )
    assert (told[-2]["finished"], told[-2]["missing"]) == (2, 0)


def test_a_changed_setting_says_why_it_runs_again(tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    first = mlplab_here("run", "tiny.json", "deep", "--seeds", "1", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    again = mlplab_here(
        "run", "tiny.json", "deep", "--seeds", "1", "--set", "training.steps=30", cwd=tmp_path
    )
    assert again.returncode == 0, again.stderr
    assert "must be run again: training.steps was 40, is now 30" in again.stderr


def test_status_tells_finished_and_diverged(folder):
    ended = mlplab_here("status", "runs/tiny", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^wild +3 +3 +3$", ended.stdout, re.MULTILINE)
    assert "wild, seed 0, diverged at step " in ended.stdout
    assert ended.stdout.endswith("9 of 9 networks × seeds of tiny finished\n")


def test_plan_tells_what_is_there_and_what_is_to_come(folder):
    ended = mlplab_here("plan", "tiny.json", "--seeds", "4", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    # 64·16 + 16 + 16·10 + 10 parameters.
    assert re.search(r"^wide +64-16-10 +adam +1,210 ", ended.stdout, re.MULTILINE)
    assert "3 networks × 4 seeds; 9 of 12 are finished" in ended.stdout
    assert "time:" in ended.stdout
    assert "disk:" in ended.stdout


def test_plan_writes_nothing(tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    ended = mlplab_here("plan", "tiny.json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert os.listdir(tmp_path) == ["tiny.json"]


def test_export_writes_tidy_tables_and_weights(folder, tmp_path):
    from safetensors.numpy import load_file

    curves, summary, weights = (tmp_path / name for name in ("c.csv", "s.csv", "w"))
    ended = mlplab_here(
        "export", "runs/tiny", "--curves", curves, "--summary", summary, "--weights", weights,
        cwd=folder,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    with curves.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["study", "network", "seed", "step", "split", "metric", "value"]
    assert {row[0] for row in rows[1:]} == {"tiny"}
    assert {row[1] for row in rows[1:]} >= {"wide", "deep"}
    with summary.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 9
    arrays = load_file(weights / "wide-seed-1.safetensors")
    assert {name: array.shape for name, array in arrays.items()} == {
        "kernel_1": (64, 16), "bias_1": (16,), "kernel_2": (16, 10), "bias_2": (10,),
    }  # fmt: skip


def test_compare_agrees_with_scipy(folder):
    from mlplab.study import open_results

    ended = mlplab_here("compare", "runs/tiny", "wide", "deep", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    summary = open_results(folder / "runs" / "tiny").summary().set_index(["network", "seed"])
    wide, deep = (summary.loc[name]["test_accuracy"].to_numpy() for name in ("wide", "deep"))
    row = next(line for line in ended.stdout.splitlines() if line.startswith("test accuracy"))
    assert f"{(wide - deep).mean():+.4f}" in row
    # Three pairs of equal sign are one pattern of 2³ on either side: p = 2/8, of each of six.
    assert row.rstrip().endswith("excludes nothing   1")
    assert "corrected for the 6 metrics together (Bonferroni)" in ended.stdout
    # 2/2⁷ > 0.05/6 ≥ 2/2⁸
    assert "With 3 seeds none can; 8 seeds could." in ended.stdout


@pytest.mark.parametrize("together", [1, 6])
def test_compared_intervals_are_those_of_the_p_values_beside_them(together):
    """SciPy's exact test at both limits: just inside nothing is rejected, just outside it is."""
    from mlplab.commands.compare import _row

    noise = np.random.default_rng(3)
    one, other = (pd.Series(0.9 + noise.normal(scale=0.01, size=10)) for _ in range(2))
    *_, told, p = _row("test_accuracy", one, other, together)
    differences = (one - other).to_numpy()

    def corrected(shift):
        return together * stats.permutation_test(
            (differences - shift,), np.mean, permutation_type="samples", n_resamples=np.inf
        ).pvalue  # fmt: skip

    assert float(p) == pytest.approx(min(1, corrected(0)), rel=0.02)
    low, high = map(float, told.split(" to "))
    for limit, outside in ((low, -1), (high, 1)):
        assert corrected(limit + outside * 0.0001) <= 0.05 < corrected(limit - outside * 0.0001)


def test_compare_gives_no_verdict_from_diverged_networks(folder):
    ended = mlplab_here("compare", "runs/tiny", "wide", "wild", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert "no seed in common" in ended.stdout


def test_report_is_written_again(folder):
    page = folder / "runs" / "tiny" / "report.html"
    page.unlink(missing_ok=True)
    ended = mlplab_here("report", "runs/tiny", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("report.html\n")
    assert page.exists()


def test_a_started_study_is_fine(tmp_path):
    ended = mlplab_here("init", "mine.json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / "mine.json").read_text())["name"] == "mine"
    assert "properties" in json.loads((tmp_path / "mlplab.schema.json").read_text())
    checked = mlplab_here("check", "mine.json", cwd=tmp_path)
    assert checked.stdout == "fine: 6 networks × 6 seeds\n"
    before = (tmp_path / "mine.json").read_bytes()
    again = mlplab_here("init", "mine.json", cwd=tmp_path)
    assert again.returncode == 2
    assert (tmp_path / "mine.json").read_bytes() == before


def test_a_started_study_is_fine_for_its_schema(tmp_path):
    import jsonschema

    mlplab_here("init", cwd=tmp_path)
    study, schema = (
        json.loads((tmp_path / name).read_text()) for name in ("study.json", "mlplab.schema.json")
    )
    jsonschema.validate(study, schema)


@pytest.mark.parametrize("name", ["demo", "report-2023", "studies/epsilon.json", "config17"])
def test_shipped_studies_are_fine(name, tmp_path):
    ended = mlplab_here("check", name, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "fine:" in ended.stdout


def test_data_are_listed_and_described(tmp_path):
    listed = mlplab_here("data", "list", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:5]] == [
        "digits", "mnist", "fashion-mnist", "kmnist",
    ]  # fmt: skip
    described = mlplab_here("data", "describe", "digits", cwd=tmp_path)
    assert described.returncode == 0, described.stderr
    assert "1,437 train, 360 test" in described.stdout
    fetched = mlplab_here("data", "fetch", "digits", cwd=tmp_path)
    assert fetched.returncode == 0, fetched.stderr


def test_one_network_that_cannot_be_run_is_exit_code_1(tmp_path, monkeypatch):
    """The failure is put where one arises, in training; verb, runner and records are real."""
    from mlplab.runner import worker_pool

    train = worker_pool.train

    def out_of_memory_for_deep(recipes, *rest, **named):
        if any(len(recipe.layers) > 3 for recipe in recipes):
            raise MemoryError("no room for this network")
        return train(recipes, *rest, **named)

    monkeypatch.setattr(worker_pool, "train", out_of_memory_for_deep)
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    ended = mlplab_here("run", "tiny.json", "wide", "deep", "--seeds", "1", cwd=tmp_path)
    assert ended.returncode == 1
    assert "deep, seed 0, could not be run: MemoryError: no room for this network" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "wide" in ended.stdout
    status = mlplab_here("status", "runs/tiny", cwd=tmp_path)
    assert "deep, seed 0, failed: MemoryError" in status.stdout
    assert "1 of 2 networks × seeds" in status.stdout
