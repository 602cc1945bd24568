"""A report's page in a real browser: every figure is drawn, none is empty, none is cut."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from mlplab.analysis.questions.answers import answer
from mlplab.figures.effects import effect_figure
from mlplab.figures.figure import Figure
from mlplab.report import html
from mlplab.report.document import Chapter, Details, Pictures
from mlplab.report.write import write
from simulated_questions import pair, ranking, trend
from simulated_questions import results as asked
from simulated_results import report_study, simulated

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to draw pages")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
OPENED = """<script>
addEventListener("load", () => {
  for (const element of document.querySelectorAll("details")) element.open = true;
  dispatchEvent(new Event("beforeprint"));
});
</script></body>"""


def shown(page, tmp_path, width=1300) -> str:
    """The page's document when everything is open and about to be printed."""
    opened = page.with_name("opened.html")
    before, _, after = page.read_text("utf-8").rpartition("</body>")
    opened.write_text(before + OPENED + after, "utf-8")
    command = [
        CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},2000",
        "--virtual-time-budget=30000", "--dump-dom", opened.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout


def figures_of(document: str) -> dict[str, str]:
    found = re.finditer(
        r'<figure id="figure-([^"]+)"([^>]*)>(.*?)</figure>', document, flags=re.DOTALL
    )
    return {match[1]: match[2] + match[3] for match in found}


def size_of(figure: str) -> tuple[float, float]:
    svg = re.search(r'<svg[^>]*class="marks"[^>]*>', figure)
    assert svg is not None, figure[:300]
    return tuple(
        float(re.search(rf'\b{side}="([\d.]+)"', svg[0])[1]) for side in ("width", "height")
    )


@pytest.mark.parametrize("width", [400, 1300])
def test_no_figure_is_empty(tmp_path, width):
    results = simulated(report_study(seeds=3, numbers=(1, 2, 3, 10, 16), diagnostics=True))
    folder = tmp_path / "report"
    page = write(replace(results, folder=None), folder)
    figures = figures_of(shown(page, tmp_path, width))
    assert len(figures) > 20
    for name, figure in figures.items():
        assert 'data-live="yes"' in figure, name
        across, up = size_of(figure)
        assert across > 100, name
        assert up > 30, name
        # Every figure has marks, and not only its axes.
        assert re.search(r'class="mark-(?!group|text|rule role-axis)[a-z]+ role-mark', figure), name


def test_a_concat_that_wraps_is_drawn(tmp_path):
    """Vega draws it at a size of 0; the page makes rows of it."""
    import pandas as pd

    panel = {
        "data": {"values": [{"x": 1, "y": 2}, {"x": 2, "y": 3}]},
        "width": 190,
        "height": 96,
        "mark": "bar",
        "encoding": {
            "x": {"field": "x", "type": "quantitative"},
            "y": {"field": "y", "type": "quantitative"},
        },
    }
    drawing = {"concat": [panel] * 5, "columns": 3, "spacing": {"row": 34, "column": 26}}
    figure = Figure("wrapped", "Wrapped", "Five panels.", pd.DataFrame({"x": [1]}), drawing)
    page = tmp_path / "page.html"
    blocks = (Details("more", (Pictures((figure,)),)),)
    page.write_text(html.page("T", [Chapter("c", "C", blocks)]), "utf-8")
    for width in (400, 1300):
        across, up = size_of(figures_of(shown(page, tmp_path, width))["wrapped"])
        assert across > 190
        assert up > 200, (width, across, up)
        assert np.isfinite(up)


def test_long_names_leave_room_and_stay_apart(tmp_path):
    networks = {f"a-network-with-a-long-name-{end}": [at] * 8 for end, at in
                (("thin", 0.7), ("middle", 0.8), ("wide", 0.9))}  # fmt: skip
    names = tuple(networks)
    questions = (pair(compare=names[:2]), trend(along=names), ranking(*names))
    answers = answer(asked(networks, questions), questions, {})
    figures = [effect_figure(found, f"q{index}") for index, found in enumerate(answers)]
    page = tmp_path / "page.html"
    page.write_text(html.page("T", [Chapter("c", "C", (Pictures(tuple(figures)),))]), "utf-8")
    drawn = figures_of(shown(page, tmp_path, 400))
    for name, figure in drawn.items():
        inner = re.search(r'class="background"[^>]*d="M[\d.,]+h(\d+)', figure)
        assert float(inner[1]) >= 100, name
    labels = re.findall(r">([^<>]*…[^<>]*)</text>", drawn["q1"])
    assert len(set(labels)) == 3, labels
