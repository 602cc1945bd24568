"""`mlplab check`: every mistake in a study, before anything is trained."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from mlplab.commands import options
from mlplab.commands.studies import extent, print_audits, read
from mlplab.declarations.data import KnownData
from mlplab.declarations.resolving.data_size import headers_only
from mlplab.declarations.study import Study


def check(
    study: options.StudyArgument,
    networks: options.NetworksArgument = None,
    overrides: options.SetOption = None,
    seeds: options.SeedsOption = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Read only the headers of own data.")
    ] = False,
) -> None:
    """Find every mistake in a study, without training anything.

    \b
    Examples:
      mlplab check my-study.json
      mlplab check folder/of/config/files
      mlplab check my-study.json wide deep --seeds 5 --set training.steps=500

    All problems are told at once, one a line: where, what was expected, what came, and how to mend
    it. Exit code 2 says that there was one. Of each question is told what differs between its
    networks besides what is meant to. Own data are read whole, known sets are not opened.
    """
    with headers_only() if quick else nullcontext():
        checked = read(study, networks, overrides, seeds)
    for note in (*checked.notes, *(() if quick else _doubts(checked))):
        print(f"note: {note}")
    print_audits(checked)
    print(f"fine: {extent(checked)}")


def _doubts(study: Study) -> tuple[str, ...]:
    """What is doubtful of own data; known sets need no numerical library to be checked."""
    own = [n.data for n in study.networks.values() if not isinstance(n.data, KnownData)]
    if not own:
        return ()
    from mlplab.data.sizes import doubts_of

    return doubts_of(own, study.folder)
