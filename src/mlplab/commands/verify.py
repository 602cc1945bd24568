"""`mlplab verify`: whether recorded results are still what training gives."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from mlplab.commands import options
from mlplab.commands.failure import EXIT_DONE, EXIT_NETWORK_FAILED

MOST_TOLD = 20
"""Problems that are told before the rest are only counted."""


def verify(
    run: Annotated[Path, options.argument("RUN", "A results folder, or an archive.")],
    sample: Annotated[
        int,
        typer.Option("--sample", min=0, help="Networks × seeds that are trained again, alone."),
    ] = 5,
    draw: Annotated[int, typer.Option("--draw", min=0, help="Which sample is drawn.")] = 0,
    data: Annotated[
        Path,
        typer.Option("--data", metavar="DIR", help="Where relative paths of own data begin."),
    ] = Path(),
) -> None:
    """Check recorded results: their seals, and some networks by training them again.

    \b
    Examples:
      mlplab verify runs/report-2023
      mlplab verify report-2023.zip --sample 20

    Every run has a seal of its weights, curves and evaluation, and what was asked before training is
    a chain of hashes, so that a later change shows. Networks that are trained again must have the
    same bits on the same kind of machine; elsewhere their curves are held against a tolerance.
    Exit code 1 says that something is not as it was recorded.
    """
    from mlplab.commands.progress import display
    from mlplab.records.archive import unpacked
    from mlplab.verify import TOLERANCE
    from mlplab.verify import verify as check
    from mlplab.words import count

    place = unpacked(run) if run.is_file() else nullcontext(run)
    with place as folder, display(run.stem, as_json=False) as shown:
        shown.begin("checking the seals")
        found = check(folder, sample, data=data, draw=draw, on_event=shown)
    for problem in found.problems[:MOST_TOLD]:
        print(problem)
    if len(found.problems) > MOST_TOLD:
        print(f"and {len(found.problems) - MOST_TOLD:,} more")
    members = ", ".join(f"{name} (seed {seed})" for name, seed in found.sample) or "none"
    if found.unsealed:
        print(
            f"{count(found.unsealed, 'run')} without a seal: the study was stopped, or run by an "
            "earlier mlplab; to run it again seals them"
        )
    print(f"trained again: {members}")
    if found.other_kind and found.sample:
        print(f"another kind of machine: {'; '.join(found.other_kind)}")
        print(f"so curves were held against a tolerance of {TOLERANCE:g}, and bits were not")
    print("not as recorded" if found.problems else "all as recorded")
    raise typer.Exit(EXIT_NETWORK_FAILED if found.problems else EXIT_DONE)
