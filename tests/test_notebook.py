"""What a notebook shows: results, answers, figures, progress; and the documentation's own notebook."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlplab import Study, notebook
from mlplab.declarations.problems import BadInput
from mlplab.runner import events
from mlplab.study import StudyResults
from small_studies import network, study

PAGE = Path(__file__).parent.parent / "docs" / "notebook.ipynb"
QUESTION = {"ask": "Is <a> better?", "compare": ["<a>", "b"], "metric": {"final": "accuracy"},
            "expect": "greater"}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    folder = tmp_path_factory.mktemp("notebook")
    small = {"hidden": [8], "optimizer": {"name": "sgd", "learning_rate": 0.1}}
    declared = {
        "data": {"name": "digits"}, "seeds": 2,
        "training": {"steps": 20, "batch_size": 32, "evaluate_every": 10},
        "networks": {"<a>": small, "b": small | {"hidden": [4]}}, "questions": [QUESTION],
    }  # fmt: skip
    (folder / "s.json").write_text(json.dumps(declared))
    return Study.load(folder / "s.json").run(folder / "runs")


def test_results_show_each_network_and_answer(results: StudyResults) -> None:
    shown = results._repr_html_()
    assert "&lt;a&gt;" in shown
    assert "<a>" not in shown
    mean = results.summary().groupby("network")["test_accuracy"].mean()["b"]
    assert f"{mean:.4f}" in shown
    assert results.answers()[0].verdict in shown
    assert len(shown) < 5000


def test_a_figure_is_found_by_its_name(results: StudyResults) -> None:
    figure = results.figure("test-accuracy-over-training")
    bundle = figure._repr_mimebundle_()
    assert "<svg" in str(bundle["image/svg+xml"])
    assert figure.name in results.figures
    with pytest.raises(BadInput, match="did you mean"):
        results.figure("test-accuracy-over-trainin")


def test_a_run_in_a_notebook_shows_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def display(html: str, display_id: bool) -> SimpleNamespace:
        assert display_id
        shown.append(html)
        return SimpleNamespace(update=shown.append)

    shell = type("ZMQInteractiveShell", (), {})()
    kernel = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(
        sys.modules, "IPython.display", SimpleNamespace(display=display, HTML=lambda text: text)
    )
    Study(study(a=network(seeds=[0, 1]))).run(tmp_path)
    assert "networks × seeds" in shown[-1]
    assert "best test accuracy" in shown[-1]
    own: list[events.Event] = []
    assert notebook.watched_in_notebook(own.append) == own.append
    monkeypatch.delitem(sys.modules, "IPython")
    assert notebook.watched_in_notebook(None) is None


def test_the_documentations_notebook_was_executed() -> None:
    cells = json.loads(PAGE.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] for cell in code)
    assert not [o for cell in code for o in cell["outputs"] if o["output_type"] == "error"]
    assert PAGE.stat().st_size < 300_000


@pytest.mark.slow
def test_the_documentations_notebook_runs(tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    page = nbformat.read(PAGE, 4)
    NotebookClient(page, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    first = next(cell for cell in page.cells if cell.cell_type == "code")
    assert any("networks × seeds" in str(output) for output in first.outputs)
