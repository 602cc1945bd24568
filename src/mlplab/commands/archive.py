"""`mlplab archive`: a results folder as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlplab.commands import options


def archive(
    run: options.ResultsArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The file; by default the folder's name.zip."),
    ] = None,
) -> None:
    """Write a results folder as one file that another machine can verify.

    \b
    Examples:
      mlplab archive runs/report-2023
      mlplab archive runs/report-2023 --out report.zip
      mlplab verify report.zip

    It holds records, weights, report and study, digests of the data, and the versions of all
    packages as requirements.txt. Data sets are not in it.
    """
    from mlplab.records.archive import write_archive

    path = out or Path(f"{run.resolve().name}.zip")
    seal = write_archive(run, path)
    print(f"Archive: {path}\nSeal: {seal}")
