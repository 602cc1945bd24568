"""What ARCHITECTURE.md says of adding things is true: each addition touches the files it names.

Every case is added to a copy of the package, in exactly these files, and then used as a user would.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
SECTION = "## Where the next thing goes"


@dataclass(frozen=True)
class Addition:
    """What is written to add one thing."""

    thing: str
    """As the table in ARCHITECTURE.md calls it."""
    new_files: dict[str, str]
    """Text by path under src/mlplab."""
    insertions: dict[str, tuple[tuple[str, str], ...]]
    """By path: each the text before which something is inserted, and what."""
    study: dict
    """What is run with it."""
    word: str
    """What a study file says for it."""
    seen: str
    """A Python expression over `results` that holds only if the addition did its work."""


DIGITS = {
    "name": "tried",
    "data": {"name": "digits"},
    "training": {"steps": 80, "batch_size": 64, "evaluate_every": 40},
    "seeds": 1,
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "networks": {"plain": {"hidden": [24]}},
}

ACTIVATION = Addition(
    thing="an activation",
    new_files={},
    insertions={
        "declarations/form.py": (('"identity"]', '"hardtanh", '),),
        "networks/activations.py": (
            (
                "ACTIVATIONS: dict[",
                "def _hardtanh(sums: torch.Tensor) -> None:\n"
                "    sums.clamp_(-1, 1)\n\n\n"
                "def _hardtanh_back(gradient: torch.Tensor, outputs: torch.Tensor) -> None:\n"
                "    gradient.mul_(outputs.abs() < 1)\n\n\n",
            ),
            ('"identity": Act', '"hardtanh": ActivationFunction(_hardtanh, _hardtanh_back),\n    '),
        ),
        "openset/from_weights.py": (
            ('"identity": lambda', '"hardtanh": lambda x: np.clip(x, -1, 1),\n    '),
        ),
    },
    study={**DIGITS, "networks": {"new": {"hidden": [24], "activation": "hardtanh"}}},
    word="hardtanh",
    seen="""(
        (rows := load_digits().data[:50]) is not None
        and np.allclose(
            activations_from_weights(rows / 16, results.weights("new", 0), "hardtanh").logits,
            results.predict("new", 0, rows), atol=1e-4)
        and results.run("new", 0).evaluation.accuracy > 0.8
    )""",
)

OBJECTIVE = Addition(
    thing="an objective",
    new_files={
        "objectives/label_smoothing.py": '''"""Cross-entropy with smoothed labels."""

from dataclasses import dataclass

import torch

from mlplab.objectives.differentiated import DifferentiatedObjective
from mlplab.objectives.objective import BatchOutputs


@dataclass(frozen=True)
class LabelSmoothing(DifferentiatedObjective):
    smoothing: float

    def losses(self, outputs: BatchOutputs) -> torch.Tensor:
        logits, targets = outputs.logits.transpose(1, 2), outputs.targets
        values = torch.nn.functional.cross_entropy(
            logits, targets, reduction="none", label_smoothing=self.smoothing
        )
        return values.mean(1)
''',
    },
    insertions={
        "declarations/objective.py": (
            (
                "Objective = Annotated[",
                "class LabelSmoothing(Declaration):\n"
                '    """Cross-entropy against labels that give other classes a part."""\n\n'
                '    name: Literal["label smoothing"]\n'
                '    """The objective; the other keys depend on it."""\n'
                "    smoothing: PositiveNumber\n"
                '    """The part of other classes."""\n\n\n',
            ),
            ("Pinball,\n    Field(", "LabelSmoothing\n    | "),
        ),
        "objectives/declared.py": (
            (
                "from mlplab.objectives.objective import",
                "from mlplab.objectives.label_smoothing import LabelSmoothing\n",
            ),
            ("declared.EnergyMargin:", "declared.LabelSmoothing: LabelSmoothing,\n    "),
        ),
    },
    study={
        **DIGITS,
        "networks": {
            "plain": {"hidden": [24]},
            "new": {"hidden": [24], "objective": {"name": "label smoothing", "smoothing": 0.3}},
        },
    },
    word="label smoothing",
    seen="""(
        results.run("new", 0).evaluation.accuracy > 0.8
        and results.run("new", 0).evaluation.log_loss
        > 1.5 * results.run("plain", 0).evaluation.log_loss
    )""",
)

DETECTOR = Addition(
    thing="a detector",
    new_files={
        "openset/detectors/margin.py": '''"""How near the second class comes to the first."""

import numpy as np

from mlplab.declarations import open_set_detectors as declared
from mlplab.openset.activations import Activations
from mlplab.openset.detectors.detector import scores


@scores(declared.Margin)
def _margin(activations: Activations, settings: declared.Margin) -> np.ndarray:
    largest = np.sort(activations.logits, axis=1)[:, -2:]
    return settings.scale * (largest[:, 0] - largest[:, 1])
''',
    },
    insertions={
        "declarations/open_set_detectors.py": (
            (
                "Detector = Annotated[",
                "class Margin(DetectorSettings):\n"
                '    """The second largest logit less the largest."""\n\n'
                '    formula = "z_(2) − z_(1)"\n'
                '    source = "made for this test"\n'
                '    name: Literal["margin"] = "margin"\n'
                "    scale: PositiveNumber = 1.0\n"
                '    """What it is multiplied by."""\n\n\n',
            ),
            ("MaxLogit\n    |", "Margin\n    | "),
        ),
    },
    study={
        **DIGITS,
        "networks": {"plain": {"hidden": [24], "open_set_only": True}},
        "open_set": [
            {
                "known": [0, 1, 2, 3, 4],
                "unknown": [5, 6, 7, 8, 9],
                "detectors": [{"name": "margin"}],
            }
        ],
    },
    word="margin",
    seen="""(
        0.7 < results.open_set().query("detector == 'margin' and metric == 'auroc'").value.item() < 1
    )""",
)

IMAGES = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"
LABELS = "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"


def idx_files() -> dict[str, bytes]:
    """Return two classes of 6×6 images, bright at the left or at the right, as IDX files."""
    files = {}
    for images_name, labels_name, rows in zip(IMAGES, LABELS, (120, 40), strict=True):
        labels = np.arange(rows, dtype=np.uint8) % 2
        images = np.random.default_rng(rows).integers(0, 100, (rows, 6, 6), dtype=np.uint8)
        images[labels == 0, :, :3] += 100
        images[labels == 1, :, 3:] += 100
        shape = np.array([rows, 6, 6], dtype=">i4").tobytes()
        files[images_name] = b"\0\0\x08\x03" + shape + images.tobytes()
        files[labels_name] = b"\0\0\x08\x01" + shape[:4] + labels.tobytes()
    return files


FILES = {name: gzip.compress(content, mtime=0) for name, content in idx_files().items()}


def published(name: str) -> str:
    """Return a file of the set as the declaration of its source has it."""
    digest = hashlib.sha256(gzip.decompress(FILES[name])).hexdigest()
    return f'SourceFile("{name}", "{hashlib.md5(FILES[name]).hexdigest()}", "{digest}")'


KNOWN_SET = Addition(
    thing="a known data set",
    new_files={},
    insertions={
        "declarations/known_data.py": (
            (
                'KnownSet(\n            "kmnist"',
                'KnownSet("sides", "Left or right", 120, 40, 36, 6, ("left", "right"), (60, 60), '
                '(20, 20), "MIT", "made for this test"),\n        ',
            ),
        ),
        "declarations/data.py": (('"kmnist"]', '"sides", '),),
        "data/mirrors.py": (
            (
                '"kmnist": Source(',
                f'"sides": Source(({published(IMAGES[0])}, {published(LABELS[0])}, '
                f"{published(IMAGES[1])}, {published(LABELS[1])}), ()),\n    ",
            ),
        ),
    },
    study={**DIGITS, "data": {"name": "sides"}},
    word="sides",
    seen="""(
        results.run("plain", 0).evaluation.accuracy > 0.95
        and tuple(results.run("plain", 0).layers) == (36, 24, 2)
    )""",
)

ADDITIONS = (ACTIVATION, OBJECTIVE, DETECTOR, KNOWN_SET)

USE = """
import sys
import numpy as np
from sklearn.datasets import load_digits
import mlplab
from mlplab import Study
from mlplab.commands.explanation import explain
from mlplab.openset.from_weights import activations_from_weights

assert mlplab.__file__.startswith(sys.argv[1]), mlplab.__file__
results = Study.load("study.json").run("runs")
assert {seen}
print(explain())
"""


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda a: a.thing)
def test_an_addition_works_and_touches_only_the_files_named(addition, tmp_path, documented_files):
    source = tmp_path / "source"
    shutil.copytree(
        ROOT / "src" / "mlplab", source / "mlplab", ignore=shutil.ignore_patterns("__pycache__")
    )
    add(addition, source / "mlplab")
    data = tmp_path / "data" / "sides"
    data.mkdir(parents=True)
    for name, content in FILES.items():
        (data / f"{name}.gz").write_bytes(content)
    (tmp_path / "study.json").write_text(json.dumps(addition.study))
    used = subprocess.run(
        [sys.executable, "-c", USE.format(seen=addition.seen), str(source)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(source), "MLPLAB_DATA": str(data.parent)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert used.returncode == 0, used.stderr
    assert f'"{addition.word}"' in used.stdout, "no word of it among the keys of a study"

    named = documented_files[addition.thing]
    touched = {*addition.insertions, *(new_file_as_named(path) for path in addition.new_files)}
    assert named == touched


def add(addition: Addition, package: Path) -> None:
    """Write an addition into a copy of the package."""
    for path, text in addition.new_files.items():
        assert not (package / path).exists()
        (package / path).write_text(text, encoding="utf-8")
    for path, insertions in addition.insertions.items():
        text = (package / path).read_text(encoding="utf-8")
        for before, inserted in insertions:
            assert text.count(before) == 1, f"{path}: {before!r} stands {text.count(before)} times"
            text = text.replace(before, inserted + before)
        (package / path).write_text(text, encoding="utf-8")


def new_file_as_named(path: str) -> str:
    """Return how the table names a file that is new: by its folder."""
    return f"{path.rpartition('/')[0]}/NAME.py"


@pytest.fixture(scope="module")
def documented_files() -> dict[str, set[str]]:
    """The files that ARCHITECTURE.md names for each thing, under src/mlplab."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition(SECTION)[2]
    rows = {}
    for line in text.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 2:
            rows[cells[0]] = set(re.findall(r"`([\w/]+\.py)`", cells[1]))
    return rows


def test_files_named_for_additions_exist(documented_files):
    assert len(documented_files) >= 8
    for thing, paths in documented_files.items():
        for path in paths:
            there = ROOT / "src" / "mlplab" / path
            if path.startswith("benchmarks/"):
                there = ROOT / path
            if path.endswith("/NAME.py"):
                assert there.parent.is_dir(), f"{thing}: {path}"
            else:
                assert there.is_file(), f"{thing}: {path}"
