"""Writing a report: the page, its Markdown twin, and files of figures where they are asked for."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlplab.declarations.writing import study_json
from mlplab.figures.figure import Figure
from mlplab.records.atomic import writable
from mlplab.report import html, markdown
from mlplab.report.chapters import chapters_of
from mlplab.report.chapters.reproduction import STUDY_FILE
from mlplab.report.context import Context
from mlplab.statistics.intervals import overlapping

if TYPE_CHECKING:
    from mlplab.figures.drawing import Drawing
    from mlplab.records.results import Results

KINDS = ("svg", "png", "csv")
"""The kinds of files that a figure can be written as."""
_WRITTEN = ".written.json"
"""Within figures/: what each file written there showed, so that none is left that shows other
numbers than the page."""


def write(
    results: Results,
    folder: Path,
    *,
    figures: Collection[str] = (),
    on_figure: Callable[[int, int], None] | None = None,
) -> Path:
    """Write report.html and report.md into a folder; returns the page's path.

    The page draws its figures itself when they come into view. Files of figures take a tenth of a
    second each, so they are written only where they are asked for; those of an earlier report are
    removed where they show other numbers than the page.

    Args:
        results: what is reported.
        folder: is made where it is not there.
        figures: the kinds of files to be written of every figure into figures/: svg, png and csv.
            With svg or png the page also holds a still picture of each figure, which is seen where
            scripts do not run.
        on_figure: is told how many figures are drawn, and of how many.

    Raises:
        BadInput: the folder cannot be written to; what stood there before still does.
        ValueError: a kind that there is not.
    """
    if unknown := set(figures) - set(KINDS):
        raise ValueError(f"figures can be written as {', '.join(KINDS)}, not {unknown.pop()!r}")
    with overlapping(results.study.test_over_train):
        chapters = chapters_of(Context(results))
    shown = [figure for chapter in chapters for figure in chapter.figures]
    drawings = _drawn(shown, on_figure) if {"svg", "png"} & set(figures) else {}
    title, target = results.study.name, folder / "report.html"
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        files = _write_figures(shown, drawings, folder / "figures", figures)
        text = markdown.document(title, chapters, files)
        page = html.page(title, chapters, drawings, files)
        _replace(folder / STUDY_FILE, study_json(results.study).encode())
        _replace(folder / "report.md", text.encode())
        _replace(target, page.encode())
    return target


def _drawn(
    figures: Sequence[Figure], on_figure: Callable[[int, int], None] | None
) -> dict[str, Drawing]:
    from mlplab.figures.drawing import draw

    drawings = {}
    for number, figure in enumerate(figures, start=1):
        drawings[figure.name] = draw(figure.job)
        if on_figure is not None:
            on_figure(number, len(figures))
    return drawings


def _write_figures(
    figures: Sequence[Figure], drawings: dict[str, Drawing], folder: Path, kinds: Collection[str]
) -> dict[str, list[str]]:
    """Write the files; returns the kinds that lie in the folder and show what the page shows."""
    index = folder / _WRITTEN
    try:
        earlier = dict(json.loads(index.read_text("utf-8")))
    except (OSError, ValueError):
        earlier = _without_index(folder)
    if not kinds and not earlier:
        return {}
    folder.mkdir(exist_ok=True)
    written: dict[str, str] = {}
    for figure in figures:
        digest = hashlib.sha256(repr((figure.job, figure.csv())).encode()).hexdigest()[:16]
        for kind in KINDS:
            name = f"{figure.name}.{kind}"
            if kind in kinds:
                _replace(folder / name, _content(figure, drawings.get(figure.name), kind))
            elif earlier.get(name) != digest or not (folder / name).exists():
                continue
            written[name] = digest
    for name in earlier.keys() - written.keys():
        (folder / Path(name).name).unlink(missing_ok=True)
    if written:
        _replace(index, json.dumps(written, indent=0).encode())
    else:
        index.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # someone's own file lies there
            folder.rmdir()
    return {f.name: [k for k in KINDS if f"{f.name}.{k}" in written] for f in figures}


def _without_index(folder: Path) -> dict[str, str]:
    """Files of reports before there was an index: those that have all three kinds."""
    stems = [path.stem for path in folder.glob("*.svg")] if folder.is_dir() else []
    whole = [s for s in stems if all((folder / f"{s}.{kind}").exists() for kind in KINDS)]
    return {f"{stem}.{kind}": "" for stem in whole for kind in KINDS}


def _content(figure: Figure, drawing: Drawing | None, kind: str) -> bytes:
    if kind == "csv":
        return figure.csv().encode()
    assert drawing is not None
    return drawing.png if kind == "png" else drawing.svg.encode()


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: someone may have the page open."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
