"""A detector that fails on one network is a named result; the run and the other detectors go on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from command_line import mlplab
from made_tests import OPEN, chapter_of, finding, made, texts
from mlplab.analysis.open_set.evaluating import tests_of as kept_tests
from mlplab.analysis.open_set.measuring import measure
from mlplab.analysis.open_set.rows import open_set_rows
from mlplab.analysis.open_set.table import open_set_table
from mlplab.analysis.open_set.tasks import failures_in_words
from mlplab.declarations.loading import load
from mlplab.declarations.open_set_detectors import AFTER_TRAINING
from mlplab.declarations.resolving.open_set_networks import variants_of
from mlplab.openset.activations import Activations
from mlplab.openset.detectors import weibull
from mlplab.openset.detectors.registry import DETECTORS, make
from mlplab.openset.detectors.weibull import tail_fit
from mlplab.report.chapters.open_set import chapter
from mlplab.report.context import Context
from mlplab.study import open_results


def study(folder: Path, *detectors: object, **more: object) -> Path:
    values = {
        "name": "extreme",
        "data": {"name": "digits"},
        "training": {"steps": 60, "batch_size": 32, "evaluate_every": 30},
        "seeds": 1,
        "networks": {
            "small": {
                "hidden": [8],
                "optimizer": {"name": "adam", "learning_rate": 0.005},
                "open_set_only": True,
            }
        },
        "open_set": [
            {"known": [0, 1, 2, 3, 4], "unknown": [5, 6, 7], "calibration": 0.2,
             "detectors": list(detectors or AFTER_TRAINING)}
        ],
        **more,
    }  # fmt: skip
    path = folder / "extreme.json"
    path.write_text(json.dumps(values))
    return path


# -------------------------------------------------------------- Weibull's fit


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e8, 1e18, 1e30, 1e38])
@pytest.mark.parametrize("spread", [0.0, 1e-15, 1e-3, 1.0])
def test_distances_of_any_size_have_a_tail(size, spread):
    distances = size * (1 + spread * np.random.default_rng(0).random(100))
    got = tail_fit(distances, 20)
    assert np.isfinite([got.location, got.scale, got.shape]).all()
    at = size * np.array([0.0, 0.5, 1.0, 1 + spread / 2, 2 + spread, 1e3])
    found = got.cumulative(at)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()
    assert found[0] < 1e-6 or size <= 1
    # what lies a thousand times as far is beyond the class, where a unit is not more than that
    assert found[-1] > 0.99 or size < 1


# ------------------------------------------------------- activations as they come


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e18, 1e36])
def test_no_detector_ends_in_anything_but_scores_or_a_sentence(name, size):
    draw = np.random.default_rng(0)
    labels = np.arange(60) % 3
    rows = {
        "logits": (60, 3), "hidden": (60, 6), "inputs": (60, 4), "sigmoid_logit": (60,),
        "background_logit": (60,),
    }  # fmt: skip
    known = Activations(
        **{name: np.float32(size) * draw.normal(size=shape) for name, shape in rows.items()}
    )
    said = None
    try:
        scores = make(name).fit(known, labels).score(known)
    except ValueError as error:
        said = str(error)
    if said is None:
        assert np.isfinite(scores).all()
    else:
        assert "expected" in said or "converge" in said


# ------------------------------------------------------------------ a whole run


def test_a_run_with_saturated_activations_ends_with_results(tmp_path):
    """Ten layers without activation, with a rate of 1, on inputs of 10¹⁸."""
    draw = np.random.default_rng(0)
    labels = np.arange(200) % 4
    np.savez(
        tmp_path / "huge.npz", x=1e18 * (draw.normal(size=(200, 6)) + labels[:, None]), y=labels
    )
    path = study(
        tmp_path,
        data={"format": "npz", "path": "huge.npz", "scaling": "none"},
        activation="identity",
        networks={
            "deep": {
                "hidden": [8] * 10,
                "optimizer": {"name": "sgd", "learning_rate": 1.0},
                "open_set_only": True,
            },
            "fine": {"hidden": [8], "optimizer": {"name": "adam", "learning_rate": 1e-3},
                     "open_set_only": True},
        },
        training={"steps": 1, "batch_size": 32, "evaluate_every": 1},
        open_set=[{"known": [0, 1, 2], "unknown": [3], "calibration": 0.2}],
    )  # fmt: skip
    ended = mlplab("run", path, "--out", tmp_path, cwd=tmp_path)
    assert "fault of mlplab" not in ended.stdout + ended.stderr
    results = open_results(tmp_path / "extreme")
    tested = kept_tests(results)
    assert tested
    table = results.open_set()
    for test in tested:
        labels = {d.detector for d in test.finding.detectors} | set(test.finding.failures)
        assert labels == set(AFTER_TRAINING)
    failed = table[table["reason"] != ""]
    assert failed["value"].isna().all()
    assert table[table["reason"] == ""]["value"].notna().all()


def _broken(monkeypatch, error: Exception) -> None:
    def fit(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(weibull, "_shape", fit)


@pytest.mark.parametrize(
    "error",
    [ValueError("no root"), np.linalg.LinAlgError("Singular matrix"), OverflowError("too large")],
)
def test_one_detector_fails_alone_and_everywhere_says_why(tmp_path, monkeypatch, error):
    path = study(tmp_path, "softmax", "openmax", "energy")
    _broken(monkeypatch, error)
    from mlplab.study import Study

    results = Study.load(path, seeds=2).run(tmp_path)
    for test in kept_tests(results):
        assert [d.detector for d in test.finding.detectors] == ["softmax", "energy"]
        assert test.finding.failures == {"openmax": str(error)}
    table = results.open_set()
    failed = table[table["detector"] == "openmax"]
    assert list(failed["reason"]) == [str(error)] * 2
    assert failed["value"].isna().all()
    told = " ".join(texts(chapter(Context(results)).blocks))
    assert f"openmax (seeds 0 and 1): {error}" in told
    assert "openmax | –" in told
    out = tmp_path / "open-set.csv"
    assert mlplab("export", results.folder, "--open-set", out, cwd=tmp_path).returncode == 0
    assert str(error) in set(pd.read_csv(out)["reason"].dropna())


def test_a_network_whose_outputs_are_not_finite_has_no_result_and_says_why(tmp_path):
    declared = load(study(tmp_path, "softmax", "vim"))
    variant, entry = variants_of(declared)[0], declared.open_set[0]
    network = declared.networks[variant.network]
    rows = open_set_rows(network, variant.split, entry, tmp_path)
    layers = [(np.full((64, 8), 1e38, np.float32), np.zeros(8, np.float32)),
              (np.full((8, 5), 1e38, np.float32), np.zeros(5, np.float32))]  # fmt: skip
    found = measure(
        rows, layers, network, entry, variant.detectors, centres=None, by="small", in_full=True
    )
    assert found.detectors == ()
    assert found.accuracy is None
    assert set(found.failures) == {"softmax", "vim"}
    assert all("NaN or infinity" in reason for reason in found.failures.values())


def test_failures_are_told_line_by_line_and_of_many_the_first():
    tests = [made(seed=seed) for seed in range(2)]
    for test in tests:
        object.__setattr__(test.finding, "refusals", ("vim: a reason.", "she: a reason"))
    network = tests[0].variant.network
    assert failures_in_words(tests) == [
        f"vim has no result on {network}, 2 seeds (0 and 1): a reason.",
        f"she has no result on {network}, 2 seeds (0 and 1): a reason.",
    ]
    assert failures_in_words(tests, most=1)[1] == "1 more detector without a result."


def test_a_split_without_any_result_is_told_in_the_report():
    fine = made(finding("softmax"))
    other = OPEN.__class__(known=("0", "1", "2"), unknown=("4",))
    broken = made(split=other)
    object.__setattr__(broken.finding, "refusals", ("softmax: outputs: expected finite numbers.",))
    told = " ".join(texts(chapter_of([fine, broken]).blocks))
    assert f"small, {other.title}: softmax: outputs: expected finite numbers." in told


def test_the_table_has_one_row_of_a_detector_that_failed(monkeypatch):
    from types import SimpleNamespace

    from mlplab.analysis.open_set import table

    test = made(finding("softmax"))
    object.__setattr__(test.finding, "refusals", ("vim: no such luck: none.",))
    monkeypatch.setattr(table, "tests_of", lambda results: (test,))
    found = open_set_table(SimpleNamespace(study=SimpleNamespace(name="a")))
    (row,) = found[found["detector"] == "vim"].to_dict("records")
    assert (row["metric"], row["reason"]) == ("auroc", "no such luck: none.")
    assert np.isnan(row["value"])
