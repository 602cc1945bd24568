"""Overfitting, too short training and unstable seeds are told where seeds show them, and only there."""

import json

import numpy as np
import pytest

from mlplab import Study
from mlplab.analysis.diagnostics import _of_curves, diagnoses
from mlplab.figures.ensemble import runs_by_network
from mlplab.records.results import Run
from mlplab.report.chapters.overview import caveats
from mlplab.report.context import Context

STEPS = np.arange(1, 21) * 100


def runs(*losses):
    return [
        Run("a", seed, "k", STEPS, {("validation", "loss"): loss}, None, 2000, 1.0, None)
        for seed, loss in enumerate(losses)
    ]


def bowl(lowest, rise, noise):
    """A loss that falls to its lowest and rises again by a share."""
    at = np.arange(20)
    loss = np.where(at <= lowest, 2 - at / lowest, 1 + rise * (at - lowest) / max(1, 19 - lowest))
    return loss + noise


@pytest.mark.parametrize(("losses", "kind", "amount"), [
    ([bowl(5, 0.5, 0.0), bowl(6, 0.6, 0.001), bowl(5, 0.55, 0.002)], "overfit", 0.55),
    ([np.linspace(2, 1, 20) + d for d in (0, 0.01, 0.02)], "too short", 0.15),
    ([1 + np.exp(-np.arange(20.0)) + d for d in (0, 0.01)], None, None),
    # One seed alone rises: no interval shows it.
    ([bowl(5, 0.9, 0), *(1 + np.exp(-np.arange(20.0)) for _ in range(3))], None, None),
], ids=["overfit", "short", "settled", "one of four"])  # fmt: skip
def test_curves(losses, kind, amount):
    found = list(_of_curves("a", runs(*losses)))
    assert [d.kind for d in found] == ([kind] if kind else [])
    if kind:
        assert found[0].amount == pytest.approx(amount, abs=0.06)


def test_a_report_names_them(tmp_path):
    wide = {"hidden": [64], "optimizer": {"name": "adam", "learning_rate": 0.03}}
    declared = {
        "data": {"name": "digits", "validation": 0.1}, "seeds": 4,
        "training": {"steps": 120, "batch_size": 32, "evaluate_every": 10},
        "networks": {
            "short": {"hidden": [16], "optimizer": {"name": "sgd", "learning_rate": 0.05}},
            "settled": wide | {"training": {"steps": 800, "batch_size": 64, "evaluate_every": 80}},
            "shaky": {"hidden": [8] * 3, "optimizer": {"name": "sgd", "learning_rate": 0.3}},
        },
    }  # fmt: skip
    (tmp_path / "s.json").write_text(json.dumps(declared))
    results = Study.load(tmp_path / "s.json").run(tmp_path / "runs", device="cpu")
    found = {(d.kind, d.network) for d in diagnoses(results, runs_by_network(results))}
    assert ("too short", "short") in found
    assert not {kind for kind, name in found if name == "settled"} & {"too short", "unstable"}
    told = " ".join(caveats(Context(results)))
    assert "Trained too short" in told
    values = results.summary().query("network == 'shaky'")["test_accuracy"]
    assert ("unstable", "shaky") in found
    assert f"{values.min():.4f}" in told
