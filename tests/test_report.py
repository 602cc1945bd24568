"""The report of a small real run: its page stands alone, its figures say what was measured."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from mlplab.declarations.figure import CurveFigure, RocFigure
from mlplab.figures.possible_range import cut, reaches_beyond
from mlplab.records.results import Results
from mlplab.report.write import KINDS, write
from mlplab.runner.run import run
from simulated_results import report_study, simulated
from small_studies import ADAM, SGD, network, study

NUMBERS = (1, 2, 3, 10, 16)


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    folder = tmp_path_factory.mktemp("report") / "small"
    declared = study(
        adam=network(optimizer=ADAM, seeds=[0, 1, 2]),
        sgd=network(optimizer=SGD, seeds=[0, 1, 2]),
        wild=network(optimizer={"name": "sgd", "learning_rate": 1e30}, seeds=[0]),
    )
    figures = (
        CurveFigure(title="Test accuracy", networks=("adam", "sgd")),
        CurveFigure(title="Learning curve", networks=("adam",), split=("batch", "test")),
        RocFigure(title="ROC of adam", kind="roc", network="adam"),
    )
    return run(replace(declared, figures=figures), folder)


@pytest.fixture(scope="module")
def written(results):
    page = write(results, results.folder, figures=KINDS)
    return page, page.read_text(encoding="utf-8"), (page.parent / "report.md").read_text("utf-8")


def test_the_page_stands_alone(written):
    _, page, _ = written
    markup = re.sub(r"<script\b[^>]*>.*?</script>", "<script></script>", page, flags=re.DOTALL)
    assert not re.search(r"<script\b[^>]*\ssrc=", page)
    fetched = re.findall(r"""<(?:link|img|iframe)[^>]*(?:src|href)=["']([^"']+)""", markup)
    assert [link for link in fetched if not link.startswith(("data:", "#"))] == []
    assert len(page) < 5_000_000
    assert 'lang="en"' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_every_figure_has_its_picture_its_numbers_and_its_words(written):
    page, _, text = written
    files = sorted((page.parent / "figures").glob("[a-z]*"))
    stems = {f.stem for f in files}
    assert {"test-accuracy", "learning-curve", "roc-of-adam"} <= stems
    for stem in stems:
        forms = {f.suffix: f for f in files if f.stem == stem}
        assert forms.keys() == {".svg", ".png", ".csv"}
        assert forms[".svg"].read_text().startswith("<svg")
        assert forms[".png"].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert len(list(csv.DictReader(forms[".csv"].open()))) > 0
        assert f"figures/{stem}." in text


def test_the_numbers_of_a_figure_are_those_of_the_records(results, written):
    page, _, _ = written
    rows = list(csv.DictReader((page.parent / "figures" / "test-accuracy.csv").open()))
    final = [
        float(r["value"])
        for r in rows
        if r["kind"] == "run" and r["network"] == "adam" and r["step"] == "20"
    ]
    measured = [results.run("adam", seed).curves["test", "accuracy"][-1] for seed in (0, 1, 2)]
    np.testing.assert_allclose(final, measured, rtol=1e-9)
    mean = [r for r in rows if r["kind"] == "mean" and r["network"] == "adam" and r["step"] == "20"]
    assert float(mean[0]["value"]) == pytest.approx(np.mean(measured))
    # t(0.975, 2) = 4.30265
    half = 4.30265 * np.std(measured, ddof=1) / np.sqrt(3)
    assert float(mean[0]["high"]) == pytest.approx(np.mean(measured) + half, rel=1e-5)


def test_what_a_reader_must_know_is_said(written):
    _, page, text = written
    for words in ("wild", "diverged", "test set", "seeds"):
        assert words in page
        assert words in text


def test_the_page_carries_each_interactive_figure_as_a_specification(written):
    _, page, _ = written
    blocks = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert blocks
    for block in blocks:
        json.loads(block)


def test_files_of_figures_are_written_only_where_they_are_asked_for(results, tmp_path):
    page = write(results, tmp_path)
    assert not (tmp_path / "figures").exists()
    assert "figures/" not in (tmp_path / "report.md").read_text("utf-8")
    assert 'href="figures/' not in page.read_text("utf-8")
    seen = []
    write(results, tmp_path, figures=["png"], on_figure=lambda done, of: seen.append((done, of)))
    (tmp_path / "figures" / "own.txt").write_text("someone's own")
    kinds = {path.suffix for path in (tmp_path / "figures").glob("[a-z]*")}
    assert kinds == {".png", ".txt"}
    assert seen[-1][0] == seen[-1][1] == len(seen)
    with pytest.raises(ValueError, match="gif"):
        write(results, tmp_path, figures=["gif"])


def test_files_that_show_other_numbers_than_the_page_do_not_stay(results, tmp_path):
    write(results, tmp_path, figures=["csv"])
    before = set((tmp_path / "figures").glob("*.csv"))
    page = write(results, tmp_path).read_text("utf-8")
    assert set((tmp_path / "figures").glob("*.csv")) == before
    assert page.count(".csv") >= len(before)
    (tmp_path / "figures" / "own.txt").write_text("someone's own")
    fewer = replace(results, runs=tuple(r for r in results.runs if r.seed < 2))
    write(fewer, tmp_path)
    assert [path.name for path in (tmp_path / "figures").glob("[a-z]*")] == ["own.txt"]


def test_the_page_is_short_until_it_is_opened(written):
    _, page, _ = written
    body = page.partition("<main>")[2].partition("</main>")[0]
    folded = re.sub(r"<details\b.*?</details>", "", body, flags=re.DOTALL)
    assert "Evaluation" in body
    assert folded.count("<figure") <= 5
    assert body.count("<figure") > 5


def test_published_curves_are_judged_from_three_seeds_on(tmp_path):
    judged = write(simulated(report_study(3, NUMBERS)), tmp_path / "three").parent / "report.md"
    silent = write(simulated(report_study(2, NUMBERS)), tmp_path / "two").parent / "report.md"
    assert "prediction band" in judged.read_text("utf-8")
    assert "No statement" in silent.read_text("utf-8")


def test_intervals_are_drawn_as_far_as_the_metric_reaches(results):
    import pandas as pd

    table = pd.DataFrame({"low": [-0.5, 0.2], "high": [1.5, np.nan]})
    assert reaches_beyond(table, "accuracy")
    assert cut(table, "accuracy")["low"].tolist() == [0.0, 0.2]
    assert cut(table, "accuracy")["high"][0] == 1.0
    assert cut(table, "loss")["high"][0] == 1.5
    assert not reaches_beyond(table[1:], "accuracy")
