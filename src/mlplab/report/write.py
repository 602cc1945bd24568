"""Writing a report: chapters, figures in all their forms, the page and the Markdown file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.declarations.writing import study_json
from mlplab.figures.drawing import Drawing, draw_all
from mlplab.figures.figure import Figure
from mlplab.records.atomic import writable
from mlplab.report import html, markdown
from mlplab.report.chapters import chapters_of
from mlplab.report.chapters.reproduction import STUDY_FILE
from mlplab.report.context import Context

if TYPE_CHECKING:
    from mlplab.records.results import Results

_KINDS = ("svg", "png", "csv")


def write(results: Results, folder: Path) -> Path:
    """Write report.html, report.md and figures/ into a folder; returns the page's path.

    figures/ holds every figure as SVG, PNG and CSV; those of an earlier report that this one does
    not have are removed.

    Raises:
        BadInput: the folder cannot be written to; what stood there before still does.
    """
    chapters = chapters_of(Context(results))
    figures = [figure for chapter in chapters for figure in chapter.figures]
    drawings = draw_all([figure.job for figure in figures], processes=os.cpu_count() or 1)
    title = results.study.name
    text, page = markdown.document(title, chapters), html.page(title, chapters, drawings)
    target = folder / "report.html"
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write_figures(figures, drawings, folder / "figures")
        _replace(folder / STUDY_FILE, study_json(results.study).encode())
        _replace(folder / "report.md", text.encode())
        _replace(target, page.encode())
    return target


def _write_figures(figures: list[Figure], drawings: dict[str, Drawing], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    written = set()
    for figure in figures:
        drawing = drawings[figure.name]
        for kind, content in (
            ("svg", drawing.svg.encode()),
            ("png", drawing.png),
            ("csv", figure.csv().encode()),
        ):
            path = folder / f"{figure.name}.{kind}"
            _replace(path, content)
            written.add(path)
    for path in folder.glob("*.svg"):
        # Only what has all three forms was written by a report; anything else is someone's own.
        forms = [path.with_suffix(f".{kind}") for kind in _KINDS]
        if path not in written and all(form.exists() for form in forms):
            for form in forms:
                form.unlink()


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: someone may have the page open."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
