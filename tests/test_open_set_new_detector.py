"""A new detector needs a declaration and an implementation, and no third place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

import mlplab

PACKAGE = Path(mlplab.__file__).parent
DECLARATION = '''class Brightness(DetectorSettings):
    """How much there is in the input.

    Score: the mean of x to a power.
    """

    formula = "mean xᵖ"
    source = "this test"
    name: Literal["brightness"] = "brightness"
    power: PositiveNumber = 1.0
    """p."""


Detector = Annotated[
    Brightness
    | Softmax
'''
IMPLEMENTATION = '''"""A detector of bright inputs."""

import numpy as np

from mlplab.declarations.open_set_detectors import Brightness
from mlplab.openset.detectors.detector import scores


@scores(Brightness)
def _brightness(activations, settings):
    return np.power(activations.array("inputs"), settings.power).mean(axis=1)
'''
STUDY = {
    "name": "bright",
    "data": {"name": "digits"},
    "training": {"steps": 20, "batch_size": 32, "evaluate_every": 20},
    "seeds": 1,
    "networks": {
        "small": {
            "hidden": [8],
            "optimizer": {"name": "adam", "learning_rate": 0.005},
            "open_set_only": True,
        }
    },
    "open_set": [
        {
            "known": [0, 1, 2],
            "unknown": [3, 4],
            "calibration": 0.2,
            "detectors": ["brightness", {"name": "brightness", "power": 2}, "softmax"],
        }
    ],
}


def test_a_detector_is_one_declaration_and_one_implementation(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "mlplab", ignore=shutil.ignore_patterns("__pycache__"))
    declarations = tmp_path / "mlplab" / "declarations" / "open_set_detectors.py"
    text = declarations.read_text(encoding="utf-8")
    union = "Detector = Annotated[\n    Softmax\n"
    assert text.count(union) == 1
    declarations.write_text(text.replace(union, DECLARATION), encoding="utf-8")
    detectors = tmp_path / "mlplab" / "openset" / "detectors"
    (detectors / "brightness.py").write_text(IMPLEMENTATION, encoding="utf-8")
    study = tmp_path / "bright.json"
    study.write_text(json.dumps(STUDY))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def run(*arguments: object) -> None:
        ended = subprocess.run(
            [sys.executable, "-m", "mlplab", *map(str, arguments)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout + ended.stderr

    run("run", study, "--out", tmp_path)
    run("export", tmp_path / "bright", "--open-set", tmp_path / "open-set.csv")
    table = pd.read_csv(tmp_path / "open-set.csv")
    assert set(table["detector"]) == {"brightness", "brightness (power 2.0)", "softmax"}
    found = table[(table["metric"] == "auroc") & (table["detector"] == "brightness")]["value"]
    assert 0 < found.item() < 1
    assert "brightness" in (tmp_path / "bright" / "report.html").read_text(encoding="utf-8")
