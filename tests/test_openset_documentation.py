"""Every detector has its row in the documentation, and the page is written from a finished run."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest

from mlplab.openset.detectors.registry import DETECTORS
from mlplab.records.key import NUMERICS
from mlplab.study import Study

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "detectors.md"


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> str:
    """The page of the shipped study, small and on digits."""
    folder = tmp_path_factory.mktemp("detectors")
    study = json.loads((ROOT / "src/mlplab/studies/open-set.json").read_text(encoding="utf-8"))
    study["data"] = {"name": "digits"}
    study["training"] = {"steps": 40, "batch_size": 32, "evaluate_every": 40}
    study["networks"]["config10"]["hidden"] = [24, 24]
    del study["$schema"], study["compare_with"]
    study["open_set"][0]["steps"] = []
    path = folder / "open-set.json"
    path.write_text(json.dumps(study))
    results = Study.load(path, seeds=2).run(folder)
    table = runpy.run_path(str(ROOT / "benchmarks" / "detectors_table.py"))
    table["main"](str(results.folder), folder / "detectors.md")
    return (folder / "detectors.md").read_text(encoding="utf-8")


def rows_of(page: str) -> dict[str, list[str]]:
    """Cells by the detector's name with its settings."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {line[0]: line[1:] for line in cells}


def has_a_row_with_what_it_scored(page: str, detector: str) -> bool:
    cells = rows_of(page).get(detector, [])
    return any(re.fullmatch(r"0\.\d{3} \(\d\.\d{3}-\d\.\d{3}\)", cell) for cell in cells)


@pytest.mark.parametrize("detector", list(DETECTORS))
def test_a_run_gives_every_detector_its_row(written, detector):
    assert has_a_row_with_what_it_scored(written, detector)


def test_a_page_of_a_run_says_what_was_run(written):
    assert "config10 on digits, 40 steps" in written
    assert "2 seeds" in written


def test_the_documentation_names_its_numerics_and_holds_what_was_asked_of_it():
    page = PAGE.read_text(encoding="utf-8")
    measured_with = re.search(r"config10 on mnist, 2,000 steps \(numerics (\d+)\)", page)
    assert measured_with is not None
    assert int(measured_with[1]) <= NUMERICS
    assert "10 seeds" in page
    scored = {
        name: float(cells[2].split()[0]) for name, cells in rows_of(page).items() if _scored(cells)
    }
    assert 0.91 <= scored["softmax"] <= 0.94
    assert scored["nearest neighbours"] >= 0.955
    assert scored["class centre"] < scored["softmax"]


def _scored(cells: list[str]) -> bool:
    return len(cells) > 2 and re.match(r"0\.\d{3} \(", cells[2]) is not None


@pytest.mark.parametrize("detector", list(DETECTORS))
def test_every_detector_has_its_row_in_the_documentation(detector):
    assert has_a_row_with_what_it_scored(PAGE.read_text(encoding="utf-8"), detector)


def test_the_documentation_has_ten_seeds_and_the_head_that_is_written_today():
    page = PAGE.read_text(encoding="utf-8")
    head = runpy.run_path(str(ROOT / "benchmarks" / "detectors_table.py"))["HEAD"]
    assert page.startswith(head), "run benchmarks/detectors_table.py"
    seeds = re.search(r"## After training: .*, (\d+) seeds", page)
    assert seeds is not None
    assert int(seeds[1]) >= 10
