"""`mlplab predict`: what a trained network says of new rows."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlplab.commands import options
from mlplab.commands.failure import complain, refuse
from mlplab.commands.network_in_use import model_of_results

if TYPE_CHECKING:
    import pandas as pd

    from mlplab.model.model import Model
    from mlplab.model.rows import NewRows


def predict(
    run: Annotated[Path, options.argument("RUN|MODEL", "A results folder, or a model file.")],
    data: Annotated[
        Path,
        options.option(
            "--data",
            metavar="FILE",
            help="New rows: a table, an array (.npy), an image, or a folder of images.",
        ),
    ],
    network: options.ModelNetwork = None,
    seed: options.ModelSeed = "all",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to: .csv, .csv.gz or .parquet; else the screen."),
    ] = None,
) -> None:
    """Predict classes or values of new rows with a trained network.

    \b
    Examples:
      mlplab predict runs/adult --data new.csv --out predictions.csv
      mlplab predict adult.safetensors --data new.parquet --out predictions.parquet
      mlplab predict runs/report-2023 --data digit.png

    Rows become inputs as the training rows did. There is one answer a row, in their order: of
    classes prediction, probability, spread (its standard deviation over seeds) and p(CLASS) for
    each class; of a quantity prediction and spread. A row that the study's threshold rejects is
    "unknown".
    """
    from mlplab.model.rows import new_rows

    model = _model(run, network, seed)
    rows = new_rows(model, data)
    for note in rows.notes:
        complain(f"note: {note}")
    done = 0
    with _writer(out) as write:
        for start, answers in _answers(model, rows, data, show=out is not None):
            write(answers)
            done = start + len(answers)
    if not done:
        raise refuse(f"{data}: expected at least one row, but received none.")
    if out is not None:
        print(out)


def _model(run: Path, network: str | None, seed: str) -> Model:
    if run.is_file():
        if network is not None or seed != "all":
            raise refuse("A model file is one network: leave out --network and --seed.")
        from mlplab.model.files import load_model

        return load_model(run)
    from mlplab.study import open_results

    return model_of_results(open_results(run), network, seed)


def _answers(
    model: Model, rows: NewRows, path: Path, *, show: bool
) -> Iterator[tuple[int, pd.DataFrame]]:
    """The number of rows before each piece, and its answers; a bar shows how far it is."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from mlplab.declarations.problems import BadInput
    from mlplab.model.rows import located

    start = 0
    columns = (
        TextColumn("predicting rows"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not show) as bar:
        task = bar.add_task("", total=rows.total)
        for piece in rows.pieces:
            try:
                answers = model.answers(piece.rows)
            except BadInput as error:
                raise located(error, start, path) from None
            if piece.names is not None:
                answers.insert(0, "file", piece.names)
            yield start, answers
            start += len(answers)
            bar.advance(task, len(answers))


@contextmanager
def _writer(out: Path | None) -> Iterator[Any]:
    """Writes tables one below the other; a file is there whole or not at all."""
    from mlplab.records.atomic import replacing, writable
    from mlplab.records.export import TableWriter

    if out is None:
        yield TableWriter(sys.stdout).write
        return
    TableWriter.require_ending(out)
    with writable(out), replacing(out) as temporary, TableWriter.opened(temporary) as writer:
        yield writer.write
